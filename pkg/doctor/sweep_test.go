package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
)

func TestWhoMayAskForTokens(t *testing.T) {
	grant := func(resource string, names ...string) kubetest.Grant {
		return kubetest.Grant{Verbs: []string{"create"}, Resources: []string{resource}, Namespaces: []string{"shop"}, Names: names}
	}
	for name, tc := range map[string]struct {
		grants []kubetest.Grant
		want   string
	}{
		"nobody":                         {nil, "fail RBAC1: you may not create serviceaccounts/token in namespace shop"},
		"for every ServiceAccount":       {[]kubetest.Grant{grant("serviceaccounts/token")}, "pass : namespace shop"},
		"for some, as generate rbac has": {[]kubetest.Grant{grant("serviceaccounts/token", "till", "cart"), grant("serviceaccounts/token", "cart")}, "pass : namespace shop, for cart and till"},
		"for something else":             {[]kubetest.Grant{grant("serviceaccounts", "cart")}, "fail RBAC1: you may not create serviceaccounts/token in namespace shop"},
	} {
		t.Run(name, func(t *testing.T) {
			server := kubetest.New(t)
			w := World{Core: clientOf(t, server, server.AddUser("bob", tc.grants...))}
			m, err := w.mayMint(t.Context(), "shop")
			r := mintingAllowed(Survey{Facts: Facts{Target: Target{Namespace: "shop"}}, MayMint: Known[Minting]{Value: m, Err: err}})
			if diff := cmp.Diff(tc.want, string(r.Status)+" "+r.Cause+": "+r.Detail); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("where the API server cannot tell nothing is claimed", func(t *testing.T) {
		if r := mintingAllowed(Survey{MayMint: Known[Minting]{Value: Minting{Partial: true}}}); r.Status != check.Unknown {
			t.Errorf("it is %s: %s", r.Status, r.Detail)
		}
	})
}

// whole gives a container all that it needs of the role cart.
func whole(name string) corev1.Container {
	return corev1.Container{
		Name:         name,
		Env:          []corev1.EnvVar{{Name: envRole, Value: "arn:aws:iam::111122223333:role/cart"}, {Name: envFile, Value: "/token/token"}, {Name: "AWS_REGION", Value: "eu-west-1"}},
		VolumeMounts: []corev1.VolumeMount{{Name: "token", MountPath: "/token"}},
	}
}

func podOf(containers ...corev1.Container) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: corev1.PodSpec{ServiceAccountName: "cart", Containers: containers, Volumes: []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: irsa.DefaultAudience, Path: "token"}}}},
		}}}},
	}
}

func with(c corev1.Container, change func(*corev1.Container)) corev1.Container {
	change(&c)
	return c
}

func TestEveryContainerOfAPodCounts(t *testing.T) {
	keys := func(c *corev1.Container) {
		c.Env = append(c.Env[:len(c.Env):len(c.Env)], corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", Value: "AKIAIOSFODNN7EXAMPLE"})
	}
	secret := func(prefix string) func(*corev1.Container) {
		return func(c *corev1.Container) {
			c.EnvFrom = []corev1.EnvFromSource{{Prefix: prefix, SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "aws-keys"}}}}
		}
	}
	const again = "kubectl get pod web -o yaml -n shop | kubectl irsa inject -f - --region us-east-1 -n shop | kubectl replace --force -f - -n shop"
	type row struct{ tokens, keys, unrivalled, fix string }
	well := row{"pass", "pass", "pass", ""}
	for name, tc := range map[string]struct {
		pod  corev1.Pod
		want row
	}{
		"both have it":                           {podOf(whole("a"), whole("b")), well},
		"the second has keys":                    {podOf(whole("a"), with(whole("b"), keys)), row{"pass", "fail shop/web: container b has AWS_ACCESS_KEY_ID", "fail pod/web, container b: the role loses to AWS_ACCESS_KEY_ID", ""}},
		"the second may have keys":               {podOf(whole("a"), with(whole("b"), secret(""))), row{"pass", "unknown shop/web: container b has the variables of Secret aws-keys", "unknown pod/web, container b: the variables of Secret aws-keys were not read", ""}},
		"the second has something like it":       {podOf(whole("a"), with(whole("b"), secret("AWS_"))), row{"pass", "unknown shop/web: container b has the variables of Secret aws-keys", "unknown pod/web, container b: the variables of Secret aws-keys were not read", ""}},
		"what cannot be keys is no matter":       {podOf(whole("a"), with(whole("b"), secret("DB_"))), well},
		"the second was forgotten":               {podOf(whole("a"), corev1.Container{Name: "b"}), row{"fail shop/web: container b", "pass", "pass", again}},
		"the second has half of it":              {podOf(whole("a"), with(whole("b"), func(c *corev1.Container) { c.VolumeMounts = nil })), row{"fail shop/web: container b", "pass", "pass", "kubectl irsa inspect pod web -n shop"}},
		"a variable that is empty beats nothing": {podOf(with(whole("a"), func(c *corev1.Container) { c.Env = append(c.Env[:3:3], corev1.EnvVar{Name: "AWS_PROFILE"}) })), well},
		"the second is left out on purpose":      {skipping(podOf(whole("a"), corev1.Container{Name: "b"})), well},
		"EKS Pod Identity instead":               {podOf(corev1.Container{Name: "a", Env: []corev1.EnvVar{{Name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", Value: "x"}}}), well},
	} {
		t.Run(name, func(t *testing.T) {
			var swept SweptPods
			swept.pod(&tc.pod)
			f := healthy(t)
			f.Pods.Value = []corev1.Pod{tc.pod}
			s := Survey{Facts: f, Sweep: Sweep{
				Accounts: Known[SweptAccounts]{Value: SweptAccounts{Annotated: map[Named]SweptAnnotations{{"shop", "cart"}: {}}}}, Pods: Known[SweptPods]{Value: swept},
			}}
			say := func(r Result) string {
				if r.Status == check.Pass {
					return "pass"
				}
				return string(r.Status) + " " + r.Detail[strings.LastIndex(r.Detail, "\n")+1:]
			}
			tokens := podsHaveTokens(s)
			got := row{say(tokens), say(podsNoKeys(s)), say(podsUnrivalled(f)), strings.Join(tokens.Fix, "\n")}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(row{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func skipping(p corev1.Pod) corev1.Pod {
	p.Annotations = map[string]string{irsa.AnnotationSkipContainers: "b"}
	return p
}

func TestOneListThatMayNotBeReadLeavesTheOther(t *testing.T) {
	server := kubetest.New(t)
	server.AddServiceAccount("shop", "cart", map[string]string{"eks.amazonaws.com/rolearn": "arn:aws:iam::111122223333:role/cart"})
	for name, tc := range map[string]struct {
		may  string
		want map[string]check.Status
	}{
		"no pods":            {"serviceaccounts", map[string]check.Status{"spelled": check.Warn, "valid": check.Pass, "tokens": check.Unknown, "keys": check.Unknown}},
		"no ServiceAccounts": {"pods", map[string]check.Status{"spelled": check.Unknown, "valid": check.Unknown, "tokens": check.Unknown, "keys": check.Pass}},
	} {
		t.Run(name, func(t *testing.T) {
			w := World{Core: clientOf(t, server, server.AddUser("bob", kubetest.Grant{Verbs: []string{"list"}, Resources: []string{tc.may}}))}
			s := Survey{Sweep: w.sweep(t.Context(), "shop", 500)}
			got := map[string]check.Status{
				"spelled": annotationsSpelled(s).Status, "valid": annotationsValid(s).Status, "tokens": podsHaveTokens(s).Status, "keys": podsNoKeys(s).Status,
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWebhookThatNobodyAskedIsNotWell(t *testing.T) {
	byURL := []Webhook{{Configuration: "pod-identity-webhook", URL: "https://127.0.0.1:1/mutate"}}
	for name, tc := range map[string]struct {
		mutated Known[bool]
		want    check.Status
	}{
		"nobody could try it":             {Known[bool]{Err: ErrNotAsked}, check.Unknown},
		"a probe pod came back as it was": {Known[bool]{}, check.Unknown},
		"a probe pod has its token":       {Known[bool]{Value: true}, check.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Hooks.Value, f.Mutated = byURL, tc.mutated
			if r := webhookServes(f); r.Status != tc.want {
				t.Errorf("it is %s: %s", r.Status, r.Detail)
			}
		})
	}
}
