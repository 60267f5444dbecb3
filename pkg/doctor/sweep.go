package doctor

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Sweep is what a look at every ServiceAccount and every pod found: one may be
// allowed and the other not.
type Sweep struct {
	Accounts Known[SweptAccounts]
	Pods     Known[SweptPods]
}

// SweptAccounts are ServiceAccounts that are not well.
type SweptAccounts struct {
	Total   int
	Typos   []string // NAMESPACE/NAME: key
	BadARNs []string // NAMESPACE/NAME: why

	Annotated map[Named]SweptAnnotations
}

// SweptAnnotations are those of a ServiceAccount that names a role.
type SweptAnnotations struct{ Role, Audience string }

// SweptPods are pods that are not well.
type SweptPods struct {
	Total int

	bare  []bare
	rival []rival
}

// rival is what a container has that wins over a role, or may: whether the pod
// gets one is known when its ServiceAccount is.
type rival struct {
	of       Named  // the ServiceAccount
	injected bool   // the pod has a token of its own
	unread   bool   // it may: it was not read
	text     string // NAMESPACE/NAME: what it is
}

// bare is a pod with a container without token, until it is known whether its
// ServiceAccount is annotated.
type bare struct {
	of        Named    // the ServiceAccount
	pod       Workload // without its spec
	container string
	half      bool // the container has something of a role
	given     bool // another container of the pod has all of it
}

// sweep reads ServiceAccounts and pods page by page, side by side, and keeps
// only what is not well.
func (w World) sweep(ctx context.Context, scope string, page int64) Sweep {
	accounts := ask(func() (SweptAccounts, error) { return w.sweepAccounts(ctx, scope, page) })
	pods, err := w.sweepPods(ctx, scope, page)
	return Sweep{Accounts: accounts.get(), Pods: Known[SweptPods]{Value: pods, Err: err}}
}

func (w World) sweepAccounts(ctx context.Context, scope string, page int64) (SweptAccounts, error) {
	s := SweptAccounts{Annotated: map[Named]SweptAnnotations{}}
	options := metav1.ListOptions{Limit: page}
	for {
		list, err := w.Core.ServiceAccounts(scope).List(ctx, options)
		if err != nil {
			return s, err
		}
		for i := range list.Items {
			s.account(&list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return s, nil
		}
	}
}

func (s *SweptAccounts) account(a *corev1.ServiceAccount) {
	s.Total++
	if len(a.Annotations) == 0 {
		return
	}
	name := a.Namespace + "/" + a.Name
	arn := a.Annotations[irsa.AnnotationRoleARN]
	if arn == "" {
		if key, _ := nearAnnotation(a.Annotations); key != "" {
			s.Typos = append(s.Typos, name+": "+key)
		}
		return
	}
	s.Annotated[Named{a.Namespace, a.Name}] = SweptAnnotations{arn, a.Annotations[irsa.AnnotationAudience]}
	if _, err := irsa.ParseRoleARN(arn, irsa.TwelveDigits); err != nil {
		s.BadARNs = append(s.BadARNs, name+": "+err.Error())
	}
}

func (w World) sweepPods(ctx context.Context, scope string, page int64) (SweptPods, error) {
	s := SweptPods{}
	options := metav1.ListOptions{Limit: page}
	for {
		list, err := w.Core.Pods(scope).List(ctx, options)
		if err != nil {
			return s, err
		}
		for i := range list.Items {
			s.pod(&list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return s, nil
		}
	}
}

func (s *SweptPods) pod(p *corev1.Pod) {
	s.Total++
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return
	}
	of := Named{p.Namespace, p.Spec.ServiceAccountName}
	given, without := false, bare{of: of}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		m := injected(p.Spec, c)
		given = given || m.complete()
		if without.container == "" && !m.complete() && !m.container && !leftOut(p.Annotations, c) {
			without.container, without.half = c.Name, !m.none()
		}
	}
	if without.container != "" {
		without.pod, without.given = PodWorkload(p), given
		without.pod.Spec = corev1.PodSpec{}
		s.bare = append(s.bare, without)
	}
	for i := range p.Spec.Containers {
		c, at := &p.Spec.Containers[i], p.Namespace+"/"+p.Name+": container "+p.Spec.Containers[i].Name+" has "
		if rivals := rivalsOf(c); len(rivals) > 0 {
			s.rival = append(s.rival, rival{of, given, false, at + list(rivals)})
		} else if sources := unreadOf(c); len(sources) > 0 {
			s.rival = append(s.rival, rival{of, given, true, at + "the variables of " + list(sources)})
		}
	}
}

// leftOut reports whether an annotation of a pod keeps the webhook from one of
// its containers.
func leftOut(annotations map[string]string, c *corev1.Container) bool {
	return slices.Contains(strings.Split(annotations[irsa.AnnotationSkipContainers], ","), c.Name)
}

// without are the pods of annotated ServiceAccounts with a container that has
// no token. What a webhook left out where it gave others theirs came after it.
func (s Survey) without() []bare {
	hooked := s.Hooks.Err == nil && len(s.Hooks.Value) > 0
	return slices.DeleteFunc(slices.Clone(s.Sweep.Pods.Value.bare), func(b bare) bool {
		return !s.Sweep.Accounts.Value.names(b.of) || hooked && b.given && !b.half
	})
}

// names reports whether a ServiceAccount names a role.
func (s SweptAccounts) names(account Named) bool {
	_, annotated := s.Annotated[account]
	return annotated
}

// rivals are what wins over the role of a pod that has one, or is meant to, and
// what may: NAMESPACE/NAME: what it is.
func (s Sweep) rivals() (static, unread []string) {
	for _, r := range s.Pods.Value.rival {
		switch {
		case !r.injected && !s.Accounts.Value.names(r.of):
		case r.unread:
			unread = append(unread, r.text)
		default:
			static = append(static, r.text)
		}
	}
	return static, unread
}
