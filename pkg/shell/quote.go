package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	linkWebhook = "webhook"
	linkPods    = "pods"
)

func podChecks() []Check {
	return []Check{
		{ID: "webhook-present", Link: linkWebhook, Title: "a webhook injects tokens", Run: webhookPresent},
		{ID: "webhook-serves", Link: linkWebhook, Title: "it can be reached", Needs: []string{"webhook-present"}, Run: webhookServes},
		{ID: "webhook-mutates", Link: linkWebhook, Title: "a probe pod came back with a token", Needs: []string{"webhook-serves", "role-annotated"}, Run: webhookMutates},
		{ID: "pods-injected", Link: linkPods, Title: "every pod has the token and the role", Needs: []string{"role-annotated", "webhook-present"}, Run: podsInjected},
		{ID: "pods-unrivalled", Link: linkPods, Title: "no other credentials win over them", Run: podsUnrivalled},
		{ID: "pods-ready-for-sdk", Link: linkPods, Title: "their SDKs find what else they need", Run: podsReady},
		{ID: "pods-reach-sts", Link: linkPods, Title: "network policies let them out to STS", Needs: []string{"role-annotated"}, Run: podsReachSTS},
	}
}

// workloads are what the checks of pods look at.
func (f Facts) workloads() []Workload {
	if f.Workload != nil {
		return []Workload{*f.Workload}
	}
	var all []Workload
	for _, p := range f.Pods.Value {
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		all = append(all, PodWorkload(&p))
	}
	return all
}

// noPods is the result where there is nothing to look at.
func (f Facts) noPods() (Result, bool) {
	switch {
	case f.Workload != nil:
		return Result{}, false
	case f.Pods.Err != nil:
		return unread("pods", f.Pods.Err), true
	case len(f.workloads()) == 0:
		return skip("no pod uses it"), true
	}
	return Result{}, false
}

func webhookPresent(f Facts) Result {
	switch {
	case f.Hooks.Err != nil:
		return unread("webhooks", f.Hooks.Err)
	case len(f.Hooks.Value) > 0:
		return pass("%s", f.Hooks.Value[0].Configuration)
	case !f.WithPods:
		return skip("there is none")
	case len(f.workloads()) == 0:
		return skip("no pod uses it")
	case f.RoleText == "":
		return skip("no role is known to give")
	}
	for _, w := range f.workloads() {
		if slices.ContainsFunc(w.containers(), func(c part) bool { return !injected(w.Spec, c.Container).none() }) {
			return skip("the pods bring their own")
		}
	}
	r := fail("POD2", "the cluster has no pod identity webhook, and the pods bring no token of their own")
	return f.mendAll(r, f.workloads(), func(w Workload) string { return f.remake(w, f.injection()...) })
}

func webhookServes(f Facts) Result {
	if f.Hooks.Err != nil || len(f.Hooks.Value) == 0 {
		return skip("there is none")
	}
	var byURL []string
	for _, h := range f.Hooks.Value {
		if len(h.CABundle) > 0 {
			if block, _ := pem.Decode(h.CABundle); block == nil {
				return fail("POD2", "caBundle of %s is no certificate", h.Configuration)
			} else if cert, err := x509.ParseCertificate(block.Bytes); err != nil || f.Now.After(cert.NotAfter) {
				return fail("POD2", "caBundle of %s is expired or unreadable", h.Configuration)
			}
		}
		if h.Service == "" {
			byURL = append(byURL, h.URL)
			continue
		}
		switch {
		case h.Ready.Err != nil:
			return unread("the endpoints of service "+h.Service, h.Ready.Err)
		case h.Ready.Value == 0:
			namespace, _, _ := strings.Cut(h.Service, "/")
			r := fail("POD2", "service %s has no endpoint that is ready; failurePolicy %s", h.Service, h.FailurePolicy)
			return fixed(r, f.cluster("get pods -n %s", namespace))
		}
	}
	if proved := f.Mutated.Err == nil && f.Mutated.Value; len(byURL) > 0 && !proved {
		return unknown("whether %s answers the API server alone can tell", list(byURL))
	}
	return pass("")
}

func webhookMutates(f Facts) Result {
	switch {
	case f.Hooks.Err != nil || len(f.Hooks.Value) == 0:
		return skip("there is none")
	case f.Mutated.Err == ErrNotAsked: //nolint:errorlint // a sentinel that is never wrapped
		return skip("nothing to probe with")
	case f.Mutated.Err != nil:
		return unread("a probe pod (create pods, dry run)", f.Mutated.Err)
	case !f.Mutated.Value:
		return fail("POD2", "a pod of this ServiceAccount goes through admission unchanged (failurePolicy %s hides why)", f.Hooks.Value[0].FailurePolicy)
	}
	return pass("")
}
