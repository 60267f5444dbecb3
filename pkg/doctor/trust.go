package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// mended is what lets this ServiceAccount in: lines to paste, and the trust
// policy as they leave it.
type mended struct {
	lines []string
	after *trustpolicy.Policy
}

// mendTrust takes away the slip that it mends: what is left of it would go on
// trusting a name that was never meant, or stay behind as a statement that
// lets nobody in.
func (f Facts) mendTrust(policy *trustpolicy.Policy, miss trustpolicy.Miss, cause string) mended {
	if miss.InPlace && cause != "ROLE1" && cause != "ROLE4" {
		if after, err := applied(policy, miss.Patch); err == nil {
			return mended{[]string{f.updateTrust(after)}, after}
		}
	}
	m := mended{[]string{f.trustAdd()}, policy}
	provider := ProviderARN(f.Role.Value, f.Issuer)
	add, err := trustpolicy.Add(policy, trustpolicy.Trust{
		Provider: provider, Audience: f.WantedAudience, Subject: irsa.Subject(f.Namespace, f.ServiceAccount),
	})
	if err != nil {
		return m
	}
	if m.after, err = applied(policy, add); err != nil || miss.Difference == nil {
		return mended{m.lines, policy}
	}
	slip, remove := miss.Difference.Expected, ""
	named, subject := named(slip)
	switch {
	case cause == "ROLE4":
		remove = f.trustRemovePattern(slip)
	case cause == "ROLE1" && subject && slices.Contains(f.unmade(), named):
		remove = f.trustRemove(named)
	case cause == "ROLE1" && !subject && !strings.ContainsAny(slip, "*?$"):
		// Nobody is called so, and no line of ours takes such a name.
	default:
		return m
	}
	cut, err := trustpolicy.RemoveSubject(m.after, provider, slip)
	if err != nil || cut.Empty() {
		return m
	}
	after, err := applied(m.after, cut)
	switch {
	case err != nil:
		return m
	case remove == "":
		return mended{[]string{f.updateTrust(after)}, after}
	}
	return mended{append(m.lines, remove), after}
}

func applied(policy *trustpolicy.Policy, patch trustpolicy.Patch) (*trustpolicy.Policy, error) {
	text, err := patch.Apply(policy.Source())
	if err != nil {
		return nil, err
	}
	return trustpolicy.Parse(text)
}

// afterMend is the trust policy as it will be when role-trusts is mended, so
// that no slip is told twice.
func (f Facts) afterMend(policy *trustpolicy.Policy) *trustpolicy.Policy {
	if f.ServiceAccount == "" || f.Issuer == "" || !publicIssuer(f) {
		return policy
	}
	subject := irsa.Subject(f.Namespace, f.ServiceAccount)
	miss, found := f.evaluate(policy, f.WantedAudience).NearestMiss()
	if !found || miss.Check == nil {
		return policy
	}
	return f.mendTrust(policy, miss, causeOf(miss.Check, f.Issuer, subject)).after
}

func publicIssuer(f Facts) bool { return issuerPublic(f).Status == check.Pass }

// trustNarrow reports what the policy says to anybody: too wide a trust is a
// failure; a slip in somebody else's statement, or a ServiceAccount that is not
// there, a warning.
func trustNarrow(f Facts) Result {
	policy, err := f.trustFact()
	if err != nil {
		return withheld("iam:GetRole", err)
	}
	policy = f.afterMend(policy)
	options := f.lintOptions()
	worst := Result{Status: check.Pass}
	var details []string
	found := func(status check.Status, cause, detail string) {
		if worst.Status == check.Pass || status == check.Fail && worst.Status == check.Warn {
			worst.Status, worst.Cause = status, cause
		}
		details = append(details, detail)
	}
	for _, finding := range trustpolicy.Lint(policy, options) {
		switch {
		case finding.Code == "ROLE12": // trust-size says so
		case finding.Severity == trustpolicy.Fail && tooWide(finding):
			found(check.Fail, finding.Code, statementName(finding.Statement, finding.Sid)+": "+finding.Detail)
		default:
			found(check.Warn, finding.Code, statementName(finding.Statement, finding.Sid)+": "+finding.Detail)
		}
	}
	if named := f.stillNamed(policy); len(named) > 0 {
		found(check.Warn, "ROLE18", unmadeNames(named))
	}
	if worst.Status == check.Pass {
		return worst
	}
	worst.Detail = strings.Join(details, "\n")
	return fixed(worst, f.narrower(policy, options)...)
}

func (f Facts) lintOptions() trustpolicy.LintOptions {
	options := trustpolicy.LintOptions{Audience: f.WantedAudience}
	if f.Issuer != "" {
		options.Provider = ProviderARN(f.Role.Value, f.Issuer)
	}
	if f.ServiceAccount != "" {
		options.Subject = irsa.Subject(f.Namespace, f.ServiceAccount)
	}
	return options
}

// unmadeNames says what is wrong with trusting ServiceAccounts that are not there.
func unmadeNames(named []Named) string {
	var names []string
	for _, n := range named {
		names = append(names, n.Namespace+"/"+n.Name)
	}
	if len(names) == 1 {
		return names[0] + " is trusted, and the cluster has no such ServiceAccount: whoever may create it becomes the role"
	}
	return few(names, 5) + " are trusted, and the cluster has no such ServiceAccounts: whoever may create them becomes the role"
}

// unmade are the ServiceAccounts that the trust policy names and nobody has made;
// none where another cluster may have them: one that signs with keys which are
// published beside the API server's own.
func (f Facts) unmade() []Named {
	if f.Keys.Err == nil && f.LiveKeys.Err == nil && len(f.Keys.Value.Parsed.Without(f.LiveKeys.Value).Keys) > 0 {
		return nil
	}
	return f.Absent.Value
}

// stillNamed are the ServiceAccounts that a policy names and nobody has made.
func (f Facts) stillNamed(policy *trustpolicy.Policy) []Named {
	named := namedIn(policy, ProviderARN(f.Role.Value, f.Issuer))
	return slices.DeleteFunc(slices.Clone(f.unmade()), func(n Named) bool { return !slices.Contains(named, n) })
}

// mostRemoved is how many removals are printed at most.
const mostRemoved = 3

// narrower are the lines that take away what lets in who was not meant, and
// what was meant as a pattern and is none. Whatever lets nobody in is left to
// its author.
func (f Facts) narrower(policy *trustpolicy.Policy, options trustpolicy.LintOptions) []string {
	var lines []string
	if narrowed := f.narrowed(policy, options); narrowed != nil {
		lines, policy = append(lines, f.updateTrust(narrowed)), narrowed
	}
	remove := func(subject, line string) {
		cut, err := trustpolicy.RemoveSubject(policy, options.Provider, subject)
		if err != nil || cut.Empty() || len(lines) == mostRemoved {
			return // a role that would trust nobody is for its owner to delete
		}
		if after, err := applied(policy, cut); err == nil {
			lines, policy = append(lines, line), after
		}
	}
	for _, grant := range trustpolicy.Grants(policy) {
		for _, s := range grant.Subjects {
			if grant.Provider == options.Provider && !s.Pattern && strings.ContainsAny(s.Text, "*?") {
				remove(s.Text, f.trustRemovePattern(s.Text))
			}
		}
	}
	for _, n := range f.stillNamed(policy) {
		remove(n.subject(), f.trustRemove(n))
	}
	if len(lines) == 0 || isTooWide(policy, options) {
		lines = append(lines, f.build("role get %s", f.Role.Value.Name))
	}
	return lines
}

// narrowed is the policy without what makes it too wide, nil where nothing does
// or only a person can tell what was meant. What a statement about somebody else
// was meant for, or about them together with this provider, is theirs to say: a
// condition on this ServiceAccount would lock them out.
func (f Facts) narrowed(policy *trustpolicy.Policy, options trustpolicy.LintOptions) *trustpolicy.Policy {
	var narrowed *trustpolicy.Policy
	for range len(policy.Statements) * 8 {
		found := trustpolicy.Lint(policy, options)
		wide := slices.IndexFunc(found, func(x trustpolicy.Finding) bool {
			return mayNarrow(x) && x.Statement >= 0 && namesAlone(policy.Statements[x.Statement].Principal, options.Provider)
		})
		if wide < 0 {
			break
		}
		after, err := applied(policy, found[wide].Patch)
		if err != nil {
			return nil
		}
		policy, narrowed = after, after
	}
	return narrowed
}

// namesAlone reports whether a statement is about a provider and nobody else.
func namesAlone(p trustpolicy.Principal, provider string) bool {
	return !p.Any && !p.Not && len(p.Groups) == 1 && p.Groups[0].Type == "Federated" &&
		len(p.Groups[0].Values) == 1 && p.Groups[0].Values[0].Text == provider
}

func isTooWide(policy *trustpolicy.Policy, options trustpolicy.LintOptions) bool {
	return slices.ContainsFunc(trustpolicy.Lint(policy, options), func(x trustpolicy.Finding) bool {
		return x.Severity == trustpolicy.Fail && tooWide(x)
	})
}

func tooWide(finding trustpolicy.Finding) bool {
	return finding.Code == "ROLE5" || finding.Code == "ROLE7"
}

// mayNarrow reports whether a finding has a patch that lets nobody in who was
// kept out: an audience or a subject that is asked for besides, an operator
// that an absent key does not satisfy.
func mayNarrow(finding trustpolicy.Finding) bool {
	return !finding.Patch.Empty() && (tooWide(finding) || finding.Code == "ROLE2" && finding.Severity == trustpolicy.Warn)
}

// updateTrust is the command that gives the role another trust policy.
func (f Facts) updateTrust(policy *trustpolicy.Policy) string {
	return fmt.Sprintf("aws iam update-assume-role-policy --role-name %s --policy-document %s%s",
		f.Role.Value.Name, shell.Word(string(policy.Render())), f.Paste.CLI)
}

// trustAdd is the command that lets this ServiceAccount in.
func (f Facts) trustAdd() string {
	audience := ""
	if f.WantedAudience != irsa.DefaultAudience {
		audience = " --audience " + shell.Word(f.WantedAudience)
	}
	return f.buildHere("role trust add %s --sa %s%s", f.Role.Value.Name, f.ServiceAccount, audience)
}

// trustRemove is the command that no longer lets a ServiceAccount in.
func (f Facts) trustRemove(n Named) string {
	return f.buildIn(n.Namespace, "role trust remove %s --sa %s", f.Role.Value.Name, n.Name)
}

func (f Facts) trustRemovePattern(subject string) string {
	return f.build("role trust remove %s --subject-pattern %s", f.Role.Value.Name, shell.Word(subject))
}
