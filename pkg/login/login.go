package login

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Login is one login: what to exchange, and which profile to write.
type Login struct {
	Request     creds.Request
	Pinned      Pinned // role, audience and issuer are filled in by the exchange
	Key         creds.Key
	Mode        Mode
	Profile     string
	SetDefault  bool
	Annotate    bool
	Overwrite   bool                     // take over a profile, or an annotation, that says otherwise
	WriteRegion bool                     // the user chose Region, and the profile is to say so
	Plugin      *clientcmdapi.ExecConfig // of the kubeconfig's user: no profile is written that it rests on

	ConfigPath, CredentialsPath string
	TokenDir                    string // where token-file mode keeps its tokens
	Binary                      string // stable path of this program, for process mode
	GOOS                        string

	Exchanger creds.Exchanger
	Made      *creds.Session // what Request gave a moment ago, in place of an exchange; nil for none
	Cache     creds.Cache
}

// Result is what a login did.
type Result struct {
	creds.Session
	Profile   string
	Config    string // the file that holds the profile
	TokenFile string
	Annotated bool // the annotation was written by this login
	Warnings  []string
}

// Check refuses, before anything is asked of anybody, what could not be
// written afterwards: a file that its readers cannot read or nobody may write, a
// profile that is somebody else's or of another login, a value that has no safe
// form. It gives what is worth a warning.
func (l *Login) Check() ([]string, error) {
	if err := CheckCycle(l.Plugin, l.names()...); err != nil {
		return nil, err
	}
	trial := *l
	session := trial.imagine()
	trial.pin(session)
	err := awsconfig.Rehearse(l.ConfigPath, func(file *awsconfig.File) ([]awsconfig.Change, error) {
		return trial.changes(file, session)
	})
	if err != nil {
		return nil, err
	}
	return append(l.shadowed(), l.exposed()...), nil
}

// imagine is a session that an exchange might give, with what is known of it
// already.
func (l *Login) imagine() creds.Session {
	role, err := irsa.ParseRoleARN(l.Request.RoleARN, true)
	if err != nil {
		role, _ = irsa.ParseRoleARN("arn:aws:iam::111122223333:role/any", true)
	}
	return creds.Session{
		RoleARN: role, Audience: cmp.Or(l.Request.Audience, irsa.DefaultAudience), Issuer: "https://any.example",
		Region: cmp.Or(l.Request.Region, role.Region()), STSEndpointURL: l.Pinned.STSEndpointURL,
		Credentials: creds.Credentials{AccessKeyID: "any", SecretAccessKey: "any", SessionToken: "any"},
	}
}

// names are the profiles that this login writes.
func (l *Login) names() []string {
	if l.SetDefault && l.Profile != "default" {
		return []string{l.Profile, "default"}
	}
	return []string{l.Profile}
}

// free refuses a profile that is not for this login to replace. With
// --set-default, [default] follows from one ServiceAccount to another.
func (l *Login) free(file *awsconfig.File, name string) error {
	profile, exists := file.Profile(name)
	beside := name != l.Profile
	if !exists || l.Overwrite && !beside {
		return nil
	}
	former, ours := Recognise(l.GOOS, profile)
	switch {
	case ours && beside:
		return nil
	case ours:
		other := former.Pinned.otherThan(l.Pinned)
		if other == "" {
			return nil
		}
		return hint.Wrap(fmt.Errorf("profile %q of %s is of %s", name, l.ConfigPath, other),
			"choose another name with --profile, or take it over with --overwrite")
	case beside:
		return hint.Wrap(fmt.Errorf("[default] of %s was not written by kubectl irsa, and --set-default leaves it alone", l.ConfigPath),
			"leave out --set-default and name the profile where it is used:", "export AWS_PROFILE="+l.Profile)
	}
	return hint.Wrap(fmt.Errorf("profile %q of %s was not written by kubectl irsa", name, l.ConfigPath),
		"choose another name with --profile, or take it over with --overwrite")
}

// shadowed warns of keys in the credentials file that every reader prefers to
// a profile of the same name in the configuration file.
func (l *Login) shadowed() (warnings []string) {
	file, err := awsconfig.Read(l.CredentialsPath)
	if err != nil {
		return []string{fmt.Sprintf("cannot tell whether %s shadows the profile: %v", l.CredentialsPath, err)}
	}
	for _, name := range l.names() {
		// The credentials file has bare names where the configuration file says "profile NAME".
		for _, section := range []string{name, "profile " + name} {
			if s, ok := file.Section("", section); ok {
				if _, keys := s.Get(keyAccessKey); keys {
					warnings = append(warnings, fmt.Sprintf("[%s] of %s holds keys of its own, which win over this profile: remove them, or choose another --profile", section, l.CredentialsPath))
				}
			}
		}
	}
	return warnings
}

// exposed warns of a file that others may read, which is to hold the keys. Its
// mode is its owner's choice, and kept.
func (l *Login) exposed() []string {
	info, err := os.Stat(l.ConfigPath)
	if l.Mode != Static || l.GOOS == "windows" || err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	warning := fmt.Sprintf("others may read %s (mode %#o), which holds the keys", l.ConfigPath, info.Mode().Perm())
	if line, err := awsconfig.CommandLine(l.GOOS, []string{"chmod", "600", l.ConfigPath}); err == nil {
		warning += ": " + line
	}
	return []string{warning}
}

// Run exchanges the token, and only when that worked writes the profile.
func (l *Login) Run(ctx context.Context) (Result, error) {
	result := Result{Profile: l.Profile, Config: l.ConfigPath}
	var err error
	if result.Warnings, err = l.Check(); err != nil {
		return result, err
	}
	if result.Session, err = l.exchange(ctx); err != nil {
		return result, err
	}
	l.pin(result.Session)
	if l.Mode == TokenFile {
		if result.TokenFile, err = l.keepToken(result.Session); err != nil {
			return result, err
		}
	}
	former, err := l.write(ctx, result.Session)
	if err != nil {
		return result, errors.Join(err, l.dropTokens([]string{result.TokenFile}, ""))
	}
	if err := l.dropTokens(former, result.TokenFile); err != nil {
		result.Warnings = append(result.Warnings, err.Error())
	}
	if err := l.Cache.Remove(l.outdated); err != nil {
		result.Warnings = append(result.Warnings, fmt.Sprintf("exec and env may still find a former session in the cache: %v", err))
	}
	if l.Mode == Process {
		if err := l.Cache.Put(l.Key, result.Credentials); err != nil {
			result.Warnings = append(result.Warnings, fmt.Sprintf("the credentials are not kept for the next call: %v", err))
		}
	}
	if l.Annotate {
		result.Annotated, err = l.annotate(ctx, result.Session)
	}
	return result, err
}

// exchange gets the session. Where the ServiceAccount is to be annotated and says
// otherwise, STS is not asked for any.
func (l *Login) exchange(ctx context.Context) (creds.Session, error) {
	if l.Made != nil {
		return *l.Made, nil
	}
	request := l.Request
	if l.Annotate {
		request.Accept = func(s creds.Session) error {
			_, err := l.Annotations(s.Account, s.RoleARN.String(), s.Audience)
			return err
		}
	}
	return l.Exchanger.Run(ctx, request)
}

// pin takes what the exchange found out into the profile and the cache's key.
// An STS that the settings of this shell or of a profile chose goes along: a
// renewal has neither.
func (l *Login) pin(s creds.Session) {
	l.Pinned.STSEndpointURL, l.Key.STSEndpoint = s.STSEndpointURL, s.STSEndpointURL
	l.Pinned.RoleARN, l.Pinned.Audience, l.Pinned.Issuer, l.Pinned.Region = s.RoleARN.String(), s.Audience, s.Issuer, s.Region
	l.Key.RoleARN, l.Key.Audience, l.Key.Issuer, l.Key.Region = s.RoleARN.String(), s.Audience, s.Issuer, s.Region
}

// outdated reports whether a cached session was made for whatever the
// ServiceAccount's annotations said at its time: this login has just read them.
func (l *Login) outdated(k creds.Key) bool {
	return l.Pinned.matches(k) && k.Server == l.Key.Server && (k.RoleARN == "" || k.Audience == "")
}

// write gives the token files that the profiles named before.
func (l *Login) write(ctx context.Context, session creds.Session) (former []string, err error) {
	err = awsconfig.Edit(ctx, l.ConfigPath, func(file *awsconfig.File) ([]awsconfig.Change, error) {
		former = nil
		for _, name := range l.names() {
			if profile, exists := file.Profile(name); exists {
				if o, ours := Recognise(l.GOOS, profile); ours && o.TokenFile != "" {
					former = append(former, o.TokenFile)
				}
			}
		}
		return l.changes(file, session)
	})
	return former, err
}

// dropTokens removes the token files of a former login that no profile names
// any more.
func (l *Login) dropTokens(former []string, current string) error {
	for _, path := range former {
		if path == current {
			continue
		}
		if err := (Book{ConfigPath: l.ConfigPath, GOOS: l.GOOS}).dropToken(path); err != nil {
			return fmt.Errorf("removing the token of the former login: %w", err)
		}
	}
	return nil
}

// changes are what becomes of the profiles of a file, once each of them is free.
func (l *Login) changes(file *awsconfig.File, session creds.Session) ([]awsconfig.Change, error) {
	set, err := l.settings(session)
	if err != nil {
		return nil, err
	}
	var changes []awsconfig.Change
	for _, name := range l.names() {
		if err := l.free(file, name); err != nil {
			return nil, err
		}
		profile, _ := file.Profile(name)
		change := changeTo(set)
		// botocore refuses to look for STS without a region, so token-file mode has one always.
		if _, has := profile.Get(keyRegion); l.WriteRegion || l.Mode == TokenFile && !has {
			change.Set = append(change.Set, awsconfig.Setting{Key: keyRegion, Value: session.Region})
		}
		change.Profile = name
		changes = append(changes, change)
	}
	return changes, nil
}

// settings are the lines of the profile, but for the region.
func (l *Login) settings(s creds.Session) ([]awsconfig.Setting, error) {
	if l.Mode == Process {
		line, err := l.Pinned.processCommand(l.GOOS, l.Binary)
		return []awsconfig.Setting{{Key: keyProcess, Value: line}}, err
	}
	marks, err := l.Pinned.marks()
	if err != nil {
		return nil, err
	}
	set, expires := []awsconfig.Setting{
		{Key: keyAccessKey, Value: s.Credentials.AccessKeyID},
		{Key: keySecretKey, Value: s.Credentials.SecretAccessKey},
		{Key: keySession, Value: s.Credentials.SessionToken},
	}, s.Credentials.Expiration
	if l.Mode == TokenFile {
		set, expires = []awsconfig.Setting{
			{Key: keyRole, Value: s.RoleARN.String()},
			{Key: keyTokenFile, Value: l.tokenPath()},
			{Key: keySessionName, Value: l.Request.SessionName},
		}, s.Token.Expires
	}
	return append(append(set, marks...), awsconfig.Setting{Key: keyExpiration, Value: expires.UTC().Format(time.RFC3339)}), nil
}

// tokenPath is where the token of a token-file profile is kept.
func (l *Login) tokenPath() string {
	sum := sha256.Sum256([]byte(l.Profile + "\x00" + l.Pinned.marker()))
	return filepath.Join(l.TokenDir, hex.EncodeToString(sum[:8])+".token")
}

// keepToken writes the token where only its owner reads it.
func (l *Login) keepToken(s creds.Session) (string, error) {
	if err := os.MkdirAll(l.TokenDir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder for the token: %w", err)
	}
	path := l.tokenPath()
	if err := creds.WritePrivate(path, []byte(s.Token.Raw())); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	return path, nil
}
