package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// Station is the workstation: what on it stands in the way of a profile.
type Station struct {
	Rivals   []string // environment variables that beat a profile
	Lost     string   // the profile that AWS_PROFILE names where there is no such profile
	LostNear []string // profiles named like it
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

	MayMint Known[Minting]
	Plain   Known[Minted] // a token for which no audience was asked, and a day
	Sweep   Sweep
	Refused Known[[]corev1.Event] // pods whose network was not made, since the API server let its plugin not in
	// AllRoles are those of the credentials' account, by ARN and trust; only where
	// a ServiceAccount names one.
	AllRoles Known[[]Role]
	Plugins  []Named // the DaemonSets of those plugins, as far as their names say so
}

// Survey looks at a cluster, and at every ServiceAccount in a namespace ("" for
// all), beside a Collect of t.
func (w World) Survey(ctx context.Context, t Target, station Station, scope string, page int64) Survey {
	s := Survey{Station: station, Scope: scope}
	admin := w.Admin
	clients := ask(func() (Inspector, error) {
		if admin == nil {
			return Inspector{}, ErrNoCredentials
		}
		return admin(ctx)
	})
	w.Admin = func(context.Context) (Inspector, error) { found := clients.get(); return found.Value, found.Err }
	facts := ask(func() (Facts, error) { return w.Collect(ctx, t), nil })
	sweep := ask(func() (Sweep, error) { return w.sweep(ctx, scope, page), nil })
	roles := ask(func() ([]Role, error) {
		if len(sweep.get().Value.Accounts.Value.Annotated) == 0 {
			return nil, ErrNotAsked
		}
		found := clients.get()
		if found.Err != nil {
			return nil, found.Err
		}
		return listRoles(ctx, found.Value.IAM)
	})
	may := ask(func() (Minting, error) { return w.mayMint(ctx, t.Namespace) })
	plain := ask(func() (Minted, error) { return w.plain(ctx, t.Namespace) })
	refused := ask(func() ([]corev1.Event, error) { return w.refused(ctx, scope, page) })
	s.Facts = facts.get().Value
	s.Sweep, s.MayMint, s.Plain, s.Refused = sweep.get().Value, may.get(), plain.get(), refused.get()
	s.AllRoles = roles.get()
	s.Plugins = w.plugins(ctx, s.Refused.Value)
	return s
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

// plugins are the DaemonSets that are named like the network plugins in events:
// plugin type="calico" is that of calico-node.
func (w World) plugins(ctx context.Context, events []corev1.Event) []Named {
	var all appsv1.DaemonSetList
	if len(events) == 0 || w.raw(ctx, "/apis/apps/v1/daemonsets", &all) != nil {
		return nil
	}
	var found []Named
	for i := range all.Items {
		if slices.ContainsFunc(events, func(e corev1.Event) bool {
			_, after, said := strings.Cut(e.Message, `plugin type="`)
			plugin, _, _ := strings.Cut(after, `"`)
			plugin, _, _ = strings.Cut(plugin, "-") // multus-shim is of kube-multus-ds
			return said && plugin != "" && strings.Contains(all.Items[i].Name, plugin)
		}) {
			found = append(found, Named{all.Items[i].Namespace, all.Items[i].Name})
		}
	}
	return found
}

// Findings judges the workstation alone, where the cluster cannot be asked.
func (s Station) Findings(selection check.Selection) []check.Finding {
	return check.Run(Survey{Station: s}, stationChecks(), selection)
}

// Findings judges a survey: the workstation first, then the cluster, then what
// anybody can see of it, then the account.
func (s Survey) Findings(selection check.Selection) []check.Finding {
	checks := SurveyChecks()
	if apierrors.IsUnauthorized(s.MayMint.Err) {
		for i := range checks {
			if c := &checks[i]; c.Link != linkStation && c.ID != firstAccess {
				c.Needs = append(slices.Clone(c.Needs), firstAccess)
			}
		}
	}
	return check.Run(s, checks, selection)
}
