package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
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

// mount is what a container has of IAM roles for ServiceAccounts.
type mount struct {
	role, file, region string
	audience           string // of the token that file leads to, "" where there is none
	source             string // JSON pointer of that token in the pod's spec
	container          bool   // container credentials: EKS Pod Identity
}

func (m mount) complete() bool { return m.role != "" && m.file != "" && m.audience != "" }

// The variables that an SDK reads for web identities:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html.
const (
	envRole = "AWS_ROLE_ARN"
	envFile = "AWS_WEB_IDENTITY_TOKEN_FILE"
)

// injected looks at one container of a pod.
func injected(spec corev1.PodSpec, c *corev1.Container) mount {
	m := mount{}
	for _, v := range c.Env {
		value := v.Value
		if value == "" && v.ValueFrom != nil {
			value = "$" + v.Name
		}
		switch v.Name {
		case envRole:
			m.role = value
		case envFile:
			m.file = value
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			m.region = value
		case "AWS_CONTAINER_CREDENTIALS_FULL_URI":
			m.container = true
		}
	}
	// On Windows the variable says C:\var\run\..., and the mount path has no drive.
	file := strings.ReplaceAll(strings.TrimPrefix(m.file, "C:"), `\`, "/")
	for _, vm := range c.VolumeMounts {
		at := strings.ReplaceAll(strings.TrimPrefix(vm.MountPath, "C:"), `\`, "/")
		if file != at && !strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/") {
			continue
		}
		if token, source := tokenOf(spec, vm.Name); token != nil {
			m.audience, m.source = token.Audience, source
		}
	}
	return m
}

// tokenOf is the token in a projected volume, nil where there is none, and the
// JSON pointer to it in the pod's spec.
func tokenOf(spec corev1.PodSpec, volume string) (*corev1.ServiceAccountTokenProjection, string) {
	for i, v := range spec.Volumes {
		if v.Name != volume || v.Projected == nil {
			continue
		}
		for j, source := range v.Projected.Sources {
			if source.ServiceAccountToken != nil {
				return source.ServiceAccountToken, fmt.Sprintf("/volumes/%d/projected/sources/%d/serviceAccountToken", i, j)
			}
		}
	}
	return nil, ""
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
	}
	for _, w := range f.workloads() {
		for i := range w.Spec.Containers {
			if m := injected(w.Spec, &w.Spec.Containers[i]); m != (mount{region: m.region}) {
				return skip("the pods bring credentials of their own")
			}
		}
	}
	return fixed(fail("POD2", "no mutating webhook is for pod identities, and the pods bring no token of their own"),
		f.remake(f.workloads()[0], f.injection()...))
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

func podsInjected(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		found = append(found, f.faultsOf(w)...)
	}
	if len(found) == 0 {
		return pass("%d looked at", len(f.workloads()))
	}
	return f.report(found)
}

// podFault is what is wrong with one container.
type podFault struct {
	cause, where, what string
	status             check.Status
	fix                string
}

func (f Facts) report(found []podFault) Result {
	worst := found[0]
	var details []string
	for _, x := range found {
		if severity(x.status) > severity(worst.status) {
			worst = x
		}
		details = append(details, x.where+": "+x.what)
	}
	if n := len(details) - 5; n > 0 {
		details = append(details[:5], fmt.Sprintf("and %d more", n))
	}
	r := Result{Status: worst.status, Cause: worst.cause, Detail: strings.Join(details, "\n")}
	if worst.status == check.Unknown {
		r.Cause = "" // nothing was found
		return r
	}
	if worst.fix != "" {
		r.Fix = []string{worst.fix}
	}
	return r
}

// severity orders what a podFault can be.
func severity(s check.Status) int {
	return slices.Index([]check.Status{check.Unknown, check.Warn, check.Fail}, s)
}

func (f Facts) faultsOf(w Workload) []podFault {
	var found []podFault
	for i := range w.Spec.Containers {
		c := &w.Spec.Containers[i]
		m := injected(w.Spec, c)
		fault := func(cause, fix, format string, args ...any) {
			found = append(found, podFault{cause, strings.ToLower(w.Kind) + "/" + w.Name + ", container " + c.Name, fmt.Sprintf(format, args...), check.Fail, fix})
		}
		switch {
		case m.complete() && m.role != f.RoleText && !strings.HasPrefix(m.role, "$") && f.RoleText != "":
			fault("POD1", f.altered(w, setEnv(c, envRole+"="+shell.Word(f.RoleText))), "it has role %s, the ServiceAccount says %s", m.role, f.RoleText)
		case m.complete() && m.audience != f.WantedAudience:
			fault("PROV3", f.altered(w, w.replaced("/spec"+m.source+"/audience", f.WantedAudience)), "its token is for %s, not for %s", m.audience, f.WantedAudience)
		case m.complete():
		case m.container:
			fault("POD12", f.associations(), "it has EKS Pod Identity's credentials in place of the role")
		case leftOut(w.Annotations, c):
			found = append(found, podFault{"POD3", w.Name + ", container " + c.Name, "left out by the annotation " + irsa.AnnotationSkipContainers, check.Warn, f.unskipped(w)})
		case m.role != "" && m.file == "":
			fault("POD6", f.whole(w, c), "%s is set and %s is not", envRole, envFile)
		case m.role == "" && m.file != "":
			fault("POD6", f.whole(w, c), "%s is set and %s is not", envFile, envRole)
		case m.role != "":
			fault("POD3", f.whole(w, c), "%s leads to %s, where no token is mounted", envFile, m.file)
		case f.Workload != nil && f.Workload.Created.IsZero() && len(f.injection()) == 0:
			// A template gets its token when its pods are made.
		default:
			fault(f.notInjected(w), f.restart(w), "it has neither the token nor the role")
		}
	}
	return found
}

// notInjected tells why a pod was left as it was.
func (f Facts) notInjected(w Workload) string {
	if f.Hooks.Err == nil && len(f.Hooks.Value) == 0 {
		return "POD2"
	}
	if f.Account.Err == nil && f.Account.Value != nil {
		if age := w.Created.Sub(f.Account.Value.CreationTimestamp.Time); age >= 0 && age.Seconds() < 5 {
			return "POD13"
		}
	}
	return "POD1"
}

// associations is the line that lists what gives a pod other credentials:
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html.
func (f Facts) associations() string {
	return "aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace " + f.Namespace + " --service-account " + f.ServiceAccount + f.Paste.CLI
}

func podsUnrivalled(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		for i := range w.Spec.Containers {
			c := &w.Spec.Containers[i]
			if rivals := rivalsOf(c); len(rivals) > 0 {
				found = append(found, podFault{"POD4", strings.ToLower(w.Kind) + "/" + w.Name + ", container " + c.Name,
					"the role loses to " + list(rivals), check.Fail, f.without(w, c, rivals)})
			} else if sources := unreadOf(c); len(sources) > 0 {
				found = append(found, podFault{"POD4", strings.ToLower(w.Kind) + "/" + w.Name + ", container " + c.Name,
					"the variables of " + list(sources) + " were not read", check.Unknown, ""})
			}
		}
	}
	if len(found) == 0 {
		return pass("")
	}
	return f.report(found)
}

// rivalsOf are the other sources of credentials of a container that an SDK
// asks first; names only, never values.
func rivalsOf(c *corev1.Container) []string {
	var rivals []string
	for _, v := range c.Env {
		if slices.Contains(rivalVariables, v.Name) {
			rivals = append(rivals, v.Name)
		}
	}
	for _, m := range c.VolumeMounts {
		if strings.HasSuffix(strings.TrimSuffix(m.MountPath, "/"), "/.aws") || strings.Contains(m.MountPath, "/.aws/") {
			rivals = append(rivals, "the volume at "+m.MountPath)
		}
	}
	return rivals
}

// unreadOf are the Secrets and ConfigMaps that may give a container variables
// that an SDK asks first: what is in them is nobody's business here.
func unreadOf(c *corev1.Container) []string {
	var sources []string
	for _, source := range c.EnvFrom {
		if !slices.ContainsFunc(rivalVariables, func(name string) bool { return strings.HasPrefix(name, source.Prefix) }) {
			continue
		}
		switch {
		case source.SecretRef != nil:
			sources = append(sources, "Secret "+source.SecretRef.Name)
		case source.ConfigMapRef != nil:
			sources = append(sources, "ConfigMap "+source.ConfigMapRef.Name)
		}
	}
	return sources
}

// rivalVariables are those that an SDK asks before a web identity.
var rivalVariables = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"}

func podsReady(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		for i := range w.Spec.Containers {
			c := &w.Spec.Containers[i]
			if m := injected(w.Spec, c); !m.complete() {
				continue
			} else if m.region == "" {
				found = append(found, podFault{"POD8", strings.ToLower(w.Kind) + "/" + w.Name + ", container " + c.Name,
					"no AWS_REGION: older SDKs find no STS endpoint", check.Warn, f.inRegion(w, c)})
			}
			if readOnlyHome(c) {
				found = append(found, podFault{"POD10", strings.ToLower(w.Kind) + "/" + w.Name + ", container " + c.Name,
					"its root file system is read-only and HOME is not set: the AWS CLI cannot write its cache", check.Warn, f.housed(w, c)})
			}
		}
		if tokenUnreadable(w.Spec) {
			found = append(found, podFault{"POD5", strings.ToLower(w.Kind) + "/" + w.Name,
				"the token's file mode lets only its owner read it, and the pod runs as another user without fsGroup", check.Warn, f.grouped(w)})
		}
	}
	if len(found) == 0 {
		return pass("")
	}
	return f.report(found)
}

func readOnlyHome(c *corev1.Container) bool {
	if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
		return false
	}
	return !slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == "HOME" })
}

// tokenUnreadable reports whether a projected token has a mode that keeps the
// pod's user out. Without a mode the kubelet chooses one that fits since 1.19.
func tokenUnreadable(spec corev1.PodSpec) bool {
	user := spec.SecurityContext
	if user == nil || user.RunAsUser == nil || *user.RunAsUser == 0 || user.FSGroup != nil {
		return false
	}
	return slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool {
		return v.Projected != nil && v.Projected.DefaultMode != nil && *v.Projected.DefaultMode&0o044 == 0 &&
			slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
				return s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience != ""
			})
	})
}
