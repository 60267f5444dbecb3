// Package login decides which profile of ~/.aws/config a ServiceAccount gets
// and what goes in it, tells our profiles from other people's, and takes them
// away again.
package login

import (
	"context"
	"errors"
	"fmt"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
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
