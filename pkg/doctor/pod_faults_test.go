package doctor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// madeBy is a pod of a Deployment.
func madeBy(deployment string, n int, p corev1.Pod) corev1.Pod {
	p.Labels = map[string]string{"pod-template-hash": "6d4"}
	p.Name = fmt.Sprintf("%s-6d4-%d", deployment, n)
	return p
}

func TestWhatIsWrongWithPodsIsToldOnceWithEveryLineThatMendsThem(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/cart"
	bare := podOf(corev1.Container{Name: "app"})
	old := podOf(with(whole("app"), func(c *corev1.Container) {
		c.Env = append([]corev1.EnvVar{{Name: envRole, Value: role + "s"}}, c.Env[1:]...)
	}))
	init := func(p corev1.Pod, c corev1.Container) corev1.Pod {
		p.Spec.InitContainers = []corev1.Container{c}
		return p
	}
	hooked := func(f *Facts) { f.Hooks.Value = []Webhook{{}} }
	for name, tc := range map[string]struct {
		pods   []corev1.Pod
		change func(*Facts)
		want   Result
	}{
		"pods of one Deployment": {[]corev1.Pod{madeBy("web", 1, bare), madeBy("web", 2, bare), madeBy("till", 1, bare)}, hooked, Result{
			Status: check.Fail, Cause: "POD1",
			Detail: "2 pods of deployment/web, container app: it has neither the token nor the role\npod/till-6d4-1, container app: it has neither the token nor the role",
			Fix:    []string{"kubectl rollout restart deployment web", "kubectl rollout restart deployment till"}}},
		"one fault shows both strings": {[]corev1.Pod{madeBy("web", 1, old), madeBy("web", 2, old)}, hooked, Result{
			Status: check.Fail, Cause: "POD1", Detail: "2 pods of deployment/web, container app: it has another role",
			Compare: check.Compare("ServiceAccount", role, "pod", role+"s"), Fix: []string{"kubectl rollout restart deployment web"}}},
		"several name both": {[]corev1.Pod{madeBy("web", 1, old), madeBy("web", 2, bare)}, hooked, Result{
			Status: check.Fail, Cause: "POD1",
			Detail: "pod/web-6d4-1, container app: it has another role: " + role + "s, not " + role + "\npod/web-6d4-2, container app: it has neither the token nor the role",
			Fix:    []string{"kubectl rollout restart deployment web"}}},
		"a container that another webhook added": {[]corev1.Pod{podOf(whole("app"), corev1.Container{Name: "proxy"})}, hooked, Result{
			Status: check.Warn, Cause: "POD3",
			Detail: "pod/web, container proxy: it has neither the token nor the role, which the pod's others have: added by another webhook? It cannot call AWS"}},
		"an init container that was forgotten": {[]corev1.Pod{init(podOf(whole("app")), corev1.Container{Name: "seed"})}, func(*Facts) {}, Result{
			Status: check.Warn, Cause: "POD2", Detail: "pod/web, container seed: it has neither the token nor the role",
			Fix: []string{"kubectl get pod web -o yaml | kubectl irsa inject -f - --region us-east-1 | kubectl replace --force -f -"}}},
		"an init container of a pod that has nothing": {[]corev1.Pod{init(bare, corev1.Container{Name: "seed"})}, func(*Facts) {}, Result{
			Status: check.Fail, Cause: "POD2", Detail: "pod/web, container app: it has neither the token nor the role",
			Fix: []string{"kubectl get pod web -o yaml | kubectl irsa inject -f - --region us-east-1 | kubectl replace --force -f -"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.change(&f)
			f.Pods.Value = tc.pods
			if diff := cmp.Diff(tc.want, podsInjected(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesOfProfilesMayBeatARoleAndVariablesDo(t *testing.T) {
	for name, tc := range map[string]struct {
		env  corev1.EnvVar
		want string
	}{
		"a key":                      {corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", Value: "x"}, "fail POD4"},
		"the profile of older tools": {corev1.EnvVar{Name: "AWS_DEFAULT_PROFILE", Value: "x"}, "fail POD4"},
		"a key from a Secret":        {corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", ValueFrom: &corev1.EnvVarSource{}}, "fail POD4"},
		"an empty key":               {corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID"}, "pass"},
		"a file":                     {corev1.EnvVar{Name: "AWS_SHARED_CREDENTIALS_FILE", Value: "/etc/aws"}, "warn POD4"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Pods.Value = []corev1.Pod{podOf(with(whole("app"), func(c *corev1.Container) { c.Env = append(c.Env[:3:3], tc.env) }))}
			r := podsUnrivalled(f)
			if diff := cmp.Diff(tc.want, strings.TrimSpace(string(r.Status)+" "+r.Cause)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDoctorMendsThePodsOfEveryMaker(t *testing.T) {
	var swept SweptPods
	for _, p := range []corev1.Pod{
		madeBy("web", 1, podOf(corev1.Container{Name: "app"})), madeBy("web", 2, podOf(corev1.Container{Name: "app"})),
		madeBy("till", 1, podOf(corev1.Container{Name: "app"})), podOf(with(whole("app"), func(c *corev1.Container) { c.VolumeMounts = nil })),
	} {
		swept.pod(&p)
	}
	f := healthy(t)
	f.Hooks.Value = []Webhook{{}}
	s := Survey{Facts: f, Sweep: Sweep{
		Accounts: Known[SweptAccounts]{Value: SweptAccounts{Annotated: map[Named]SweptAnnotations{{"shop", "cart"}: {}}}}, Pods: Known[SweptPods]{Value: swept},
	}}
	want := []string{"kubectl rollout restart deployment web -n shop", "kubectl rollout restart deployment till -n shop", "kubectl irsa inspect pod web -n shop"}
	if diff := cmp.Diff(want, podsHaveTokens(s).Fix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
