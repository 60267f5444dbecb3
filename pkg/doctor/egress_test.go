package doctor

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// policy is a network policy from the YAML of its spec.
func policy(t *testing.T, name, spec string) networkingv1.NetworkPolicy {
	t.Helper()
	p := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &p.Spec); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatNetworkPoliciesLetOut(t *testing.T) {
	const (
		both  = "neither DNS (UDP 53) nor STS (TCP 443) is let out"
		noDNS = "DNS (UDP 53) is not let out"
		noSTS = "STS (TCP 443, outside of the cluster) is not let out"
		dns   = "policyTypes: [Egress]\negress: [{ports: [{protocol: UDP, port: 53}]}"
	)
	// Each spec is a policy of its own; a name stands before the colon of the answer.
	for name, tc := range map[string]struct {
		specs []string
		want  string // status and text, without who it is by
	}{
		"no policy":                                               {nil, "pass "},
		"a policy for other pods":                                 {[]string{"podSelector: {matchLabels: {app: db}}\npolicyTypes: [Egress]"}, "pass "},
		"a policy by expression for other pods":                   {[]string{"podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}\npolicyTypes: [Egress]"}, "pass "},
		"a policy by expression for these":                        {[]string{"podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}\npolicyTypes: [Egress]"}, "warn " + both},
		"one of ingress alone":                                    {[]string{"policyTypes: [Ingress]"}, "pass "},
		"one of ingress by default":                               {[]string{"ingress: [{}]"}, "pass "},
		"one of egress by default":                                {[]string{"egress: [{ports: [{port: 80}]}]"}, "warn " + both},
		"nothing is let out":                                      {[]string{"policyTypes: [Egress]"}, "warn " + both},
		"everything is let out":                                   {[]string{"policyTypes: [Egress]\negress: [{}]"}, "pass "},
		"DNS alone":                                               {[]string{dns + "]"}, "warn " + noSTS},
		"HTTPS alone":                                             {[]string{"policyTypes: [Egress]\negress: [{ports: [{port: 443}]}]"}, "warn " + noDNS},
		"DNS over TCP is not how a resolver asks":                 {[]string{"policyTypes: [Egress]\negress: [{ports: [{port: 443}, {port: 53}]}]"}, "warn " + noDNS},
		"two policies add up":                                     {[]string{dns + "]", "policyTypes: [Egress]\negress: [{ports: [{port: 443}]}]"}, "pass "},
		"a range of ports":                                        {[]string{dns + ", {ports: [{port: 400, endPort: 500}]}]"}, "pass "},
		"a range that ends before":                                {[]string{dns + ", {ports: [{port: 400, endPort: 442}]}]"}, "warn " + noSTS},
		"all ports of TCP":                                        {[]string{dns + ", {ports: [{protocol: TCP}]}]"}, "pass "},
		"443 over UDP":                                            {[]string{dns + ", {ports: [{protocol: UDP, port: 443}]}]"}, "warn " + noSTS},
		"a port's name is another pod's":                          {[]string{dns + ", {ports: [{port: https}]}]"}, "warn " + noSTS},
		"DNS by the port's name":                                  {[]string{"policyTypes: [Egress]\negress: [{ports: [{protocol: UDP, port: dns}]}, {ports: [{port: 443}]}]"}, "pass "},
		"pods of the cluster are not STS":                         {[]string{dns + ", {to: [{namespaceSelector: {}}], ports: [{port: 443}]}]"}, "warn " + noSTS},
		"every address but the private ones":                      {[]string{dns + ", {to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 169.254.169.254/32]}}]}]"}, "pass "},
		"every address but some public ones":                      {[]string{dns + ", {to: [{ipBlock: {cidr: 0.0.0.0/0, except: [52.0.0.0/8]}}]}]"}, "unknown TCP 443 is let out to 0.0.0.0/0 alone; whether STS is there cannot be seen from here"},
		"the network alone, and STS perhaps at an endpoint in it": {[]string{dns + ", {to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 443}]}]"}, "unknown TCP 443 is let out to 10.0.0.0/8 alone; whether STS is there cannot be seen from here"},
		"a block beside everything":                               {[]string{dns + ", {to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]"}, "pass "},
	} {
		t.Run(name, func(t *testing.T) {
			var policies []networkingv1.NetworkPolicy
			for _, spec := range tc.specs {
				policies = append(policies, policy(t, "p", spec))
			}
			what, status := wayOut(policies, map[string]string{"app": "web"}).fault()
			_, what, _ = strings.Cut(what, ": ")
			got := string(status) + " " + strings.TrimSuffix(what, ", where the network plugin enforces it")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodsReachSTS(t *testing.T) {
	locked := []networkingv1.NetworkPolicy{policy(t, "locked", "policyTypes: [Egress]")}
	for name, tc := range map[string]struct {
		change func(*Facts)
		want   Result
	}{
		"no pod uses it": {func(f *Facts) { f.Workload = nil }, Result{Status: "skip", Detail: "no pod uses it"}},
		"a locked pod": {func(*Facts) {}, Result{
			Status: "warn", Cause: "POD9",
			Detail: "deployment/web: network policy locked: neither DNS (UDP 53) nor STS (TCP 443) is let out, where the network plugin enforces it",
			Fix: []string{`echo '{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"cart-to-sts"},"spec":{"podSelector":{"matchLabels":{"app":"web"}},` +
				`"policyTypes":["Egress"],"egress":[{"ports":[{"protocol":"TCP","port":443},{"protocol":"UDP","port":53},{"protocol":"TCP","port":53}]}]}}' | kubectl apply -f -`},
		}},
		"a pod in the node's network": {func(f *Facts) { f.Workload.Spec.HostNetwork = true }, Result{Status: "skip", Detail: "they use the node's network or a proxy"}},
		"a pod behind a proxy": {func(f *Facts) {
			f.Workload.Spec.Containers = []corev1.Container{{Env: []corev1.EnvVar{{Name: "https_proxy", Value: "x"}}}}
		}, Result{Status: "skip", Detail: "they use the node's network or a proxy"}},
		"nobody may look": {func(f *Facts) {
			f.Networks = Known[[]networkingv1.NetworkPolicy]{Err: apierrors.NewForbidden(schema.GroupResource{Group: "networking.k8s.io", Resource: "networkpolicies"}, "", errors.New("no"))}
		}, Result{Status: "unknown", Detail: "you may not read network policies: networkpolicies.networking.k8s.io is forbidden: no"}},
		"one policy that does not restrict": {func(f *Facts) {
			f.Networks.Value = []networkingv1.NetworkPolicy{policy(t, "in", "policyTypes: [Ingress]")}
		}, Result{Status: "pass", Detail: "network policies that restrict them: 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Workload = &Workload{Kind: "Deployment", Name: "web", Labels: map[string]string{"app": "web", "pod-template-hash": "1"}}
			f.Networks.Value = locked
			tc.change(&f)
			if diff := cmp.Diff(tc.want, podsReachSTS(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
