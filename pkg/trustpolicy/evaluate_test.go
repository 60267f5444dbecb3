package trustpolicy_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const (
	issuer   = "oidc.s3.us-east-1.amazonaws.com/clusters/one"
	provider = "arn:aws:iam::111122223333:oidc-provider/" + issuer
	audience = "sts.amazonaws.com"
	subject  = "system:serviceaccount:shop:cart"
)

// The pages that settle the verdicts.
const (
	guide      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
	grammar    = guide + "reference_policies_grammar.html"
	operators  = guide + "reference_policies_elements_condition_operators.html"
	logic      = guide + "reference_policies_condition-logic-multiple-context-keys-or-values.html"
	sets       = guide + "reference_policies_condition-single-vs-multi-valued-context-keys.html" // Set operators for multivalued context keys
	conditions = guide + "reference_policies_elements_condition.html"
	variables  = guide + "reference_policies_variables.html"
	versions   = guide + "reference_policies_elements_version.html"
	actions    = guide + "reference_policies_elements_action.html"
	notActions = guide + "reference_policies_elements_notaction.html"
	principals = guide + "reference_policies_elements_principal.html"
	notPrin    = guide + "reference_policies_elements_notprincipal.html"
	denyAllow  = guide + "reference_policies_evaluation-logic_policy-eval-denyallow.html"
	wifKeys    = guide + "reference_policies_iam-condition-keys.html#condition-keys-wif"
	checks     = guide + "access-analyzer-reference-policy-checks.html"
	tagSession = guide + "id_session-tags.html#id_session-tags_permissions-required"
	trustRoles = guide + "id_roles_create_for-idp_oidc.html"
)

// words stand for what every policy of the tables repeats.
var words = strings.NewReplacer(
	"%provider", provider, "%issuer", issuer, "%aud", issuer+":aud", "%sub", issuer+":sub",
	"%web", trustpolicy.ActionWebIdentity, "%sts", audience, "%cart", subject)

// doc is a policy of the current version with these statements.
func doc(statements ...string) string {
	return words.Replace(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

// old is a policy without a Version.
func old(statements ...string) string {
	return words.Replace(`{"Statement":[` + strings.Join(statements, ",") + `]}`)
}

// allow is a statement for the provider with a condition.
func allow(condition string) string {
	return `{"Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"%web","Condition":{` + condition + `}}`
}

func deny(condition string) string {
	return `{"Effect":"Deny","Principal":{"Federated":"%provider"},"Action":"%web","Condition":{` + condition + `}}`
}

// who is an Allow statement with this principal element and no condition.
func who(principal string) string {
	return `{"Effect":"Allow",` + principal + `,"Action":"%web"}`
}

// what is an Allow statement with this action element and no condition.
func what(action string) string {
	return `{"Effect":"Allow","Principal":{"Federated":"%provider"},` + action + `}`
}

const open = `{"Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"%web"}`

type verdict struct {
	policy    string
	action    string
	principal string
	with      map[string][]string
	absent    []string
	want      trustpolicy.Decision
	rule      string // the page and section that settles it
}

const (
	yes     = trustpolicy.Allowed
	no      = trustpolicy.ImplicitDeny
	denied  = trustpolicy.ExplicitDeny
	unknown = trustpolicy.Undecided
)

func (v verdict) request() trustpolicy.Request {
	r := trustpolicy.WebIdentity(provider, audience, subject)
	maps.Copy(r.Context, v.with)
	r.Absent = v.absent
	if v.action != "" {
		r.Action = v.action
	}
	if v.principal != "" {
		r.Principal = v.principal
	}
	return r
}

// verdicts are all tables in one.
func verdicts(t *testing.T) map[string]verdict {
	t.Helper()
	all := map[string]verdict{}
	for _, table := range []map[string]verdict{stringVerdicts, setVerdicts, otherOperatorVerdicts, variableVerdicts, principalVerdicts, actionVerdicts, effectVerdicts, keyVerdicts, edgeVerdicts} {
		for name, v := range table {
			if _, twice := all[name]; twice {
				t.Fatalf("two verdicts are called %q", name)
			}
			all[name] = v
		}
	}
	if len(all) < 80 {
		t.Fatalf("%d verdicts, want at least 80", len(all))
	}
	return all
}

func TestVerdicts(t *testing.T) {
	for name, tc := range verdicts(t) {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(tc.rule, guide) {
				t.Errorf("no page of IAM's documentation settles this verdict: %q", tc.rule)
			}
			p, err := trustpolicy.Parse([]byte(tc.policy))
			if err != nil {
				t.Fatal(err)
			}
			e := trustpolicy.Evaluate(p, tc.request())
			if diff := cmp.Diff(tc.want.String(), e.Decision.String()); diff != "" {
				t.Errorf("decision (-want +got):\n%s\npolicy: %s\n%s", diff, tc.policy, reasons(e))
			}
			// Rendering anew must not change what a policy says.
			again, err := trustpolicy.Parse(p.Render())
			if err != nil {
				t.Fatal(err)
			}
			if got := trustpolicy.Evaluate(again, tc.request()).Decision; got != tc.want {
				t.Errorf("the rendered policy is judged %s, want %s", got, tc.want)
			}
		})
	}
}

func reasons(e *trustpolicy.Evaluation) string {
	var b strings.Builder
	for _, s := range e.Statements {
		b.WriteString(string(s.Effect) + ": " + s.Result.String() + "\n")
		for i := range s.Checks {
			b.WriteString("  " + s.Checks[i].Result.String() + ": " + s.Checks[i].Reason() + "\n")
		}
	}
	return b.String()
}
