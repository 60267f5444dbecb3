package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

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
	Overwrite   bool // take over a profile, or an annotation, that says otherwise
	WriteRegion bool // the user chose Region, and the profile is to say so

	ConfigPath, CredentialsPath string
	TokenDir                    string // where token-file mode keeps its tokens
	Binary                      string // stable path of this program, for process mode
	GOOS                        string

	Exchanger creds.Exchanger
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
// written afterwards: a file that its readers cannot read, a profile that is
// somebody else's, a value that has no safe form.
func (l *Login) Check() ([]string, error) {
	file, err := awsconfig.Read(l.ConfigPath)
	if err != nil {
		return nil, err
	}
	for _, name := range l.names() {
		if err := l.free(file, name); err != nil {
			return nil, err
		}
	}
	if l.Mode == Process {
		if _, err := l.Pinned.processCommand(l.GOOS, l.Binary); err != nil {
			return nil, err
		}
	}
	return l.shadowed(), nil
}

// names are the profiles that this login writes.
func (l *Login) names() []string {
	if l.SetDefault {
		return []string{l.Profile, "default"}
	}
	return []string{l.Profile}
}

func (l *Login) free(file *awsconfig.File, name string) error {
	profile, exists := file.Profile(name)
	beside := l.SetDefault && name == "default" && l.Profile != "default"
	if !exists || l.Overwrite && !beside {
		return nil
	}
	former, ours := Recognise(l.GOOS, profile)
	switch {
	case ours && !beside && former.Pinned.namesake(l.Pinned):
		return hint.Wrap(fmt.Errorf("profile %q of %s is of context %s in another kubeconfig, %s", name, l.ConfigPath, former.Pinned.Context, former.Pinned.Kubeconfig),
			"choose another name with --profile, or take it over with --overwrite")
	case ours:
		return nil
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

// Run exchanges the token, and only when that worked writes the profile.
func (l *Login) Run(ctx context.Context) (Result, error) {
	result := Result{Profile: l.Profile, Config: l.ConfigPath}
	var err error
	if result.Warnings, err = l.Check(); err != nil {
		return result, err
	}
	if result.Session, err = l.Exchanger.Run(ctx, l.Request); err != nil {
		return result, err
	}
	l.pin(result.Session)
	change, err := l.change(&result)
	if err != nil {
		return result, err
	}
	former, err := l.write(ctx, change)
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
func (l *Login) write(ctx context.Context, change awsconfig.Change) (former []string, err error) {
	err = awsconfig.Edit(ctx, l.ConfigPath, func(file *awsconfig.File) ([]awsconfig.Change, error) {
		former = nil
		var changes []awsconfig.Change
		for _, name := range l.names() {
			if err := l.free(file, name); err != nil {
				return nil, err
			}
			if profile, exists := file.Profile(name); exists {
				if o, ours := Recognise(l.GOOS, profile); ours && o.TokenFile != "" {
					former = append(former, o.TokenFile)
				}
			}
			change.Profile = name
			changes = append(changes, change)
		}
		return changes, nil
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

// change is what becomes of the profile, and writes the token of token-file mode.
func (l *Login) change(r *Result) (awsconfig.Change, error) {
	var set []awsconfig.Setting
	add := func(key, value string) { set = append(set, awsconfig.Setting{Key: key, Value: value}) }
	switch l.Mode {
	case Process:
		line, err := l.Pinned.processCommand(l.GOOS, l.Binary)
		if err != nil {
			return awsconfig.Change{}, err
		}
		add(keyProcess, line)
	case Static:
		add(keyAccessKey, r.Credentials.AccessKeyID)
		add(keySecretKey, r.Credentials.SecretAccessKey)
		add(keySession, r.Credentials.SessionToken)
		set = append(set, l.Pinned.marks()...)
		add(keyExpiration, r.Credentials.Expiration.UTC().Format(time.RFC3339))
	case TokenFile:
		path, err := l.keepToken(r.Session)
		if err != nil {
			return awsconfig.Change{}, err
		}
		r.TokenFile = path
		add(keyRole, r.RoleARN.String())
		add(keyTokenFile, path)
		add(keySessionName, l.Request.SessionName)
		set = append(set, l.Pinned.marks()...)
		add(keyExpiration, r.Token.Expires.UTC().Format(time.RFC3339))
	}
	// botocore refuses to look for STS without a region, so token-file mode has one always.
	if l.WriteRegion || l.Mode == TokenFile && !l.hasRegion() {
		add(keyRegion, r.Region)
	}
	return settings(set...), nil
}

func (l *Login) hasRegion() bool {
	file, err := awsconfig.Read(l.ConfigPath)
	if err != nil {
		return false
	}
	profile, _ := file.Profile(l.Profile)
	_, has := profile.Get(keyRegion)
	return has
}

// keepToken writes the token where only its owner reads it.
func (l *Login) keepToken(s creds.Session) (string, error) {
	if err := os.MkdirAll(l.TokenDir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder for the token: %w", err)
	}
	sum := sha256.Sum256([]byte(l.Profile + "\x00" + l.Pinned.marker()))
	path := filepath.Join(l.TokenDir, hex.EncodeToString(sum[:8])+".token")
	if err := creds.WritePrivate(path, []byte(s.Token.Raw())); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	return path, nil
}

// annotate writes the role, and an audience that is not the usual one, on the
// ServiceAccount. An annotation that says otherwise is replaced only when asked.
func (l *Login) annotate(ctx context.Context, s creds.Session) (bool, error) {
	accounts := l.Exchanger.Core.ServiceAccounts(l.Request.Namespace)
	name := l.Request.ServiceAccount
	account, err := accounts.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("logged in, but reading serviceaccount %s/%s to annotate it: %w", l.Request.Namespace, name, err)
	}
	want := map[string]string{irsa.AnnotationRoleARN: s.RoleARN.String()}
	if s.Audience != irsa.DefaultAudience {
		want[irsa.AnnotationAudience] = s.Audience
	}
	missing := map[string]string{}
	for key, value := range want {
		has := account.Annotations[key]
		if has != "" && has != value && !l.Overwrite {
			return false, hint.Wrap(fmt.Errorf("logged in, but serviceaccount %s/%s is already annotated %s=%s", l.Request.Namespace, name, key, has),
				"replace it with --annotate --overwrite")
		}
		if has != value {
			missing[key] = value
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": missing}})
	if err != nil {
		return false, err
	}
	_, err = accounts.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: creds.FieldManager})
	if err != nil {
		return false, fmt.Errorf("logged in, but annotating serviceaccount %s/%s: %w", l.Request.Namespace, name, err)
	}
	return true, nil
}
