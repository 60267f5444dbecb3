package login

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Mode is how a profile gets at its credentials.
type Mode string

// The modes. A profile is always of one of them: AWS's readers disagree about
// which source wins where two stand side by side.
const (
	Process   Mode = "process"    // a credential_process that renews itself; no secret in the file
	Static    Mode = "static"     // three keys, good until they expire
	TokenFile Mode = "token-file" // role_arn and web_identity_token_file, good until the token expires
)

// Modes are all of them, the default first.
var Modes = []Mode{Process, Static, TokenFile}

// Pinned is what a profile is made for and what credential-process is told.
type Pinned struct {
	Kubeconfig     string // absolute; a list keeps its separators
	Context        string
	Namespace      string
	ServiceAccount string
	RoleARN        string
	Audience       string
	Issuer         string // what the tokens' iss was when the profile was made
	Region         string // of the STS endpoint
	SessionName    string
	Duration       time.Duration // of the session; 0 is STS's default
	TokenDuration  time.Duration
	STSEndpointURL string
	Policy         string   // absolute path of a session policy
	PolicyARNs     []string // managed session policies
	Cache          string   // file or none
	Extra          []string // further kubeconfig flags, as --name=value
}

// ReadsFrom reports whether p and a kubeconfig, either of which may be a list,
// can mean the same cluster by one context: they have a file in common. A
// profile that does not say where it came from may be of any.
func (p Pinned) ReadsFrom(kubeconfig string) bool {
	if p.Kubeconfig == "" || kubeconfig == "" {
		return true
	}
	files := KubeconfigFiles(kubeconfig)
	return slices.ContainsFunc(KubeconfigFiles(p.Kubeconfig), func(file string) bool { return slices.Contains(files, file) })
}

// KubeconfigFiles are the files that a profile's kubeconfig stands for: the one
// whose own name holds the separator of lists, or each of a list.
func KubeconfigFiles(kubeconfig string) []string {
	if _, err := os.Stat(kubeconfig); err == nil {
		return []string{kubeconfig}
	}
	return filepath.SplitList(kubeconfig)
}

// otherThan says whose p is where it is not other's: logging in as one must not
// take another's profile for having the same name. It is empty where p is
// other's, and where all that tells them apart is a kubeconfig that is gone, which
// leads nowhere. What p does not say may be anything.
func (p Pinned) otherThan(other Pinned) string {
	differ := func(a, b string) bool { return a != "" && a != b }
	switch {
	case differ(p.Namespace, other.Namespace), differ(p.ServiceAccount, other.ServiceAccount), differ(p.Context, other.Context):
		return fmt.Sprintf("serviceaccount %s/%s in context %s", p.Namespace, p.ServiceAccount, p.Context)
	case !p.ReadsFrom(other.Kubeconfig) && slices.ContainsFunc(KubeconfigFiles(p.Kubeconfig), isThere):
		return fmt.Sprintf("context %s in another kubeconfig, %s", p.Context, p.Kubeconfig)
	}
	return ""
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// The keys of a profile that are ours to write, by mode. credential_process
// marks a profile of its own; the others carry the marker.
const (
	keyProcess     = "credential_process"
	keyRegion      = "region"
	keyMarker      = "kubectl_irsa"            // NAMESPACE/SERVICEACCOUNT@CONTEXT
	keyKubeconfig  = "kubectl_irsa_kubeconfig" // which tells two contexts of one name apart; absent from profiles of former versions
	keyExpiration  = "kubectl_irsa_expiration" // RFC 3339, of static keys and of a token
	keyAccessKey   = "aws_access_key_id"
	keySecretKey   = "aws_secret_access_key"
	keySession     = "aws_session_token"
	keyRole        = "role_arn"
	keyTokenFile   = "web_identity_token_file"
	keySessionName = "role_session_name"
)

var modeKeys = map[Mode][]string{
	Process:   {keyProcess},
	Static:    {keyAccessKey, keySecretKey, keySession, keyMarker, keyKubeconfig, keyExpiration},
	TokenFile: {keyRole, keyTokenFile, keySessionName, keyMarker, keyKubeconfig, keyExpiration},
}

// rivalKeys are other sources of credentials; a profile that is overwritten
// loses them, since the AWS CLI and the SDKs disagree about which one wins.
var rivalKeys = []string{"source_profile", "credential_source", "sso_session", "sso_start_url", "sso_region",
	"sso_account_id", "sso_role_name", "login_session", "mfa_serial", "external_id", "duration_seconds"}

// changeTo is the change to these lines of a profile, and drops the keys that
// must not stand beside them.
func changeTo(set []awsconfig.Setting) awsconfig.Change {
	change := awsconfig.Change{Set: slices.Clone(set)}
	for _, other := range Modes {
		for _, key := range modeKeys[other] {
			if !slices.ContainsFunc(set, func(s awsconfig.Setting) bool { return s.Key == key }) && !slices.Contains(change.Drop, key) {
				change.Drop = append(change.Drop, key)
			}
		}
	}
	change.Drop = append(change.Drop, rivalKeys...)
	return change
}

// processCommand is the credential_process line of p for the program at binary.
func (p Pinned) processCommand(goos, binary string) (string, error) {
	argv := []string{binary, "credential-process",
		"--kubeconfig=" + p.Kubeconfig, "--context=" + p.Context, "--namespace=" + p.Namespace,
		"--service-account=" + p.ServiceAccount, "--role-arn=" + p.RoleARN, "--audience=" + p.Audience}
	for _, flag := range []struct{ name, value string }{
		{"issuer", p.Issuer}, {"region", p.Region}, {"session-name", p.SessionName},
		{"duration", seconds(p.Duration)}, {"token-duration", seconds(p.TokenDuration)},
		{"sts-endpoint-url", p.STSEndpointURL}, {"policy", p.Policy}, {"cache", p.Cache},
	} {
		if flag.value != "" {
			argv = append(argv, "--"+flag.name+"="+flag.value)
		}
	}
	for _, arn := range p.PolicyARNs {
		argv = append(argv, "--policy-arn="+arn)
	}
	line, err := awsconfig.CommandLine(goos, append(argv, p.Extra...))
	if err != nil {
		return "", hint.Wrap(fmt.Errorf("writing the credential_process: %w", err),
			"choose a name or a path without such characters, or a profile that runs no program: --mode static")
	}
	return line, nil
}

func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// marker is the value of the key that marks profiles without a process.
func (p Pinned) marker() string {
	return p.Namespace + "/" + p.ServiceAccount + "@" + p.Context
}

// marks are what a profile without a process is known by. A path that its
// readers would not agree about is left out, as former versions did.
func (p Pinned) marks() ([]awsconfig.Setting, error) {
	if err := awsconfig.CheckValue(keyMarker, p.marker()); err != nil {
		return nil, hint.Wrap(err, "a profile that runs a program can say it: --mode process; or rename the context: kubectl config rename-context")
	}
	marks := []awsconfig.Setting{{Key: keyMarker, Value: p.marker()}}
	if p.Kubeconfig != "" && awsconfig.CheckValue(keyKubeconfig, p.Kubeconfig) == nil {
		marks = append(marks, awsconfig.Setting{Key: keyKubeconfig, Value: p.Kubeconfig})
	}
	return marks, nil
}

// matches reports whether a cached session is one that this profile uses.
func (p Pinned) matches(k creds.Key) bool {
	return k.Context == p.Context && k.Namespace == p.Namespace && k.ServiceAccount == p.ServiceAccount
}

// keeps reports whether a cached session is the one that this profile hands
// out: the session name tells clusters with the same names apart.
func (p Pinned) keeps(k creds.Key) bool {
	same := func(pinned, key string) bool { return pinned == "" || pinned == key }
	return p.matches(k) && k.RoleARN == p.RoleARN && k.Audience == p.Audience && k.Issuer == p.Issuer && same(p.SessionName, k.SessionName)
}

// ProfileName is the name a profile gets where the user chose none.
func ProfileName(context, namespace, serviceAccount string) string {
	return awsconfig.CleanName(context + "-" + namespace + "-" + serviceAccount)
}
