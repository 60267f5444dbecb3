package cli

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
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
	var core corev1client.CoreV1Interface
	for _, account := range b.users {
		o := b.command
		if o.serviceAccount != "" && account.Name != o.serviceAccount {
			continue
		}
		annotations := b.inInput[account]
		if annotations[irsa.AnnotationRoleARN] == "" && o.roleARN == "" && !o.local {
			if core == nil {
				c, err := o.factory.cluster()
				if err != nil {
					return hint.Wrap(err, "give the role with --service-account and --role-arn, or ask no cluster with --local")
				}
				if core, err = c.core(); err != nil {
					return err
				}
			}
			var err error
			if annotations, err = inCluster(ctx, core, account, annotations); err != nil {
				return err
			}
		}
		b.known[account] = b.decide(account, annotations)
	}
	return nil
}

// inCluster adds what the ServiceAccount in the cluster says to what its
// manifest does. That there is none yet is no error.
func inCluster(ctx context.Context, core corev1client.CoreV1Interface, a inject.Account, stated map[string]string) (map[string]string, error) {
	live, err := core.ServiceAccounts(a.Namespace).Get(ctx, a.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return stated, nil
	case err != nil:
		return nil, hint.Wrap(fmt.Errorf("asking which role the ServiceAccount %s/%s has: %w", a.Namespace, a.Name, token.Unreachable(err)),
			"give the role with --service-account and --role-arn, or ask no cluster with --local")
	}
	all := map[string]string{}
	for key, value := range live.Annotations {
		all[key] = value
	}
	for key, value := range stated {
		all[key] = value
	}
	return all, nil
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
		if _, err := irsa.ParseRoleARN(id.RoleARN, true); err != nil {
			o.note("note: the ServiceAccount %s/%s: %v", account.Namespace, account.Name, err)
		}
	}
	return id
}

func (b *roleBook) identity(a inject.Account) inject.Identity { return b.known[b.full(a)] }
