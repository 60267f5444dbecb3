package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// World is whom Collect asks.
type World struct {
	Core   corev1client.CoreV1Interface
	Public *http.Client // fetches public documents; it must carry no credentials
	// Bundled is Public with certificate authorities that this machine was told
	// of for AWS alone; nil where it was told of none.
	Bundled *http.Client
	STS     func(ctx context.Context, region string) (*awsapi.STS, error)
	// Admin finds AWS credentials and makes the clients; its error is why there
	// are none, and is asked for once.
	Admin  func(context.Context) (Inspector, error)
	Clocks *Clocks // of the transports behind Core and Public; nil reads none
	Now    func() time.Time
	// Progress, where set, hears what is being looked at.
	Progress func(string)
}

// tokenLife is what the probe asks for: the least that Kubernetes grants.
const tokenLife = token.MinDuration

// sessionLife is what the probe asks of STS: the least it grants.
const sessionLife = 15 * time.Minute

// later is a fact that is under way.
type later[T any] struct {
	done  chan struct{}
	known Known[T]
}

func ask[T any](f func() (T, error)) *later[T] {
	l := &later[T]{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.known = check.Know(f())
	}()
	return l
}

func (l *later[T]) get() Known[T] {
	<-l.done
	return l.known
}

// Collect gathers the facts about t. It never fails as a whole: each fact says
// for itself why it could not be had. Whatever does not hang on an answer is
// asked at the same time; the longest chain is the connection to the API
// server, the token, the connection to the issuer and its two documents.
func (w World) Collect(ctx context.Context, t Target) Facts {
	f := Facts{Target: t, Now: w.Now()}
	account, discovery := w.open(ctx, t)
	first := ask(func() (Minted, error) { return w.mint(ctx, t, orDefault(t.Audience)) })
	keys := ask(func() (oidc.KeySet, error) { return w.liveKeys(ctx, t) })
	admin := w.admin(ctx)
	pods := ask(func() ([]corev1.Pod, error) { return w.pods(ctx, t) })
	networks := ask(func() ([]networkingv1.NetworkPolicy, error) { return w.networks(ctx, t, pods) })
	webhooks := ask(func() ([]Webhook, error) { return w.webhooks(ctx, t) })

	if t.ServiceAccount != "" {
		w.say("reading ServiceAccount " + t.Namespace + "/" + t.ServiceAccount)
	}
	f.Account = account.get()
	f.settle()
	annotated := ask(func() ([]string, error) { return w.annotated(ctx, f.Target, f.forgotten()) })
	exchange := w.connect(ctx, &f)
	defer exchange.close()
	role := admin.role(ctx, &f)

	if t.ServiceAccount != "" {
		w.say("asking for a token")
	}
	if f.Token = first.get(); f.WantedAudience != orDefault(t.Audience) {
		f.Token = check.Know(w.mint(ctx, t, f.WantedAudience))
	}
	exchanged := ask(func() (Exchange, error) { return exchange.run(ctx, &f) })
	f.LiveDiscovery, f.LiveKeys = discovery.get(), keys.get()
	f.Issuer = f.issuer()
	provider, owned := admin.provider(ctx, t, f.Issuer, f.Role), admin.owned(ctx, t, f.Issuer)
	absent, roles := w.absent(ctx, t, f.Issuer, f.Role, role.look), admin.roles(ctx, t, f.Role, role.look)

	w.published(ctx, &f)
	f.Blocks = check.Know(admin.blocks(ctx, &f))
	w.say("asking STS and IAM")
	f.STS, f.Provider, f.Owned = exchanged.get(), provider.get(), owned.get()
	f.Caller, f.Providers = admin.caller.get(), admin.providers.get()
	f.IAMRole, f.Policies = role.look.get(), role.policies.get()
	f.Absent, f.Roles, f.Annotated = absent.get(), roles.get(), annotated.get()
	f.Pods, f.Networks, f.Hooks = pods.get(), networks.get(), webhooks.get()
	f.Mutated = check.Know(w.probePod(ctx, f))
	f.Clocks = w.Clocks.Readings()
	return f
}

func (w World) say(what string) {
	if w.Progress != nil {
		w.Progress(what)
	}
}

func orDefault(audience string) string {
	if audience == "" {
		return irsa.DefaultAudience
	}
	return audience
}

// open asks the API server the first questions: for the ServiceAccount, where
// one is meant, and for the discovery document.
func (w World) open(ctx context.Context, t Target) (*later[*corev1.ServiceAccount], *later[oidc.Discovery]) {
	if t.ServiceAccount == "" {
		discovery := connecting(ctx, w.liveDiscovery)
		return ask(func() (*corev1.ServiceAccount, error) { return nil, ErrNotAsked }), discovery
	}
	account := connecting(ctx, func(ctx context.Context) (*corev1.ServiceAccount, error) {
		return w.Core.ServiceAccounts(t.Namespace).Get(ctx, t.ServiceAccount, metav1.GetOptions{})
	})
	return account, ask(func() (oidc.Discovery, error) { return w.liveDiscovery(ctx) })
}

// connecting is ask, and returns as soon as the connection is up.
func connecting[T any](ctx context.Context, f func(context.Context) (T, error)) *later[T] {
	var value T
	_, wait := abreast.Lead(ctx, func(ctx context.Context) (err error) {
		value, err = f(ctx)
		return err
	})
	return ask(func() (T, error) {
		err := wait()
		return value, err
	})
}

// settle decides which role and audience are meant.
func (f *Facts) settle() {
	f.WantedAudience = orDefault(f.Audience)
	f.RoleText, f.RoleFromFlag = f.RoleARN, f.RoleARN != ""
	if account := f.Account.Value; f.Account.Err == nil && account != nil {
		if f.RoleText == "" {
			f.RoleText = account.Annotations[irsa.AnnotationRoleARN]
		}
		if audience := account.Annotations[irsa.AnnotationAudience]; f.Audience == "" && audience != "" {
			f.WantedAudience = audience
		}
	}
	f.settleWorkload()
	if f.RoleText == "" {
		f.Role.Err = ErrNeedsRole
		return
	}
	f.Role = check.Know(irsa.ParseRoleARN(f.RoleText, f.AnyAccount))
}

// settleWorkload takes role and audience from a pod that brings its own, where
// neither flag nor annotation names any.
func (f *Facts) settleWorkload() {
	if f.Workload == nil || f.Account.Err == nil && f.RoleText != "" {
		return
	}
	for i := range f.Workload.Spec.Containers {
		m := injected(f.Workload.Spec, &f.Workload.Spec.Containers[i])
		if !m.complete() || strings.HasPrefix(m.role, "$") {
			continue
		}
		if f.RoleText == "" {
			f.RoleText, f.RoleFromPod = m.role, true
		}
		if f.Audience == "" {
			f.WantedAudience = m.audience()
		}
		return
	}
}

// issuer is what the cluster calls itself.
func (f *Facts) issuer() string {
	if f.Token.Err == nil {
		return f.Token.Value.Parsed.Claims.Issuer
	}
	return f.LiveDiscovery.Value.Issuer
}

func (w World) mint(ctx context.Context, t Target, audience string) (Minted, error) {
	if t.ServiceAccount == "" {
		return Minted{}, ErrNotAsked
	}
	granted, err := token.Create(ctx, w.Core.ServiceAccounts(t.Namespace), token.Request{
		Namespace: t.Namespace, ServiceAccount: t.ServiceAccount, Audiences: []string{audience}, Duration: tokenLife,
	})
	if err != nil {
		return Minted{}, err
	}
	parsed, err := oidc.ParseToken(granted.Raw())
	if err != nil {
		return Minted{}, fmt.Errorf("reading the token that the cluster gave: %w", err)
	}
	return Minted{Parsed: parsed, Asked: tokenLife, Granted: granted.Granted, At: w.Now(), raw: granted.Raw()}, nil
}

// liveDiscovery is the discovery document as the API server serves it.
func (w World) liveDiscovery(ctx context.Context) (oidc.Discovery, error) {
	text, err := body(w.Core.RESTClient().Get().AbsPath(oidc.DiscoveryPath).SetHeader("Accept", "*/*").Do(ctx))
	if err != nil {
		return oidc.Discovery{}, err
	}
	return oidc.ParseDiscovery(text)
}

// liveKeys are the keys of the API server:
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery.
func (w World) liveKeys(ctx context.Context, t Target) (oidc.KeySet, error) {
	if t.RoleAlone {
		return oidc.KeySet{}, ErrNotAsked
	}
	text, err := body(w.Core.RESTClient().Get().AbsPath("/openid/v1/jwks").SetHeader("Accept", "*/*").Do(ctx))
	if err != nil {
		return oidc.KeySet{}, err
	}
	return oidc.ParseKeySet(text)
}

func (w World) pods(ctx context.Context, t Target) ([]corev1.Pod, error) {
	if !t.WithPods {
		return nil, ErrNotAsked
	}
	found, err := w.Core.Pods(t.Namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "spec.serviceAccountName=" + t.ServiceAccount, Limit: 500,
	})
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

// body is an answer as it came. Result.Raw alone gives an error without the
// server's reason.
func body(r rest.Result) ([]byte, error) {
	if err := r.Error(); err != nil {
		return nil, err
	}
	return r.Raw()
}

// raw reads an object of a group that has no typed client here.
func (w World) raw(ctx context.Context, path string, into any) error {
	text, err := body(w.Core.RESTClient().Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// post creates an object of a group that has no typed client here.
func (w World) post(ctx context.Context, path string, object, into any) error {
	sent, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	text, err := body(w.Core.RESTClient().Post().AbsPath(path).SetHeader("Content-Type", "application/json").
		SetHeader("Accept", "application/json").Body(sent).Do(ctx))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
