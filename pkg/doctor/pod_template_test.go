package doctor

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// A template has nothing of the role yet: with a webhook its pods will, without one
// they never do.
func TestATemplateIsJudgedByWhatItsPodsWillHave(t *testing.T) {
	const mend = "kubectl get deployment web -o yaml | kubectl irsa inject -f - --region us-east-1 | kubectl replace -f -"
	template := func(containers ...corev1.Container) func(*Facts) {
		return func(f *Facts) {
			f.Workload = &Workload{Kind: "Deployment", Name: "web", Spec: podOf(containers...).Spec}
		}
	}
	hooked := func(f *Facts) { f.Hooks.Value = []Webhook{{Configuration: "pod-identity-webhook"}} }
	plain := corev1.Container{Name: "app"}
	missing := Result{
		Status: check.Fail, Cause: "POD2", Fix: []string{mend},
		Detail: "the cluster has no pod identity webhook, and the pods bring no token of their own",
	}
	type verdict struct{ Present, Injected Result }
	for name, tc := range map[string]struct {
		change []func(*Facts)
		want   verdict
	}{
		"a webhook is there": {[]func(*Facts){template(plain), hooked},
			verdict{Result{Status: check.Pass, Detail: "pod-identity-webhook"}, Result{Status: check.Pass, Detail: "1 looked at"}}},
		"none is": {[]func(*Facts){template(plain)},
			verdict{missing, Result{Status: check.Fail, Cause: "POD2", Detail: "deployment/web, container app: it has neither the token nor the role", Fix: []string{mend}}}},
		"whether one is there may not be seen": {[]func(*Facts){template(plain), func(f *Facts) { f.Hooks.Err = errors.New("no answer") }},
			verdict{Result{Status: check.Unknown, Detail: "webhooks could not be read: no answer"}, Result{
				Status: check.Unknown, Detail: "deployment/web, container app: it has neither the token nor the role, and whether a webhook gives them to its pods was not seen",
			}}},
		"none is, and one container of two brings its own": {[]func(*Facts){template(whole("app"), corev1.Container{Name: "proxy"})},
			verdict{Result{Status: check.Skip, Detail: "the pods bring their own"}, Result{Status: check.Fail, Cause: "POD2", Detail: "deployment/web, container proxy: it has neither the token nor the role", Fix: []string{mend}}}},
		"none is, and no role is known": {[]func(*Facts){template(plain), func(f *Facts) { f.RoleText = "" }},
			verdict{Result{Status: check.Skip, Detail: "no role is known to give"}, Result{Status: check.Fail, Cause: "POD2", Detail: "deployment/web, container app: it has neither the token nor the role", Fix: []string{mend}}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Pods.Value = nil
			for _, change := range tc.change {
				change(&f)
			}
			if diff := cmp.Diff(tc.want, verdict{webhookPresent(f), podsInjected(f)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
