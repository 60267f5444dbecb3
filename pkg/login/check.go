package login

import (
	"cmp"
	"fmt"
	"os"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Check refuses, before anything is asked of anybody, what could not be
// written afterwards: a file that its readers cannot read or nobody may write, a
// profile that is somebody else's or of another login, a value that has no safe
// form. It gives what is worth a warning.
func (l *Login) Check() ([]string, error) {
	if err := checkCycle(l.Plugin, l.names()...); err != nil {
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
	role, err := irsa.ParseRoleARN(l.Request.RoleARN, irsa.AnyAccount)
	if err != nil {
		role, _ = irsa.ParseRoleARN("arn:aws:iam::111122223333:role/any", irsa.AnyAccount)
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
