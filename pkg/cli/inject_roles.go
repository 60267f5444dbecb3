package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// roleBook knows which role each ServiceAccount of an input has.
type roleBook struct {
	command   *injectCommand
	namespace string // of what names none
	inInput   map[inject.Account]map[string]string
	users     []inject.Account
	known     map[inject.Account]inject.Identity
}

func (b *roleBook) full(a inject.Account) inject.Account {
	a.Namespace = cmp.Or(a.Namespace, b.namespace)
	return a
}

// note takes down the ServiceAccounts that a document holds and those it uses.
func (b *roleBook) note(_ string, _ bool, document []byte) error {
	found, err := inject.Look(document)
	if err != nil {
		return err
	}
	for account, annotations := range found.Accounts {
		b.inInput[b.full(account)] = annotations
	}
	for _, account := range found.Users {
		account = b.full(account)
		if _, ok := b.known[account]; !ok {
			b.known[account] = inject.Identity{}
			b.users = append(b.users, account)
		}
	}
	return nil
}

// settle finds out every role, from the cluster where the input does not say.
func (b *roleBook) settle(ctx context.Context) error {
	o := b.command
	var users, open []inject.Account
	for _, account := range b.users {
		if o.serviceAccount != "" && account.Name != o.serviceAccount {
			continue
		}
		users = append(users, account)
		if b.inInput[account][irsa.AnnotationRoleARN] == "" && o.roleARN == "" && !o.local {
			open = append(open, account)
		}
	}
	live, err := b.ask(ctx, open)
	if err != nil {
		return err
	}
	for _, account := range users {
		annotations := maps.Clone(live[account])
		if annotations == nil {
			annotations = map[string]string{}
		}
		maps.Copy(annotations, b.inInput[account]) // the manifest is what will be
		b.known[account] = b.decide(account, annotations)
	}
	return nil
}

// ask reads the annotations of ServiceAccounts in the cluster. A list would take
// a permission that whoever deploys may lack.
func (b *roleBook) ask(ctx context.Context, accounts []inject.Account) (map[inject.Account]map[string]string, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	c, err := b.command.factory.cluster()
	if err != nil {
		return nil, hint.Wrap(err, "give the role with --service-account and --role-arn, or ask no cluster with --local")
	}
	core, err := c.core()
	if err != nil {
		return nil, err
	}
	return sideBySide(ctx, accounts, func(ctx context.Context, a inject.Account) (map[string]string, error) {
		return inCluster(ctx, core, a)
	})
}

// sideBySide asks for each of several things, a few at a time, and gives up at
// the first error. The first one goes ahead: its connection is shared by those
// that come once it is up.
func sideBySide[K comparable, V any](ctx context.Context, keys []K, ask func(context.Context, K) (V, error)) (map[K]V, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make([]V, len(keys))
	one := func(i int) {
		if ctx.Err() != nil {
			return
		}
		var err error
		if answers[i], err = ask(ctx, keys[i]); err != nil {
			cancel(err)
		}
	}
	if len(keys) > 0 {
		one(0)
		abreast.Each(len(keys)-1, atOnce, func(i int) { one(i + 1) })
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	all := make(map[K]V, len(keys))
	for i, key := range keys {
		all[key] = answers[i]
	}
	return all, nil
}

// inCluster are the annotations of a ServiceAccount in the cluster. That there
// is none yet is no error.
func inCluster(ctx context.Context, core corev1client.CoreV1Interface, a inject.Account) (map[string]string, error) {
	live, err := core.ServiceAccounts(a.Namespace).Get(ctx, a.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, hint.Wrap(fmt.Errorf("asking which role the ServiceAccount %s/%s has: %w", a.Namespace, a.Name, kubeapi.Unreachable(err)),
			"give the role with --service-account and --role-arn, or ask no cluster with --local")
	}
	return live.Annotations, nil
}

func (b *roleBook) decide(account inject.Account, annotations map[string]string) inject.Identity {
	o := b.command
	id := inject.Default().With(annotations)
	id.RoleARN = cmp.Or(o.roleARN, id.RoleARN)
	id.Audience = cmp.Or(o.audience, id.Audience)
	if o.given("token-duration") {
		id.TokenSeconds = int64(o.tokenDuration.Seconds())
	}
	if o.given("sts-regional-endpoints") {
		id.RegionalSTS = o.regional
	}
	if id.RoleARN != "" {
		if _, err := irsa.ParseRoleARN(id.RoleARN, irsa.AnyAccount); err != nil {
			o.note("note: the ServiceAccount %s/%s: %v", account.Namespace, account.Name, err)
		}
	}
	return id
}

func (b *roleBook) identity(a inject.Account) inject.Identity { return b.known[b.full(a)] }
