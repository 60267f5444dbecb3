package doctor

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// Named is a ServiceAccount that a trust policy names.
type Named struct{ Namespace, Name string }

func (n Named) subject() string { return irsa.Subject(n.Namespace, n.Name) }

// named is the ServiceAccount of a subject, and whether there can be one so
// called: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/.
func named(subject string) (Named, bool) {
	namespace, name, ok := irsa.ParseSubject(subject)
	ok = ok && len(validation.IsDNS1123Label(namespace)) == 0 && len(validation.IsDNS1123Subdomain(name)) == 0
	return Named{namespace, name}, ok
}

// absent looks, once the role's trust policy is there, for the ServiceAccounts
// that it names. Where it names none but the target's, nobody is asked. What
// may not be read is not there for all that is known: it is left out.
func (w World) absent(ctx context.Context, t Target, issuer string, role Known[irsa.RoleARN], look *later[Role]) *later[[]Named] {
	return ask(func() ([]Named, error) {
		found := look.get()
		switch {
		case found.Err != nil:
			return nil, found.Err
		case issuer == "":
			return nil, ErrNeedsToken
		}
		policy, err := trustpolicy.Parse([]byte(found.Value.Trust))
		if err != nil {
			return nil, err
		}
		named := slices.DeleteFunc(namedIn(policy, ProviderARN(role.Value, issuer)), func(n Named) bool {
			return n == Named{t.Namespace, t.ServiceAccount}
		})
		return w.missing(ctx, named), nil
	})
}

// namedIn are the ServiceAccounts that a trust policy names one by one for a
// provider.
func namedIn(policy *trustpolicy.Policy, provider string) []Named {
	var all []Named
	for _, grant := range trustpolicy.Grants(policy) {
		for _, s := range grant.Subjects {
			if n, ok := named(s.Text); ok && grant.Provider == provider && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// atOnce is how many ServiceAccounts are asked for at the same time.
const atOnce = 8

// missing are those of the ServiceAccounts that the API server says are not there.
func (w World) missing(ctx context.Context, named []Named) []Named {
	gone := make([]bool, len(named))
	abreast.Each(len(named), atOnce, func(i int) {
		_, err := w.Core.ServiceAccounts(named[i].Namespace).Get(ctx, named[i].Name, metav1.GetOptions{})
		gone[i] = apierrors.IsNotFound(err)
	})
	var missing []Named
	for i, n := range named {
		if gone[i] {
			missing = append(missing, n)
		}
	}
	return missing
}

// rolesPage is the most that ListRoles gives at a time.
const rolesPage = 1000

// roles lists the account's roles where the ServiceAccount's own is not known,
// or is not there: one of them may be meant.
func (a *account) roles(ctx context.Context, t Target, role Known[irsa.RoleARN], look *later[Role]) *later[[]Role] {
	return ask(func() ([]Role, error) {
		if t.ServiceAccount == "" || role.Err == nil && !missing(look.get().Err) {
			return nil, ErrNotAsked
		}
		clients := a.clients.get()
		if clients.Err != nil {
			return nil, clients.Err
		}
		return listRoles(ctx, clients.Value.IAM)
	})
}

// listRoles are the roles of an account, by ARN and trust; a trust policy that
// cannot be decoded stays as it came.
func listRoles(ctx context.Context, client IAM) ([]Role, error) {
	var all []Role
	for pages := iam.NewListRolesPaginator(client, &iam.ListRolesInput{MaxItems: aws.Int32(rolesPage)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Roles {
			trust := aws.ToString(r.AssumeRolePolicyDocument)
			if text, err := trustpolicy.Decode(trust); err == nil {
				trust = string(text)
			}
			all = append(all, Role{ARN: aws.ToString(r.Arn), Trust: trust})
		}
	}
	return all, nil
}
