package login

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// AWSProfileOf is the profile with which a kubeconfig user's exec plugin calls
// AWS: the one it names, "default" where it names none. calls is false for a
// user without a plugin of AWS's.
func AWSProfileOf(plugin *clientcmdapi.ExecConfig) (profile string, calls bool) {
	if plugin == nil {
		return "", false
	}
	program := strings.TrimSuffix(filepath.Base(plugin.Command), ".exe")
	if program != "aws" && program != "aws-iam-authenticator" && !slices.Contains(plugin.Args, "get-token") {
		return "", false
	}
	profile = "default"
	for _, env := range plugin.Env {
		if env.Name == "AWS_PROFILE" || env.Name == "AWS_DEFAULT_PROFILE" {
			profile = env.Value
		}
	}
	for i, arg := range plugin.Args {
		if value, ok := strings.CutPrefix(arg, "--profile="); ok {
			profile = value
		}
		if arg == "--profile" && i+1 < len(plugin.Args) {
			profile = plugin.Args[i+1]
		}
	}
	return profile, true
}

// checkCycle refuses to write a profile on which the kubeconfig itself rests:
// its plugin would call the AWS CLI, which would call this program, which would
// call the plugin.
func checkCycle(plugin *clientcmdapi.ExecConfig, profiles ...string) error {
	used, calls := AWSProfileOf(plugin)
	if !calls || !slices.Contains(profiles, used) {
		return nil
	}
	return hint.Wrap(fmt.Errorf("this kubeconfig context gets its own credentials through AWS profile %q: writing that profile would make a cycle", used),
		"choose another name with --profile")
}
