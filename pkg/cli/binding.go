package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/provider"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

// bindingFlags say which role a ServiceAccount is bound to.
type bindingFlags struct {
	roleFlags
	serviceAccount string
	role           string
	named          irsa.RoleARN // role, taken apart
	audience       string
	overwrite      bool
}

func (b *bindingFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&b.role, "role", "", "Name or ARN of the role; default: the one that the ServiceAccount is annotated with, else NAMESPACE-SERVICEACCOUNT")
	b.roleFlags.add(cmd)
	flags.StringVar(&b.audience, "audience", "", "Audience of the tokens; default: the annotation "+irsa.AnnotationAudience+", else "+irsa.DefaultAudience)
	flags.BoolVar(&b.overwrite, "overwrite", false, "Replace an annotation that names another role or audience")
}

// complete checks what was typed, as far as nobody has to be asked.
func (b *bindingFlags) complete(arg string) (err error) {
	if b.serviceAccount, err = serviceAccountName(arg); err != nil {
		return err
	}
	if b.audience != "" {
		if err := provider.CheckAudience(b.audience); err != nil {
			return usageError{fmt.Errorf("--audience: %w", err)}
		}
	}
	if b.role != "" {
		if b.named, err = roleNamed(b.role); err != nil {
			return err
		}
		if b.named.Path != "" && b.path != "" && b.path != b.named.Path {
			return usagef("--path: the role %s has the path %s", b.named, b.named.Path)
		}
	}
	return nil
}

// binding is a ServiceAccount and the role it is to become.
type binding struct {
	account  *role.Account
	role     irsa.RoleARN // without an account where it is named by its name alone
	given    bool         // the role was named, not made up
	audience string
	subject  string

	overwrite bool // an annotation that says otherwise
}

// open is the cluster, and what the flags say of the role.
func (b *bindingFlags) open(f *Factory) (*cluster, role.Spec, error) {
	c, err := f.cluster()
	if err != nil {
		return nil, role.Spec{}, err
	}
	spec, err := b.roleFlags.spec(f, defaultRoleName(c.namespace, b.serviceAccount))
	return c, spec, err
}

// lookToMake is look for whoever makes a ServiceAccount that is missing: it needs its
// namespace.
func (b *bindingFlags) lookToMake(ctx context.Context, c *cluster) (*binding, error) {
	bound, err := b.look(ctx, c)
	if err != nil {
		return nil, err
	}
	if found, err := bound.account.Look(ctx); found != nil || err != nil {
		return bound, err
	}
	core, err := c.core()
	if err != nil {
		return nil, err
	}
	// Asked for a ServiceAccount, a server does not say that the namespace is missing.
	if _, err := core.Namespaces().Get(ctx, c.namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return nil, hint.Wrap(fmt.Errorf("the cluster has no namespace %s", c.namespace), "kubectl create namespace "+c.namespace)
	}
	return bound, nil
}

// look reads the ServiceAccount for what no flag says.
func (b *bindingFlags) look(ctx context.Context, c *cluster) (*binding, error) {
	core, err := c.core()
	if err != nil {
		return nil, err
	}
	bound := &binding{
		account: &role.Account{Accounts: core.ServiceAccounts(c.namespace), Namespace: c.namespace, Name: b.serviceAccount},
		role:    b.named, given: b.role != "", audience: b.audience, subject: irsa.Subject(c.namespace, b.serviceAccount),
		overwrite: b.overwrite,
	}
	found, err := bound.account.Look(ctx)
	if err != nil {
		return nil, kubeapi.Unreachable(err)
	}
	if found != nil {
		named, err := irsa.ParseRoleARN(found.Annotations[irsa.AnnotationRoleARN], irsa.AnyAccount)
		if err == nil && !bound.given {
			bound.role, bound.given = named, true
		}
		if bound.audience == "" {
			bound.audience = found.Annotations[irsa.AnnotationAudience]
		}
	}
	if bound.audience == "" {
		bound.audience = irsa.DefaultAudience
	}
	if !bound.given {
		bound.role.Name = defaultRoleName(c.namespace, b.serviceAccount)
	}
	return bound, nil
}

// defaultRoleName is NAMESPACE-SERVICEACCOUNT, cut to what IAM takes with a
// checksum in place of the rest.
func defaultRoleName(namespace, serviceAccount string) string {
	const limit = 64 // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	name := namespace + "-" + serviceAccount
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	tail := "-" + hex.EncodeToString(sum[:4])
	return name[:limit-len(tail)] + tail
}

// chain are the links at AWS and in the cluster, as steps that share their looks.
type chain struct {
	provider *provider.Ensure
	role     *role.Ensure
	annotate *role.Annotate
}

// chainIAM is what the links ask of IAM.
type chainIAM interface {
	provider.IAM
	role.IAM
}

// chain joins the links, for a role that is to be as spec says.
func (b *binding) chain(client chainIAM, caller role.STS, issuer string, spec role.Spec) *chain {
	p := &provider.Ensure{IAM: client, Issuer: issuer, Audiences: []string{b.audience}, Tags: spec.Tags}
	r := &role.Ensure{
		IAM: client, STS: caller, Spec: b.spec(spec), Named: b.role, Issuer: issuer, Audience: b.audience, Subjects: []string{b.subject},
		NewProvider: true, // the provider's own step answers for it
		Foreign:     b.given, MadeUp: !b.given, Apart: true,
		Instead: ", or name a role of this account: --role NAME --overwrite",
		Provider: func(ctx context.Context) (string, error) {
			_, err := p.Look(ctx)
			return p.ARN(), err
		},
	}
	return &chain{provider: p, role: r, annotate: &role.Annotate{Account: b.account, Role: r, Audience: b.audience, Overwrite: b.overwrite}}
}

// spec is what a role is to be, with the name, and of a new role the path, that
// the ServiceAccount is bound to.
func (b *binding) spec(s role.Spec) role.Spec {
	s.Name = b.role.Name
	if b.role.Path != "/" { // which is that of every role unless it is told another
		s.Path = cmp.Or(s.Path, b.role.Path)
	}
	return s
}
