package doctor

import (
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

func podsReady(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		for _, c := range w.containers() {
			if m := injected(w.Spec, c.Container); m.complete() {
				found = append(found, f.wanting(w, c, m)...)
			}
		}
		if tokenUnreadable(w.Spec) {
			found = append(found, podFault{of: w, status: check.Warn, cause: "POD5",
				what: "the token's file mode lets only its owner read it, and the pod runs as another user without fsGroup", fix: f.grouped(w)})
		}
	}
	if len(found) == 0 {
		return pass("")
	}
	return f.report(found)
}

// wanting is what stands between a container that has its token and its role
// and a session.
func (f Facts) wanting(w Workload, c part, m mount) (found []podFault) {
	add := func(status check.Status, cause, what, fix string) {
		found = append(found, podFault{of: w, container: c.Name, status: status, cause: cause, what: what, fix: fix})
	}
	switch {
	case m.region == "":
		add(check.Warn, "POD8", "no AWS_REGION: older SDKs find no STS endpoint", f.inRegion(w, c))
	case !f.AnyAccount && !strings.HasPrefix(m.region, "$") && !regionName().MatchString(m.region):
		add(check.Fail, "POD8", "AWS_REGION is "+m.region+", which is no region: nobody is at sts."+m.region+".amazonaws.com", f.inRegion(w, c))
	}
	if elsewhere := endpointsOf(c.Container); len(elsewhere) > 0 && !f.AnyAccount {
		add(check.Warn, "STSX", list(elsewhere)+" sends its SDK to a server that is not AWS's", f.without(w, c, elsewhere))
	}
	if m.fixed > 0 {
		add(check.Warn, "TOK1", "the token's file is mounted by subPath: it is never renewed, and AWS refuses it when it ends", f.renewed(w, c, m))
	}
	if readOnlyHome(c.Container) {
		add(check.Warn, "POD10", "its root file system is read-only and HOME is not set: the AWS CLI cannot write its cache", f.housed(w, c))
	}
	return found
}

// regionName is the form of a region: eu-west-1, us-gov-east-1, eusc-de-east-1.
var regionName = lazyregexp.New(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)

// endpointsOf are the variables that lead a container's SDK to another STS:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html.
func endpointsOf(c *corev1.Container) (names []string) {
	for _, v := range c.Env {
		if v.Name != "AWS_ENDPOINT_URL" && v.Name != "AWS_ENDPOINT_URL_STS" || v.Value == "" {
			continue
		}
		if u, err := url.Parse(v.Value); err != nil || !ofAWS(u.Hostname()) {
			names = append(names, v.Name)
		}
	}
	return names
}

// ofAWS reports whether a host is one of AWS's.
func ofAWS(host string) bool {
	return slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"}, func(domain string) bool {
		return strings.HasSuffix(host, domain)
	})
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
