package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func TestEveryAnnotatedServiceAccountIsHeldAgainstItsRole(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:role/"
	for name, tc := range map[string]struct {
		annotated string // the role that shop/cart names
		trusted   string // the ServiceAccount that role cart trusts
		err       error
		want      Result
	}{
		"it is trusted": {arn + "cart", "cart", nil, Result{Status: check.Pass, Detail: "1 ServiceAccount"}},
		"a slip in the trust policy": {arn + "cart", "card", nil, Result{
			Status: check.Fail, Cause: "ROLE1", Fix: []string{"kubectl irsa inspect sa cart -n shop"},
		}},
		"a role that is not there": {arn + "crat", "cart", nil, Result{
			Status: check.Fail, Cause: "ROLE8", Fix: []string{"kubectl irsa inspect sa cart -n shop"},
		}},
		"another account's":      {"arn:aws:iam::999988887777:role/cart", "cart", nil, Result{Status: check.Unknown, Fix: []string{"kubectl irsa inspect sa cart -n shop"}}},
		"nobody may list roles":  {arn + "cart", "cart", said("AccessDenied", ""), Result{Status: check.Unknown, Detail: "these AWS credentials lack the permission iam:ListRoles"}},
		"nobody names any role":  {"", "cart", nil, Result{Status: check.Skip, Detail: "no ServiceAccount names a role"}},
		"what is no ARN is left": {"cart", "cart", nil, Result{Status: check.Pass, Detail: "0 ServiceAccounts"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			trust := awstest.TrustPolicy(f.Provider.Value.ARN, irsa.DefaultAudience, "system:serviceaccount:shop:"+tc.trusted)
			s := Survey{Facts: f, AllRoles: Known[[]Role]{Value: []Role{{ARN: arn + "cart", Trust: trust}}, Err: tc.err}}
			s.Sweep.Accounts.Value.Annotated = map[Named]SweptAnnotations{}
			if tc.annotated != "" {
				s.Sweep.Accounts.Value.Annotated[Named{"shop", "cart"}] = SweptAnnotations{Role: tc.annotated}
			}
			got := bindingsHold(s)
			if tc.want.Detail == "" {
				got.Detail = "" // in the words of inspect
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyThatOnlyTheAPIServerHasIsMissed(t *testing.T) {
	f := healthy(t)
	if r := keysPublished(f); r.Status != check.Pass {
		t.Errorf("all are published: %s %s", r.Status, r.Detail)
	}
	other := healthy(t)
	f.LiveKeys.Value = oidc.KeySet{Keys: append(other.LiveKeys.Value.Keys, f.LiveKeys.Value.Keys...)}
	if r := keysPublished(f); r.Status != check.Fail || r.Cause != "PUB7" {
		t.Errorf("one is not: %s %s %s", r.Status, r.Cause, r.Detail)
	}
}

func TestAKeyThatBeatsARoleCountsWhereThereIsARole(t *testing.T) {
	s := Survey{}
	s.Sweep.Pods.Value.rival = []rival{{of: Named{"shop", "cart"}, text: "shop/web: container app has AWS_ACCESS_KEY_ID"}}
	if r := podsNoKeys(s); r.Status != check.Pass {
		t.Errorf("nobody names a role: %s", r.Status)
	}
	s.Sweep.Accounts.Value.Annotated = map[Named]SweptAnnotations{{"shop", "cart"}: {}}
	if r := podsNoKeys(s); r.Status != check.Fail || r.Cause != "POD4" {
		t.Errorf("its ServiceAccount names one: %s %s", r.Status, r.Cause)
	}
}

func TestAForgottenServiceAccountIsAskedFor(t *testing.T) {
	f := healthy(t)
	f.ServiceAccount, f.RoleText, f.Role.Err = "default", "", ErrNeedsRole
	f.Workload = &Workload{Kind: "Deployment", Name: "web"}
	f.Annotated.Value = []string{"cart", "till"}
	r := finding(t, f, "role-annotated")
	if diff := cmp.Diff([]string{"kubectl set serviceaccount deployment web cart", "kubectl set serviceaccount deployment web till"}, r.Fix); diff != "" || !r.AnyOf {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.Annotated.Value = nil
	if diff := cmp.Diff([]string{"kubectl irsa bind default"}, finding(t, f, "role-annotated").Fix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
