package bindings_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/bindings"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

const (
	here    = "issuer.example/here"
	there   = "issuer.example/there"
	account = "111122223333"
	cart    = "arn:aws:iam::111122223333:role/cart"
)

// statement lets one subject of an issuer in.
func statement(issuer, subject string) string {
	return `{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:aws:iam::` + account +
		`:oidc-provider/` + issuer + `"},"Condition":{"StringEquals":{"` + issuer + `:aud":"sts.amazonaws.com","` + issuer + `:sub":"` + subject + `"}}}`
}

// rolesOf is an account with the role cart and one that trusts nobody here.
func rolesOf(t *testing.T, statements ...string) *bindings.Roles {
	t.Helper()
	return &bindings.Roles{
		Account: account, Issuer: here,
		Trust: map[string]string{
			cart:                                    url.PathEscape(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`),
			"arn:aws:iam::111122223333:role/closed": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		},
	}
}

func TestJoin(t *testing.T) {
	of := func(name, role string) bindings.Account {
		return bindings.Account{Namespace: "shop", Name: name, RoleARN: role}
	}
	trusted := statement(here, "system:serviceaccount:shop:cart")
	tests := map[string]struct {
		accounts []bindings.Account
		roles    *bindings.Roles
		err      error
		want     []string // SERVICEACCOUNT: STATUS (DETAIL)
	}{
		"both sides name each other":              {accounts: []bindings.Account{of("cart", cart)}, roles: rolesOf(t, trusted), want: []string{"cart: bound"}},
		"the role names another ServiceAccount":   {accounts: []bindings.Account{of("cart", cart), of("cars", "")}, roles: rolesOf(t, statement(here, "system:serviceaccount:shop:cars")), want: []string{"cars: not annotated", "cart: not trusted"}},
		"the role names one that is not there":    {roles: rolesOf(t, trusted), want: []string{"cart: sa missing"}},
		"the role names one of another cluster":   {accounts: []bindings.Account{of("cart", cart)}, roles: rolesOf(t, trusted, statement(there, "system:serviceaccount:shop:gone")), want: []string{"cart: bound"}},
		"the annotation names no role":            {accounts: []bindings.Account{of("cart", "arn:aws:iam::111122223333:role/gone")}, roles: rolesOf(t), want: []string{"cart: role missing"}},
		"the role trusts no token of this issuer": {accounts: []bindings.Account{of("cart", "arn:aws:iam::111122223333:role/closed")}, roles: rolesOf(t), want: []string{"cart: not trusted (its trust policy does not name this cluster's issuer)"}},
		"the role trusts everybody":               {accounts: []bindings.Account{of("cart", cart)}, roles: rolesOf(t, `{"Effect":"Allow","Principal":"*","Action":"*"}`), want: []string{"cart: bound"}},
		"the role trusts everybody of a name":     {roles: rolesOf(t, strings.Replace(trusted, `{"Federated":"arn:aws:iam::111122223333:oidc-provider/issuer.example/here"}`, `"*"`, 1)), want: []string{"cart: sa missing"}},
		"a Deny keeps out whom an Allow names": {
			accounts: []bindings.Account{of("cart", ""), of("till", cart)}, want: []string{"till: not trusted"},
			roles: rolesOf(t, trusted, `{"Effect":"Deny","Principal":"*","Action":"*"}`),
		},
		"its trust policy cannot be read": {accounts: []bindings.Account{of("cart", cart)}, roles: rolesOf(t, `{"Effect":"allow"}`), want: []string{"cart: unknown"}},
		"the annotation is no ARN":        {accounts: []bindings.Account{of("cart", "cart")}, roles: rolesOf(t), want: []string{"cart: bad role arn"}},
		"the role is in another account": {
			accounts: []bindings.Account{of("cart", "arn:aws:iam::444455556666:role/cart")}, roles: rolesOf(t),
			want: []string{"cart: unknown (the role is in account 444455556666, the credentials are for 111122223333)"},
		},
		"IAM lists no role": {
			accounts: []bindings.Account{of("cart", cart)}, roles: &bindings.Roles{Issuer: here},
			want: []string{"cart: unknown (IAM lists no role, which leaves open which account that is)"},
		},
		"IAM was not read": {accounts: []bindings.Account{of("cart", cart)}, err: errors.New("no credentials"), want: []string{"cart: unknown (no credentials)"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			provider := func(account, partition string) string {
				return irsa.ProviderARN(partition, account, "https://"+here)
			}
			var got []string
			for _, b := range bindings.Join(test.accounts, provider, test.roles, test.err) {
				line := b.ServiceAccount + ": " + string(b.Status)
				if b.Detail != "" && b.Status != bindings.BadARN && !strings.Contains(b.Detail, "cannot be read") {
					line += " (" + b.Detail + ")"
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the table (-want +got):\n%s", diff)
			}
		})
	}
}
