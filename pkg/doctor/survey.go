package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// Station is the workstation: what on it stands in the way of a profile.
type Station struct {
	Rivals   []string // environment variables that beat a profile
	Profiles int      // profiles of ours
	Dead     []string // those whose program is gone
	Again    []string // for each of Dead, the login that writes it anew
	Astray   []string // those whose kubeconfig context is gone or leads elsewhere, each with why
	Cycle    string   // a profile of ours that the kubeconfig itself rests on

	Forbidden string // why the user's kuberc keeps the kubeconfig's plugin from running, "" where it may
	Allow     string // the line that lets it run
}

// Survey is what doctor knows of a cluster and a workstation, besides Facts.
type Survey struct {
	Facts
	Station Station
	Scope   string // the namespace, "" for all of them

	MayMint Known[bool]   // whether the user may ask for tokens in the namespace
	Plain   Known[Minted] // a token for which no audience was asked, and a day
	Sweep   Known[Sweep]
	Refused Known[[]corev1.Event] // pods whose network was not made, since the API server let its plugin not in
}

// Sweep is what a look at every ServiceAccount and pod found.
type Sweep struct {
	Accounts, Annotated, Pods int
	Typos                     []string // NAMESPACE/NAME: key
	BadARNs                   []string // NAMESPACE/NAME: why
	Bare                      []string // pods of an annotated ServiceAccount without token
	Static                    []string // pods with credentials that win over the role
}

// Survey looks at a cluster, and at every ServiceAccount in a namespace ("" for
// all), beside a Collect of t.
func (w World) Survey(ctx context.Context, t Target, station Station, scope string, page int64) Survey {
	s := Survey{Station: station, Scope: scope}
	facts := ask(func() (Facts, error) { return w.Collect(ctx, t), nil })
	sweep := ask(func() (Sweep, error) { return w.sweep(ctx, scope, page) })
	may := ask(func() (bool, error) { return w.mayMint(ctx, t.Namespace) })
	plain := ask(func() (Minted, error) { return w.plain(ctx, t.Namespace) })
	refused := ask(func() ([]corev1.Event, error) { return w.refused(ctx, scope, page) })
	s.Facts = facts.get().Value
	s.Sweep, s.MayMint, s.Plain, s.Refused = sweep.get(), may.get(), plain.get(), refused.get()
	return s
}

// mayMint asks for the right to create tokens:
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
func (w World) mayMint(ctx context.Context, namespace string) (bool, error) {
	review := authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"},
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Resource: "serviceaccounts", Subresource: "token",
		}},
	}
	var answer authorizationv1.SelfSubjectAccessReview
	err := w.post(ctx, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, &answer)
	return answer.Status.Allowed, err
}

// longToken is what the webhook asks for:
// https://github.com/aws/amazon-eks-pod-identity-webhook.
const longToken = 24 * time.Hour

// plain mints a token for no audience in particular, of the ServiceAccount that
// every namespace has. It is looked at and dropped.
func (w World) plain(ctx context.Context, namespace string) (Minted, error) {
	granted, err := token.Create(ctx, w.Core.ServiceAccounts(namespace), token.Request{
		Namespace: namespace, ServiceAccount: "default", Duration: longToken,
	})
	if err != nil {
		return Minted{}, err
	}
	parsed, err := oidc.ParseToken(granted.Raw())
	return Minted{Parsed: parsed, Asked: longToken, Granted: granted.Granted, At: w.Now()}, err
}

// refused are events of pods that got no network because the API server
// answered the network plugin 401. A plugin keeps the token of its start in a
// file on the node, and so is the first to notice that the issuer, or its key,
// is another: https://github.com/projectcalico/calico/issues/7171,
// https://github.com/k8snetworkplumbingwg/multus-cni/issues/852. Events are kept
// for an hour unless the API server was told otherwise.
func (w World) refused(ctx context.Context, scope string, page int64) ([]corev1.Event, error) {
	events, err := w.Core.Events(scope).List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreatePodSandBox", Limit: page})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events.Items, func(e corev1.Event) bool { return !strings.Contains(e.Message, "Unauthorized") }), nil
}

// bare is a pod without token, until it is known whether its ServiceAccount is
// annotated.
type bare struct{ namespace, account, pod string }

// sweep reads ServiceAccounts and pods page by page, side by side, and keeps
// only what is not well.
func (w World) sweep(ctx context.Context, scope string, page int64) (Sweep, error) {
	s := Sweep{}
	annotated := map[string]bool{}
	var suspects []bare
	accounts := ask(func() (struct{}, error) { return struct{}{}, w.sweepAccounts(ctx, scope, page, &s, annotated) })
	var pods Sweep
	err := w.sweepPods(ctx, scope, page, &pods, &suspects)
	if known := accounts.get(); known.Err != nil {
		return s, known.Err
	}
	if err != nil {
		return s, err
	}
	s.Pods, s.Static = pods.Pods, pods.Static
	for _, b := range suspects {
		if annotated[b.namespace+"/"+b.account] {
			s.Bare = append(s.Bare, b.namespace+"/"+b.pod)
		}
	}
	return s, nil
}

func (w World) sweepAccounts(ctx context.Context, scope string, page int64, s *Sweep, annotated map[string]bool) error {
	options := metav1.ListOptions{Limit: page}
	for {
		list, err := w.Core.ServiceAccounts(scope).List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			s.account(&list.Items[i], annotated)
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

func (s *Sweep) account(a *corev1.ServiceAccount, annotated map[string]bool) {
	s.Accounts++
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
	s.Annotated++
	annotated[name] = true
	if _, err := irsa.ParseRoleARN(arn, false); err != nil {
		s.BadARNs = append(s.BadARNs, name+": "+err.Error())
	}
}

func (w World) sweepPods(ctx context.Context, scope string, page int64, s *Sweep, suspects *[]bare) error {
	options := metav1.ListOptions{Limit: page}
	for {
		list, err := w.Core.Pods(scope).List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			p := &list.Items[i]
			s.Pods++
			if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
				continue
			}
			if !hasToken(p) {
				*suspects = append(*suspects, bare{p.Namespace, p.Spec.ServiceAccountName, p.Name})
			} else if len(rivalsOf(&p.Spec.Containers[0])) > 0 {
				s.Static = append(s.Static, p.Namespace+"/"+p.Name)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// hasToken reports whether any container of a pod got a token for AWS, or was
// left out on purpose.
func hasToken(p *corev1.Pod) bool {
	for i := range p.Spec.Containers {
		if m := injected(p.Spec, &p.Spec.Containers[i]); m.complete() || m.container {
			return true
		}
	}
	return p.Annotations[irsa.AnnotationSkipContainers] != ""
}

// Findings judges the workstation alone, where the cluster cannot be asked.
func (s Station) Findings(selection check.Selection) []check.Finding {
	return check.Run(Survey{Station: s}, stationChecks(), selection)
}

// Findings judges a survey: the workstation first, then the cluster, then what
// anybody can see of it, then the account.
func (s Survey) Findings(selection check.Selection) []check.Finding {
	return check.Run(s, SurveyChecks(), selection)
}
