package login

import (
	"testing"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestTheProfileThatAKubeconfigRestsOn(t *testing.T) {
	type answer struct {
		profile string
		calls   bool
	}
	env := func(name, value string) []clientcmdapi.ExecEnvVar {
		return []clientcmdapi.ExecEnvVar{{Name: "OTHER", Value: "x"}, {Name: name, Value: value}}
	}
	for name, tc := range map[string]struct {
		plugin *clientcmdapi.ExecConfig
		want   answer
	}{
		"no plugin":                  {nil, answer{"", false}},
		"a plugin of somebody else":  {&clientcmdapi.ExecConfig{Command: "gke-gcloud-auth-plugin", Args: []string{"--profile", "p"}}, answer{"", false}},
		"the AWS CLI, of no profile": {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"eks", "get-token"}}, answer{"default", true}},
		"by a path":                  {&clientcmdapi.ExecConfig{Command: "/opt/bin/aws", Args: []string{"--profile", "p"}}, answer{"p", true}},
		"on Windows":                 {&clientcmdapi.ExecConfig{Command: "aws.exe"}, answer{"default", true}},
		"the authenticator":          {&clientcmdapi.ExecConfig{Command: "aws-iam-authenticator", Args: []string{"token", "--profile=p"}}, answer{"p", true}},
		"a wrapper of get-token":     {&clientcmdapi.ExecConfig{Command: "wrapped", Args: []string{"eks", "get-token", "--profile=p"}}, answer{"p", true}},
		"a flag with a blank":        {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"eks", "get-token", "--profile", "p"}}, answer{"p", true}},
		"a flag without a value":     {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"--profile"}}, answer{"default", true}},
		"a variable":                 {&clientcmdapi.ExecConfig{Command: "aws", Env: env("AWS_PROFILE", "p")}, answer{"p", true}},
		"a variable, as of old":      {&clientcmdapi.ExecConfig{Command: "aws", Env: env("AWS_DEFAULT_PROFILE", "p")}, answer{"p", true}},
		"a flag wins over it":        {&clientcmdapi.ExecConfig{Command: "aws", Args: []string{"--profile", "p"}, Env: env("AWS_PROFILE", "q")}, answer{"p", true}},
	} {
		t.Run(name, func(t *testing.T) {
			profile, calls := AWSProfileOf(tc.plugin)
			if got := (answer{profile, calls}); got != tc.want {
				t.Errorf("%v, not %v", got, tc.want)
			}
			if !tc.want.calls {
				if err := checkCycle(tc.plugin, "default", "p"); err != nil {
					t.Errorf("a cycle: %v", err)
				}
				return
			}
			if err := checkCycle(tc.plugin, "other", tc.want.profile); err == nil {
				t.Error("a cycle is made")
			}
			if err := checkCycle(tc.plugin, "other"); err != nil {
				t.Errorf("a cycle: %v", err)
			}
		})
	}
}

// With --set-default a login writes [default], too, on which a kubeconfig may rest.
func TestALoginWritesNoProfileOfItsKubeconfig(t *testing.T) {
	aws := &clientcmdapi.ExecConfig{Command: "aws", Args: []string{"eks", "get-token"}}
	for setDefault, refused := range map[bool]bool{true: true, false: false} {
		l := &Login{Plugin: aws, Profile: "cart", SetDefault: setDefault, Mode: Static, ConfigPath: t.TempDir() + "/config", CredentialsPath: t.TempDir() + "/credentials", GOOS: "linux",
			Pinned: Pinned{Context: "c", Namespace: "n", ServiceAccount: "s"}}
		if _, err := l.Check(); (err != nil) != refused {
			t.Errorf("--set-default %v: %v", setDefault, err)
		}
	}
}
