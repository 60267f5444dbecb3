package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const linkRole = "role"

func roleChecks() []Check {
	return []Check{
		{ID: "role-exists", Link: linkRole, Title: "the role exists", Needs: []string{"role-arn-valid"}, Run: roleExists},
		{ID: "trust-policy-valid", Link: linkRole, Title: "its trust policy can be read", Needs: []string{"role-exists"}, Run: trustPolicyValid},
		{ID: "role-trusts", Link: linkRole, Title: "it trusts this ServiceAccount", Needs: []string{"issuer-public", "trust-policy-valid"}, Run: roleTrusts},
		{ID: "trust-narrow", Link: linkRole, Title: "it trusts nobody by accident", Needs: []string{"trust-policy-valid"}, Aside: true, Run: trustNarrow},
		{ID: "trust-size", Link: linkRole, Title: "its trust policy has room to grow", Needs: []string{"trust-policy-valid"}, Aside: true, Run: trustSize},
		{ID: "session-duration", Link: linkRole, Title: "it allows sessions that long", Needs: []string{"role-exists"}, Run: sessionDuration},
		{ID: "role-permits", Link: linkRole, Title: "it may do something", Needs: []string{"role-exists"}, Aside: true, Run: rolePermits},
	}
}

func roleExists(f Facts) Result {
	switch {
	case f.IAMRole.Err == nil && f.IAMRole.Value.ARN == f.Role.Value.String():
		return pass("%s", f.IAMRole.Value.ARN)
	case f.IAMRole.Err == nil:
		what := "the role of that name has another path"
		if strings.EqualFold(f.IAMRole.Value.ARN, f.Role.Value.String()) {
			what = "IAM writes the role's name in another case, and STS takes it as IAM writes it"
		}
		r := compared(fail("ROLE8", "%s", what), check.Compare("IAM", f.IAMRole.Value.ARN, "used", f.Role.Value.String()))
		return fixed(r, f.useRole(f.IAMRole.Value.ARN))
	case f.accepted():
		return pass(provedBySTS)
	case missing(f.IAMRole.Err):
		return f.noRole()
	}
	return withheld("iam:GetRole", f.IAMRole.Err)
}

// noRole says that the role is not there, and which may be meant in its place.
func (f Facts) noRole() Result {
	r := fail("ROLE8", "account %s has no role %s; to STS that is AccessDenied", f.Role.Value.Account, f.Role.Value.Name)
	if meant := f.meant(f.Role.Value.Name); len(meant) > 0 && !f.RoleFromPod {
		r.Detail += "\n" + meant[0].about()
		r.Compare = check.Compare("IAM", meant[0].arn, "used", f.RoleText)
		for _, m := range meant {
			r.Fix = append(r.Fix, f.useRole(m.arn))
		}
	}
	return either(r, f.createRole())
}

// createRole is the command that makes the role that is missing.
func (f Facts) createRole() string {
	more := ""
	if f.Role.Value.Path != "/" {
		more += " --path " + f.Role.Value.Path
	}
	if f.WantedAudience != irsa.DefaultAudience {
		more += " --audience " + shell.Word(f.WantedAudience)
	}
	return f.buildHere("role create %s --sa %s%s", f.Role.Value.Name, f.ServiceAccount, more)
}

// trustFact is the role's trust policy, parsed.
func (f Facts) trustFact() (*trustpolicy.Policy, error) {
	if f.IAMRole.Err != nil {
		return nil, f.IAMRole.Err
	}
	return trustpolicy.Parse([]byte(f.IAMRole.Value.Trust))
}

func trustPolicyValid(f Facts) Result {
	if f.IAMRole.Err != nil {
		if f.accepted() {
			return pass(provedBySTS)
		}
		return withheld("iam:GetRole", f.IAMRole.Err)
	}
	if _, err := f.trustFact(); err != nil {
		return fixed(fail("ROLE6", "%v", err), f.build("role get %s", f.Role.Value.Name))
	}
	return pass("")
}

func roleTrusts(f Facts) Result {
	policy, err := f.trustFact()
	switch {
	case err != nil && f.accepted():
		return pass(provedBySTS)
	case err != nil:
		return withheld("iam:GetRole", err)
	case f.Issuer == "":
		return unknown("%v", ErrNeedsToken)
	}
	subject := irsa.Subject(f.Namespace, f.ServiceAccount)
	e := f.evaluate(policy, f.WantedAudience)
	switch e.Decision {
	case trustpolicy.Allowed:
		return pass("%s", subject)
	case trustpolicy.Undecided:
		if f.accepted() {
			return pass("it hangs on what only AWS knows; STS accepted the token")
		}
		return unknown("%s", strings.Join(hanging(e), "\n"))
	case trustpolicy.ExplicitDeny:
		blocker, _ := e.Blocker()
		r := fail("ROLE17", "%s denies it", statementName(blocker.Index, blocker.Sid))
		for i := range blocker.Checks {
			if c := &blocker.Checks[i]; c.Kind == trustpolicy.KeyCheck {
				r.Detail += "\n" + c.Reason()
			}
		}
		return fixed(r, f.build("role get %s", f.Role.Value.Name))
	}
	if meant := f.meantIssuer(); meant != "" && f.trusts(policy, meant) {
		return f.otherIssuer(fail("ROLE3", "it trusts the issuer that is published"), meant)
	}
	if meant := f.meantAudience(); meant != "" {
		r := f.otherAudience(fail("ROLE2", "it trusts it with the audience %s", meant), meant)
		r.Compare = nil // shown where the audience was looked for
		return r
	}
	return f.nearMiss(e, policy, subject)
}

// evaluate is what a trust policy says of this ServiceAccount's tokens.
func (f Facts) evaluate(policy *trustpolicy.Policy, audience string) *trustpolicy.Evaluation {
	return trustpolicy.Evaluate(policy, trustpolicy.WebIdentity(ProviderARN(f.Role.Value, f.Issuer), audience, irsa.Subject(f.Namespace, f.ServiceAccount)))
}

// hanging says, for each statement that cannot be judged here, what it hangs on.
func hanging(e *trustpolicy.Evaluation) (all []string) {
	for i := range e.Statements {
		t := &e.Statements[i]
		var open []string
		for j := range t.Checks {
			if c := &t.Checks[j]; c.Result == trustpolicy.Unknown && c.Kind == trustpolicy.KeyCheck {
				open = append(open, c.Operator().String()+" of "+c.Key)
			}
		}
		what := "lets it in"
		if t.Effect == trustpolicy.Deny {
			what = "keeps it out"
		}
		switch {
		case t.Result != trustpolicy.Unknown:
		case len(open) > 0:
			all = append(all, fmt.Sprintf("%s %s where %s holds, which only AWS can judge", statementName(t.Index, t.Sid), what, list(open)))
		default:
			all = append(all, fmt.Sprintf("whether %s %s only AWS can judge", statementName(t.Index, t.Sid), what))
		}
	}
	return all
}

func statementName(index int, sid string) string {
	if sid != "" {
		return fmt.Sprintf("statement %d (%s)", index+1, sid)
	}
	return fmt.Sprintf("statement %d", index+1)
}

// nearMiss says which statement came closest, and what is wrong with it.
func (f Facts) nearMiss(e *trustpolicy.Evaluation, policy *trustpolicy.Policy, subject string) Result {
	miss, found := e.NearestMiss()
	if !found || miss.Check == nil {
		return fixed(fail("ROLE6", "no statement lets a web identity in"), f.trustAdd())
	}
	cause := causeOf(miss.Check, f.Issuer, subject)
	r := fail(cause, "%s %s", statementName(miss.Statement, miss.Sid), amiss(miss.Check, f.Issuer))
	for _, other := range miss.Others {
		if said := amiss(other, f.Issuer); !strings.Contains(r.Detail, said) { // the other claim of the same stranger
			r.Detail += "\n" + statementName(miss.Statement, miss.Sid) + " " + said
			if _, compares := other.Difference(); compares {
				r.Detail += ": " + few(other.Expected(), 2)
			}
		}
	}
	if cause == "ROLE4" {
		r.Detail += "\nStringEquals takes * and ? as they are; only StringLike takes them for any characters"
	}
	if d := miss.Difference; d != nil {
		r.Compare = &check.Comparison{
			ExpectedLabel: "policy", Expected: d.Expected, ExpectedColumn: d.ExpectedColumn,
			ActualLabel: presented(miss.Check), Actual: d.Actual, ActualColumn: d.ActualColumn,
		}
	}
	if key := foreignKey(miss.Check, f.Issuer); key != "" {
		r.Compare = check.Compare("issuer's", hostPath(f.Issuer)+":"+trustpolicy.MeantClaim(claim(key)), "policy", key)
	}
	return fixed(r, f.mendTrust(policy, miss, cause).lines...)
}

// amiss says what a check that does not match asks for, as what a statement does.
// The strings themselves are shown where the first one differs.
func amiss(c *trustpolicy.Check, issuer string) string {
	_, compares := c.Difference()
	claims := map[string]string{"aud": "audience", "sub": "subject"}[claim(c.Key)]
	switch expected := c.Expected(); {
	case foreignKey(c, issuer) != "" && trustpolicy.MeantClaim(claim(c.Key)) != claim(c.Key):
		return "asks for a claim that no token has"
	case foreignKey(c, issuer) != "":
		return "asks for claims that only tokens of another issuer have"
	case c.Kind == trustpolicy.PrincipalCheck && compares:
		return "trusts another provider"
	case c.Kind == trustpolicy.KeyCheck && compares && claims != "" && len(expected) == 1:
		return "asks for another " + claims
	case c.Kind == trustpolicy.KeyCheck && compares && claims != "":
		return fmt.Sprintf("asks for one of %d %ss, and this is none", len(expected), claims)
	}
	return "does not match: " + c.Reason()
}

// presented is who brings the other string of a comparison.
func presented(c *trustpolicy.Check) string {
	if c.Kind == trustpolicy.KeyCheck {
		return "token"
	}
	return "needed"
}

// causeOf maps a check that did not match to the catalogue.
func causeOf(c *trustpolicy.Check, issuer, subject string) string {
	if c.Kind != trustpolicy.KeyCheck {
		return "ROLE6"
	}
	switch {
	case foreignKey(c, issuer) != "":
		return "ROLE3"
	case claim(c.Key) == "aud":
		return "ROLE2"
	case claim(c.Key) == "sub" && !c.Operator().Wildcards():
		for _, value := range c.Expected() {
			if strings.ContainsAny(value, "*?") {
				if _, differs := trustpolicy.FirstMismatch(value, subject); !differs {
					return "ROLE4"
				}
			}
		}
	}
	return "ROLE1"
}

// foreignKey is the key of a check where it is a claim of another issuer, or a
// slip of a claim.
func foreignKey(c *trustpolicy.Check, issuer string) string {
	name := trustpolicy.MeantClaim(claim(c.Key))
	if c.Kind != trustpolicy.KeyCheck || name != "aud" && name != "sub" || strings.EqualFold(c.Key, hostPath(issuer)+":"+name) {
		return ""
	}
	return c.Key
}

// claim is what follows the last colon of a condition key.
func claim(key string) string { return strings.ToLower(key[strings.LastIndex(key, ":")+1:]) }

// nearQuota is the part of the quota beyond which one more subject may not fit.
const nearQuota = trustpolicy.QuotaSize * 9 / 10

func trustSize(f Facts) Result {
	if f.IAMRole.Err != nil {
		return withheld("iam:GetRole", f.IAMRole.Err)
	}
	if n := trustpolicy.Size([]byte(f.IAMRole.Value.Trust)); n > nearQuota {
		return warn("ROLE12", "it has %d characters; the quota is %d unless it was raised (to %d at most)", n, trustpolicy.QuotaSize, trustpolicy.QuotaSizeMax)
	}
	return pass("%d of %d characters", trustpolicy.Size([]byte(f.IAMRole.Value.Trust)), trustpolicy.QuotaSize)
}

func sessionDuration(f Facts) Result {
	asked := f.Duration
	if asked == 0 {
		asked = time.Hour
	}
	role := f.Role.Value.Name
	switch {
	case f.IAMRole.Err == nil && f.IAMRole.Value.MaxSession > 0 && asked > f.IAMRole.Value.MaxSession:
		r := fail("ROLE10", "%s was asked for, the role allows %s", asked, f.IAMRole.Value.MaxSession)
		return fixed(r, fmt.Sprintf("aws iam update-role --role-name %s --max-session-duration %d%s", role, int(asked.Seconds()), f.Paste.CLI))
	case f.IAMRole.Err == nil:
		return pass("up to %s", f.IAMRole.Value.MaxSession)
	case strings.Contains(f.refusal(), "maxsessionduration"):
		return fixed(fail("ROLE10", "STS says: %v", brief(f.STS.Err)),
			fmt.Sprintf("aws iam update-role --role-name %s --max-session-duration %d%s", role, int(asked.Seconds()), f.Paste.CLI))
	case f.accepted():
		return pass(provedBySTS)
	}
	return withheld("iam:GetRole", f.IAMRole.Err)
}

func rolePermits(f Facts) Result {
	switch {
	case f.Policies.Err != nil:
		return withheld("iam:ListRolePolicies and iam:ListAttachedRolePolicies", f.Policies.Err)
	case f.Policies.Value == 0:
		return fixed(warn("ROLE19", "it has no policy: its sessions may do nothing; attach one, or write one with aws iam put-role-policy"),
			"aws iam attach-role-policy --role-name "+f.Role.Value.Name+" --policy-arn POLICY_ARN"+f.Paste.CLI)
	case f.IAMRole.Err == nil && f.IAMRole.Value.Boundary != "":
		return pass("%s, within the boundary %s", counted(f.Policies.Value, "policy"), f.IAMRole.Value.Boundary)
	}
	return pass("%s", counted(f.Policies.Value, "policy"))
}
