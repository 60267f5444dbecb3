package role

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

func TestWithdrawLeavesWhatOthersUse(t *testing.T) {
	other := strings.ReplaceAll(statement(t, "system:serviceaccount:shop:web"), "oidc.example.com/blue", "oidc.example.com/green")
	const (
		account = `{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}`
		deny    = `{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"}`
	)
	trusts := func(statements ...string) string {
		return `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ", ") + `]}`
	}
	two := strings.Replace(statement(t, cart), `"`+providerARN+`"`, `["`+providerARN+`", "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/green"]`, 1)
	for name, tc := range map[string]struct {
		trust  string
		id     string
		state  plan.State
		detail string // beginning or end
		left   string // the trust policy, "" where the role is gone
	}{
		"a role of this cluster alone goes": {
			trust: trusts(statement(t, cart), statement(t, "system:serviceaccount:shop:*")), id: "role-delete-ours", state: plan.Applied,
			detail: "arn:aws:iam::111122223333:role/ours",
		},
		"a Deny lets nobody in": {trust: trusts(deny, statement(t, cart)), id: "role-delete-ours", state: plan.Applied, detail: "arn:aws:iam::111122223333:role/ours"},
		"another cluster uses it": {
			trust: trusts(statement(t, cart), other), id: "role-strip-ours", state: plan.Applied,
			detail: "; the role stays: it lets in others besides\narn:aws:iam::111122223333:oidc-provider/oidc.example.com/green", left: trusts(other),
		},
		"an account uses it": {
			trust: trusts(account, statement(t, cart), deny), id: "role-strip-ours", state: plan.Applied,
			detail: "; the role stays: it lets in others besides\narn:aws:iam::111122223333:root", left: trusts(account, deny),
		},
		"a Deny of its tokens lets nobody in, and stays where the role does": {
			trust: trusts(account, strings.Replace(statement(t, cart), `"Allow"`, `"Deny"`, 1), statement(t, cart)), id: "role-strip-ours", state: plan.Applied,
			detail: "; the role stays: it lets in others besides\narn:aws:iam::111122223333:root",
			left:   trusts(account, strings.Replace(statement(t, cart), `"Allow"`, `"Deny"`, 1)),
		},
		"a statement names another provider too": {
			trust: trusts(two), id: "role-strip-ours", state: plan.Done,
			detail: "the role stays: it lets in others besides\narn:aws:iam::111122223333:oidc-provider/oidc.example.com/green", left: trusts(two),
		},
		"a slash may be spelled with an escape": {
			trust: strings.ReplaceAll(trusts(statement(t, cart)), "/", `\/`), id: "role-delete-ours", state: plan.Applied,
			detail: "arn:aws:iam::111122223333:role/ours",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			own(t, server, client, "ours", tc.trust)
			server.Account.AddRole("strange", trusts(statement(t, cart)))
			roles, err := List(t.Context(), client, issuer)
			if err != nil || len(roles) != 1 || roles[0].Name != "ours" {
				t.Fatalf("roles %v, error %v", roles, err)
			}
			outlook, err := run(t, []plan.Step{(&Withdraw{IAM: client, Issuer: issuer, Found: roles[0]}).Step()})
			if err != nil {
				t.Fatal(err)
			}
			if o := outlook[0]; o.Step.ID != tc.id || o.State != tc.state || !strings.HasSuffix(o.Detail, tc.detail) {
				t.Errorf("%s is %s: %s\nwant %s %s: %s", o.Step.ID, o.State, o.Detail, tc.id, tc.state, tc.detail)
			}
			left, err := Get(t.Context(), client, "ours")
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if left != nil {
				text = string(left.Trust)
			}
			if diff := cmp.Diff(tc.left, text); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

// statement is the one that lets a subject in.
func statement(t *testing.T, subject string) string {
	t.Helper()
	policy, err := trustpolicy.Parse([]byte(trusting(t, subject)))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Text(policy.Statements[0].Span)
}

// Of a role that is not ours only the statement that binding wrote is taken, as
// the trust policy stands when it is.
func TestWithdrawFromARoleOfSomebodyElse(t *testing.T) {
	server, client := start(t)
	server.Account.AddRole("theirs", theirs)
	e := ensure(client, Spec{Name: "theirs"}, cart)
	e.Apart, e.Foreign = true, true
	if _, err := run(t, e.Steps()); err != nil {
		t.Fatal(err)
	}
	roles, err := List(t.Context(), client, issuer)
	if err != nil || len(roles) != 1 {
		t.Fatalf("roles %v, error %v", roles, err)
	}
	step := (&Withdraw{IAM: client, Issuer: issuer, Found: roles[0]}).Step()
	outlook, err := plan.Look(t.Context(), []plan.Step{step})
	if err != nil || step.ID != "role-strip-theirs" {
		t.Fatalf("%s: %v", step.ID, err)
	}
	meanwhile := strings.Replace(string(roles[0].Trust), "ec2.amazonaws.com", "lambda.amazonaws.com", 1)
	update(t, client, meanwhile)
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	left, err := Get(t.Context(), client, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := trustpolicy.Parse(left.Trust)
	if err != nil || len(policy.Statements) != 1 || !strings.Contains(string(left.Trust), "lambda.amazonaws.com") {
		t.Errorf("left %s, error %v", left.Trust, err)
	}
}

// A role of somebody else that lets in nobody but ours is theirs to delete.
func TestWithdrawDeletesNoRoleOfSomebodyElse(t *testing.T) {
	marked := strings.Replace(trusting(t, cart), `"Effect"`, `"Sid": "`+sid("oidc.example.com/blue", cart)+`", "Effect"`, 1)
	_, client := start(t)
	step := (&Withdraw{IAM: client, Issuer: issuer, Found: &Role{Name: "theirs", Trust: []byte(marked)}}).Step()
	if step.ID != "role-strip-theirs" {
		t.Errorf("the step is %s", step.ID)
	}
}
