package kubeapi_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// The sentences are those of k8s.io/client-go/plugin/pkg/client/auth/exec.
func TestAPluginThatKubercForbidsIsToldFromOneThatFails(t *testing.T) {
	for name, tc := range map[string]struct{ err, want string }{
		"no plugin may run": {
			`asking for a token: Post "https://k/token": getting credentials: plugin "aws" not allowed: policy set to "DenyAll"`,
			`plugin "aws" not allowed: policy set to "DenyAll"`,
		},
		"this one is not among those that may": {
			`Get "https://k/api": getting credentials: plugin path "/bin/aws" is not permitted by the credential plugin allowlist`,
			`plugin path "/bin/aws" is not permitted by the credential plugin allowlist`,
		},
		"nobody can tell whether it is among them": {
			`Get "https://k/api": getting credentials: plugin path "aws" cannot be resolved for credential plugin allowlist check: not found`,
			`plugin path "aws" cannot be resolved for credential plugin allowlist check: not found`,
		},
		"it ran and failed":         {`Get "https://k/api": getting credentials: exec: executable aws failed with exit code 1`, ""},
		"another error of a server": {`Get "https://k/api": connection refused`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := errors.New(tc.err)
			if got := kubeapi.PluginRefusal(err); got != tc.want {
				t.Errorf("got %q", got)
			}
			advice := hint.Lines(kubeapi.Unreachable(err))
			told := len(advice) == 2 && advice[1] == "kubectl irsa doctor"
			if diff := cmp.Diff(tc.want != "", told); diff != "" {
				t.Errorf("advice %q (-want +got):\n%s", advice, diff)
			}
		})
	}
}
