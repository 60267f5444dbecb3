package generate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
)

// names are those of the objects of a manifest.
func names(t *testing.T, r generate.RBAC) (found []string) {
	t.Helper()
	text, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if name, is := strings.CutPrefix(line, "  name: "); is && !strings.Contains(line, "roleRef") {
			found = append(found, name)
		}
	}
	return found
}

const reading = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: login
  namespace: shop
rules:
- apiGroups:
  - ""
  resourceNames:
  - cart
  resources:
  - serviceaccounts/token
  verbs:
  - create
`

func TestARoleGrantsNoMoreThanALoginNeeds(t *testing.T) {
	one := generate.RBAC{Name: "login", Namespace: "shop", ServiceAccounts: []string{"cart"}, TokenOnly: true}
	bound := one
	bound.Accounts = [][2]string{{"ci", "runner"}}
	account := one
	account.TokenOnly = false
	for name, tc := range map[string]struct {
		rbac generate.RBAC
		want string
	}{
		"the token alone, bound to nobody": {one, reading},
		"the account too":                  {account, reading + "- apiGroups:\n  - \"\"\n  resourceNames:\n  - cart\n  resources:\n  - serviceaccounts\n  verbs:\n  - get\n"},
		"bound to a ServiceAccount": {bound, reading + `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: login
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: login
subjects:
- kind: ServiceAccount
  name: runner
  namespace: ci
`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.rbac.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A second manifest that is applied changes nothing of the first: whoever is bound to
// a Role would get what another was meant to.
func TestRolesForDifferentAccountsHaveDifferentNames(t *testing.T) {
	long := strings.Repeat("x", 245)
	seen := map[string]string{}
	for name, accounts := range map[string][]string{
		"one": {"a"}, "another": {"b"}, "both": {"a", "b"}, "one whose name is like both": {"a-b"}, "all": nil,
		"one with a long name": {long}, "another with a long name": {long + "-y"}, "a third": {long + "-z"},
	} {
		role := names(t, generate.RBAC{Namespace: "shop", ServiceAccounts: accounts})[0]
		if other, taken := seen[role]; taken {
			t.Errorf("%s and %s have the Role %s", name, other, role)
		}
		if len(role) > 253 {
			t.Errorf("%s: a name of %d characters", name, len(role))
		}
		seen[role] = name
	}
}
