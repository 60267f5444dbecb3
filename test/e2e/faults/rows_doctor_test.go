//go:build e2e

package faults

import (
	"fmt"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func doctorRows() []row {
	run := func(name, flags, want string, broke func(*world)) row {
		return row{name: "doctor: " + name, run: strings.TrimSpace("doctor " + flags), want: want, broke: broke}
	}
	keys := run("keys in the environment", "--fail-on warn", "environment-quiet WS1", nil)
	keys.env = []string{"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"}
	return []row{
		keys,
		run("a profile whose program is gone", "", "profiles-run WS4", func(w *world) { w.profile("/nowhere/kubectl-irsa", "world", w.Issuer) }).pasted(),
		run("a profile whose context is gone", "", "profiles-lead-here WS5", func(w *world) { w.profile(w.program(), "gone", w.Issuer) }).pasted(),
		run("a profile of an older issuer", "", "profiles-lead-here WS5", func(w *world) { w.profile(w.program(), "world", "https://old.example.com") }).pasted(),
		run("a misspelt annotation", "--fail-on warn", "annotations-spelled SA1", func(w *world) { w.annotate("eks.amazonaws.com/role_arn", w.RoleARN) }),
		run("an annotation that is no ARN", "", "annotations-valid ROLE9", func(w *world) { w.annotate(annotation, "cart") }),
		run("pods without token", "-A", "pods-have-tokens POD2", func(w *world) { w.pod("web", nil) }).pasted(),
		run("the keys of a second container", "", "pods-no-static-keys POD4", func(w *world) {
			w.pod("web", func(p *corev1.Pod) {
				w.whole(p)
				side := *p.Spec.Containers[0].DeepCopy()
				side.Name, side.Env = "side", append(side.Env, corev1.EnvVar{Name: "AWS_ACCESS_KEY_ID", Value: "x"})
				p.Spec.Containers = append(p.Spec.Containers, side)
			})
		}),
		run("a network plugin with a token of an older issuer", "--fail-on warn", "clients-accepted ISS3", func(w *world) {
			w.kube(http.MethodPost, events, `{"metadata":{"name":"web.1"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web"},"type":"Warning","reason":"FailedCreatePodSandBox",`+
				`"message":"Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"5a84\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized"}`)
		}),
		run("a pod without a network for another reason", "--fail-on warn", "-", func(w *world) {
			w.kube(http.MethodPost, events, `{"metadata":{"name":"web.2"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web"},"type":"Warning","reason":"FailedCreatePodSandBox","message":"no space left on device"}`)
		}),
		run("no discovery document", "", "discovery-public PUB1", func(w *world) { w.remove(discoveryKey) }).pasted(),
		{name: "doctor: an account with little room for providers", run: "doctor --fail-on warn", want: "providers-few PROV5", blind: "-", broke: func(w *world) {
			for i := range 94 { // beside its own
				w.addProvider(fmt.Sprintf("https://full-%d.example.com", i))
			}
		}},
		{name: "doctor: an account with room for six providers", run: "doctor --fail-on warn", want: "-", broke: func(w *world) {
			for i := range 93 {
				w.addProvider(fmt.Sprintf("https://full-%d.example.com", i))
			}
		}},
		{name: "doctor: no provider", run: "doctor", want: "provider-exists PROV1", blind: "-", paste: true, broke: providerRows()[0].broke},
		{name: "doctor: no right to mint", run: "doctor --as carol", want: "token-creation-allowed RBAC1"},
		{name: "doctor: a right for one ServiceAccount", run: "doctor --as dave --only token-creation-allowed --fail-on unknown", want: "-", broke: func(w *world) {
			for _, line := range [][2]string{
				{"roles", `{"metadata":{"name":"dave"},"rules":[{"apiGroups":[""],"resources":["serviceaccounts/token"],"resourceNames":["cart"],"verbs":["create"]}]}`},
				{"rolebindings", `{"metadata":{"name":"dave"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"dave"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"dave"}]}`},
			} {
				w.kube(http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"+line[0], line[1])
			}
		}},
		{name: "doctor: short tokens", run: "doctor --fail-on warn", want: "token-lifetime TOK6", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--max-token-expiration", "1h"))
			w.moved = true
		}},
		{name: "an issuer that only the cluster knows", want: "issuer-public ISS1", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--issuer", "https://kubernetes.default.svc.cluster.local"))
			w.moved = true
		}},
		{name: "an issuer with a slash", want: "issuer-published ISS2", blind: "issuer-published PUB5", slow: true, broke: func(w *world) {
			w.must(w.Control("restart-apiserver", "--issuer", w.Issuer+"/"))
			w.moved = true
		}},
	}
}
