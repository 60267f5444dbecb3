package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// podsReachSTS reads the network policies as the API describes them:
// https://kubernetes.io/docs/concepts/services-networking/network-policies/.
// Whether anybody enforces them is the CNI's affair, so that nothing fails here.
func podsReachSTS(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	if f.Networks.Err != nil {
		return unread("network policies", f.Networks.Err)
	}
	var found []podFault
	judged, selecting := 0, map[string]bool{}
	for _, w := range f.workloads() {
		if w.Spec.HostNetwork || proxied(w.Spec) {
			continue
		}
		judged++
		out := wayOut(f.Networks.Value, w.Labels)
		for _, name := range out.policies {
			selecting[name] = true
		}
		if what, status := out.fault(); what != "" {
			found = append(found, podFault{of: w, status: status, cause: "POD9", what: what, fix: f.letOut(w)})
		}
	}
	switch {
	case len(found) > 0:
		return f.report(found)
	case judged == 0:
		return skip("they use the node's network or a proxy")
	}
	return pass("network policies that restrict them: %d", len(selecting))
}

// proxied reports whether a container is told of a proxy: then the way to STS
// is another one.
func proxied(spec corev1.PodSpec) bool {
	return slices.ContainsFunc(spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return strings.EqualFold(v.Name, "HTTPS_PROXY") })
	})
}

// reach is how far a pod gets.
type reach int

const (
	shut    reach = iota
	partway       // to some addresses
	open
)

// egress is what the policies that select a pod let out together.
type egress struct {
	policies   []string // names of those that restrict it; none means that everything is let out
	https, dns reach
	only       []string // the address blocks that HTTPS gets to, where it gets no further
}

// wayOut adds up what the policies that select a pod with these labels let out.
func wayOut(policies []networkingv1.NetworkPolicy, podLabels map[string]string) egress {
	var out egress
	for _, p := range policies {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || !selector.Matches(labels.Set(podLabels)) || !restrictsEgress(p.Spec) {
			continue
		}
		out.policies = append(out.policies, p.Name)
		for _, rule := range p.Spec.Egress {
			if lets(rule.Ports, corev1.ProtocolUDP, 53, 5353) { // OpenShift's DNS pods listen on 5353
				out.dns = open
			}
			if lets(rule.Ports, corev1.ProtocolTCP, 443) {
				out.outside(rule.To)
			}
		}
	}
	return out
}

// restrictsEgress applies the API's default: without policyTypes, rules for
// egress are what makes a policy one of egress.
func restrictsEgress(spec networkingv1.NetworkPolicySpec) bool {
	if len(spec.PolicyTypes) == 0 {
		return len(spec.Egress) > 0
	}
	return slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
}

// lets reports whether any of the ports is let out. A name is looked up at the
// pod that is talked to, which serves DNS perhaps, and is never STS.
func lets(ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, numbers ...int32) bool {
	if len(ports) == 0 {
		return true
	}
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case p.Protocol != nil && *p.Protocol != protocol || p.Protocol == nil && protocol != corev1.ProtocolTCP:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			return protocol == corev1.ProtocolUDP
		}
		last := p.Port.IntVal
		if p.EndPort != nil {
			last = *p.EndPort
		}
		return slices.ContainsFunc(numbers, func(n int32) bool { return p.Port.IntVal <= n && n <= last })
	})
}

// outside adds a rule's peers. Pods and namespaces are no way to STS, which is
// outside of the cluster.
func (e *egress) outside(peers []networkingv1.NetworkPolicyPeer) {
	if len(peers) == 0 {
		e.https = open
	}
	for _, peer := range peers {
		switch {
		case peer.IPBlock == nil:
		case everywhere(*peer.IPBlock):
			e.https = open
		default:
			e.https = max(e.https, partway)
			e.only = append(e.only, peer.IPBlock.CIDR)
		}
	}
}

// everywhere reports whether a block holds all of the public IPv4 addresses.
func everywhere(block networkingv1.IPBlock) bool {
	return block.CIDR == "0.0.0.0/0" && !slices.ContainsFunc(block.Except, func(text string) bool {
		except, err := netip.ParsePrefix(text)
		return err != nil || !slices.ContainsFunc(reserved, func(r netip.Prefix) bool {
			return r.Bits() <= except.Bits() && r.Contains(except.Addr())
		})
	})
}

// reserved are the IPv4 blocks that are no public addresses (RFC 6890).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
}

// fault says what a pod does not get to, "" where it gets to STS.
func (e egress) fault() (string, check.Status) {
	if len(e.policies) == 0 || e.https == open && e.dns == open {
		return "", check.Pass
	}
	by := "network policy " + e.policies[0]
	if len(e.policies) > 1 {
		by = "network policies " + few(e.policies, 3)
	}
	const enforced = ", where the network plugin enforces it"
	switch {
	case e.https == shut && e.dns == shut:
		return by + ": neither DNS (UDP 53) nor STS (TCP 443) is let out" + enforced, check.Warn
	case e.dns == shut:
		return by + ": DNS (UDP 53) is not let out" + enforced, check.Warn
	case e.https == shut:
		return by + ": STS (TCP 443, outside of the cluster) is not let out" + enforced, check.Warn
	}
	return by + ": TCP 443 is let out to " + few(e.only, 3) + " alone; whether STS is there cannot be seen from here", check.Unknown
}

// made are labels that whatever makes pods adds to each.
var made = []string{
	"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
	"apps.kubernetes.io/pod-index", "controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name",
}

// letOut is the line that adds a policy of its own for such pods: what policies
// let out adds up, and none of them is widened for others.
func (f Facts) letOut(w Workload) string {
	match := map[string]string{}
	for key, value := range w.Labels {
		if !slices.Contains(made, key) {
			match[key] = value
		}
	}
	policy := fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"%s-to-sts"},"spec":{"podSelector":{"matchLabels":%s},`+
		`"policyTypes":["Egress"],"egress":[{"ports":[{"protocol":"TCP","port":443},{"protocol":"UDP","port":53},{"protocol":"TCP","port":53}]}]}}`, f.ServiceAccount, quoted(match))
	return "echo " + shell.Word(policy) + " | " + f.kubectl("apply -f -")
}
