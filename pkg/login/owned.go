package login

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

// Owned is a profile of ours, read back.
type Owned struct {
	Name       string
	Mode       Mode
	Pinned     Pinned    // what the profile says; static and token-file say less
	Binary     string    // the program of a process profile
	TokenFile  string    // of a token-file profile
	Expiration time.Time // of a static or token-file profile
}

// DeadBinary reports whether a process profile calls a program that is gone.
func (o Owned) DeadBinary() bool {
	if o.Mode != Process {
		return false
	}
	_, err := exec.LookPath(o.Binary) // a person may have written a bare name
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}

// Again are the arguments of the login that writes the profile anew, with all
// that was chosen then. A list of kubeconfigs is for the environment to say.
func (o Owned) Again() []string {
	p := o.Pinned
	args := []string{"login", p.ServiceAccount, "-n", p.Namespace, "--context", p.Context}
	if len(KubeconfigFiles(p.Kubeconfig)) == 1 {
		args = append(args, "--kubeconfig", p.Kubeconfig)
	}
	for _, flag := range [][2]string{
		{"role-arn", p.RoleARN}, {"audience", p.Audience}, {"profile", o.Name},
		{"duration", seconds(p.Duration)}, {"token-duration", seconds(p.TokenDuration)},
		{"sts-endpoint-url", p.STSEndpointURL}, {"policy", p.Policy},
	} {
		if flag[1] != "" {
			args = append(args, "--"+flag[0], flag[1])
		}
	}
	for _, arn := range p.PolicyARNs {
		args = append(args, "--policy-arn", arn)
	}
	return append(args, p.Extra...)
}

// Recognise reports whether a profile is one of ours, and what it is for. A
// comment is no mark, and neither is a name.
func Recognise(goos string, p awsconfig.Profile) (Owned, bool) {
	o := Owned{Name: p.Name}
	if line, ok := p.Get(keyProcess); ok {
		argv, err := awsconfig.SplitCommand(goos, line)
		if err != nil || len(argv) < 2 {
			return Owned{}, false
		}
		o.Mode, o.Binary = Process, argv[0]
		rest, ours := ourCommand(argv)
		if !ours {
			return Owned{}, false
		}
		o.Pinned = parsePinned(rest)
		return o, true
	}
	marker, ok := p.Get(keyMarker)
	if !ok {
		return Owned{}, false
	}
	account, context, _ := strings.Cut(marker, "@")
	o.Pinned.Context = context
	o.Pinned.Namespace, o.Pinned.ServiceAccount, _ = strings.Cut(account, "/")
	o.Pinned.Kubeconfig, _ = p.Get(keyKubeconfig)
	o.Mode = Static
	if o.TokenFile, ok = p.Get(keyTokenFile); ok {
		o.Mode = TokenFile
	}
	o.Pinned.RoleARN, _ = p.Get(keyRole)
	if at, ok := p.Get(keyExpiration); ok {
		o.Expiration, _ = time.Parse(time.RFC3339, at)
	}
	return o, true
}

// ourCommand takes "kubectl-irsa credential-process ..." apart, and
// "kubectl irsa credential-process ..." as a person may have written it.
func ourCommand(argv []string) (flags []string, ours bool) {
	program := strings.TrimSuffix(strings.ToLower(filepath.Base(strings.ReplaceAll(argv[0], `\`, "/"))), ".exe")
	switch {
	case program == "kubectl-irsa" && argv[1] == "credential-process":
		return argv[2:], true
	case program == "kubectl" && len(argv) > 2 && argv[1] == "irsa" && argv[2] == "credential-process":
		return argv[3:], true
	}
	return nil, false
}

// parsePinned reads the flags of a line that processCommand wrote; a person
// may have put a space in place of "=".
func parsePinned(argv []string) Pinned {
	var p Pinned
	into := map[string]*string{
		"kubeconfig": &p.Kubeconfig, "context": &p.Context, "namespace": &p.Namespace, "n": &p.Namespace,
		"service-account": &p.ServiceAccount, "role-arn": &p.RoleARN, "audience": &p.Audience, "issuer": &p.Issuer,
		"region": &p.Region, "session-name": &p.SessionName, "sts-endpoint-url": &p.STSEndpointURL,
		"policy": &p.Policy, "cache": &p.Cache,
	}
	for i := 0; i < len(argv); i++ {
		name, value, has := strings.Cut(strings.TrimLeft(argv[i], "-"), "=")
		if !has && i+1 < len(argv) && !strings.HasPrefix(argv[i+1], "-") {
			i++
			value = argv[i]
		}
		switch field := into[name]; {
		case field != nil:
			*field = value
		case name == "duration":
			p.Duration, _ = time.ParseDuration(value)
		case name == "token-duration":
			p.TokenDuration, _ = time.ParseDuration(value)
		case name == "policy-arn":
			p.PolicyARNs = append(p.PolicyARNs, value)
		case value == "":
			p.Extra = append(p.Extra, "--"+name)
		default:
			p.Extra = append(p.Extra, "--"+name+"="+value)
		}
	}
	return p
}
