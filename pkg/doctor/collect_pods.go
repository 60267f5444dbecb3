package doctor

import (
	"context"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// networks are the network policies of the namespace. Where no pod uses the
// ServiceAccount nobody asks for them.
func (w World) networks(ctx context.Context, t Target, pods *later[[]corev1.Pod]) ([]networkingv1.NetworkPolicy, error) {
	if t.Workload == nil {
		if found := pods.get(); found.Err != nil || len(found.Value) == 0 {
			return nil, ErrNotAsked
		}
	}
	var all networkingv1.NetworkPolicyList
	err := w.raw(ctx, "/apis/networking.k8s.io/v1/namespaces/"+t.Namespace+"/networkpolicies", &all)
	return all.Items, err
}

// webhooks finds the webhooks that inject tokens, by their usual names:
// https://github.com/aws/amazon-eks-pod-identity-webhook.
func (w World) webhooks(ctx context.Context, t Target) ([]Webhook, error) {
	if !t.WithPods && !t.Webhooks {
		return nil, ErrNotAsked
	}
	var all admissionv1.MutatingWebhookConfigurationList
	if err := w.raw(ctx, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", &all); err != nil {
		return nil, err
	}
	var found []Webhook
	for _, configuration := range all.Items {
		for _, hook := range configuration.Webhooks {
			if strings.Contains(hook.Name, "pod-identity-webhook") || strings.Contains(configuration.Name, "pod-identity-webhook") {
				found = append(found, w.webhook(ctx, configuration.Name, hook))
			}
		}
	}
	return found, nil
}

func (w World) webhook(ctx context.Context, configuration string, hook admissionv1.MutatingWebhook) Webhook {
	h := Webhook{Configuration: configuration, Name: hook.Name, CABundle: hook.ClientConfig.CABundle}
	h.Ready.Err = ErrNotAsked
	if hook.FailurePolicy != nil {
		h.FailurePolicy = string(*hook.FailurePolicy)
	}
	if hook.ClientConfig.URL != nil {
		h.URL = *hook.ClientConfig.URL
	}
	if service := hook.ClientConfig.Service; service != nil {
		h.Service = service.Namespace + "/" + service.Name
		h.Ready = check.Know(w.ready(ctx, service.Namespace, service.Name))
	}
	return h
}

// ready is how many endpoints of a service serve.
func (w World) ready(ctx context.Context, namespace, service string) (int, error) {
	var slices discoveryv1.EndpointSliceList
	path := "/apis/discovery.k8s.io/v1/namespaces/" + namespace + "/endpointslices"
	if err := w.raw(ctx, path, &slices); err != nil {
		return 0, err
	}
	n := 0
	for _, slice := range slices.Items {
		if slice.Labels[discoveryv1.LabelServiceName] != service {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				n += len(endpoint.Addresses)
			}
		}
	}
	return n, nil
}

// probePod sends a pod of the ServiceAccount through admission without storing
// it, and looks whether it came back with a token for AWS. Only where there is
// a webhook, and an annotation for it to act on, is that worth a call.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
func (w World) probePod(ctx context.Context, f Facts) (bool, error) {
	if !f.WithPods || f.Hooks.Err != nil || len(f.Hooks.Value) == 0 || f.Account.Err != nil || f.Role.Err != nil {
		return false, ErrNotAsked
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "irsa-probe-"},
		Spec: corev1.PodSpec{
			ServiceAccountName: f.ServiceAccount,
			Containers:         []corev1.Container{{Name: "probe", Image: "irsa.kubectl/never-run"}},
		},
	}
	restrict(&pod.Spec)
	made, err := w.Core.Pods(f.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return false, err
	}
	return injected(made.Spec, &made.Spec.Containers[0]).complete(), nil
}

// restrict makes a pod one that every namespace takes:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted.
func restrict(spec *corev1.PodSpec) {
	yes, no := true, false
	spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	for i := range spec.Containers {
		spec.Containers[i].SecurityContext = &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
}
