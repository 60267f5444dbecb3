package trustpolicy

import (
	"fmt"
	"strings"
)

// Severity says whether a finding is an error or a risk.
type Severity string

// A Fail breaks the trust or opens it too far; a Warn deserves a look.
const (
	Fail Severity = "fail"
	Warn Severity = "warn"
)

// A Finding is what is wrong with a policy whoever asks.
type Finding struct {
	// Code is the cause: ROLE2 the audience, ROLE3 a condition key of another
	// issuer, ROLE4 wildcards without StringLike, ROLE5 a condition that an
	// absent key satisfies, ROLE6 the principal or the action, ROLE7 the
	// subject, ROLE12 the size, SA2 the provider of another account. Empty for
	// what none of these covers.
	Code      string
	Severity  Severity
	Statement int // its index; -1 for the whole policy
	Sid       string
	Position  Position
	Detail    string
	Patch     Patch // mends this finding alone; empty when only a person can tell how
}

// LintOptions is what the policy is meant for. What is empty is not looked at.
type LintOptions struct {
	Provider string // the ARN of the provider it should trust
	Audience string // the audience of the tokens; irsa.DefaultAudience for most
	Subject  string // the subject to name where a statement names none
}

// maxFindings bounds the answer: a document with more mistakes has one that
// explains the others.
const maxFindings = 200

// Lint looks for the mistakes that can be seen without a request, in the order
// of the document. Statements about other kinds of principals than web
// identities are left alone, unless they let one in. At most 200 are reported.
func Lint(p *Policy, o LintOptions) []Finding {
	l := &linter{policy: p, options: o}
	if size := Size([]byte(p.source)); size > QuotaSize {
		l.statement = nil
		severity := Warn
		if size > QuotaSizeMax {
			severity = Fail
		}
		l.report("ROLE12", severity, p.object, Patch{}, "the policy has %d characters: the quota is %d and can be raised to %d", size, QuotaSize, QuotaSizeMax)
	}
	for i := range p.Statements {
		if l.statement = &p.Statements[i]; len(l.findings) < maxFindings {
			l.check()
		}
	}
	return l.findings
}

type linter struct {
	policy    *Policy
	options   LintOptions
	statement *Statement
	findings  []Finding
	questions int // that were put to the evaluator
}

func (l *linter) report(code string, s Severity, at Span, patch Patch, format string, args ...any) {
	if len(l.findings) == maxFindings {
		return
	}
	f := Finding{
		Code: code, Severity: s, Statement: -1,
		Position: l.policy.Position(at.Start),
		Detail:   fmt.Sprintf(format, args...), Patch: patch,
	}
	if l.statement != nil {
		f.Statement, f.Sid = l.statement.Index, l.statement.Sid
	}
	l.findings = append(l.findings, f)
}

// check judges an Allow statement: one that denies too little is beyond what
// can be told, and one that denies too much shows in the evaluation.
func (l *linter) check() {
	st := l.statement
	if st.Principal.Not {
		l.report("ROLE6", Fail, st.Principal.Span, Patch{}, "NotPrincipal is not for trust policies, and not supported with Allow at all")
	}
	l.operators()
	if st.Effect != Allow {
		return
	}
	l.principal()
	l.action()
	if !l.webIdentity() {
		return
	}
	l.keys()
	l.audience()
	l.subject()
}

// providers are the OIDC providers the statement names.
func (st *Statement) providers() []string {
	var out []string
	for i := range st.Principal.Groups {
		g := &st.Principal.Groups[i]
		for _, v := range g.Values {
			if g.Type == "Federated" && ConditionPrefix(v.Text) != "" {
				out = append(out, v.Text)
			}
		}
	}
	return out
}

// webIdentity reports whether the statement lets tokens in, or is meant to.
func (l *linter) webIdentity() bool {
	st := l.statement
	covered := allows(st, ActionWebIdentity) != st.NotAction
	if st.Principal.Any {
		return covered
	}
	return len(st.providers()) > 0 && (covered || !st.NotAction && allows(st, "sts:AssumeRole"))
}

func (l *linter) principal() {
	p, st := l.policy, l.statement
	if st.Principal.Not {
		return
	}
	web := allows(st, ActionWebIdentity) != st.NotAction
	if st.Principal.Any {
		l.report("ROLE6", Fail, st.Principal.Span, l.providerPatch(st.Principal.Span, `{"Federated": `, "}"),
			`Principal "*" trusts everybody: name the identity provider`)
	}
	for i := range st.Principal.Groups {
		g := &st.Principal.Groups[i]
		for j := range g.Values {
			v := &g.Values[j]
			switch {
			case v.Text == "*":
				severity := Fail
				if !web && len(st.Conditions) > 0 {
					severity = Warn // such as everybody of an organization
				}
				l.report("ROLE6", severity, v.Span, Patch{}, `Principal {%q: "*"} trusts everybody: name the principal`, g.Type)
			case g.Type == "Federated":
				l.federated(v)
			case g.Type == "AWS" && strings.Contains(v.Text, oidcResource):
				patch := Patch{}
				if len(st.Principal.Groups) == 1 {
					patch = p.patch("name the provider as a federated principal", p.edit(g.name, `"Federated"`))
				}
				l.report("ROLE6", Fail, g.name, patch, "the identity provider %s stands under AWS: providers are Federated principals", v.Text)
			case g.Type == "AWS" && web && !allows(st, "sts:AssumeRole"):
				l.report("ROLE6", Fail, v.Span, l.providerPatch(st.Principal.Span, `{"Federated": `, "}"),
					"the AWS principal %s never comes with a web identity: name the identity provider as Federated", v.Text)
			}
		}
	}
}

// providerPatch puts the intended provider in place of what is there.
func (l *linter) providerPatch(at Span, before, after string) Patch {
	if l.options.Provider == "" {
		return Patch{}
	}
	return l.policy.patch("trust "+l.options.Provider, l.policy.edit(at, before+quote(l.options.Provider)+after))
}

// federated judges one federated principal.
func (l *linter) federated(v *Value) {
	prefix, want := ConditionPrefix(v.Text), l.options.Provider
	switch {
	case prefix == "" && (strings.HasPrefix(v.Text, "https://") || strings.HasPrefix(v.Text, "http://")):
		l.report("ROLE6", Fail, v.Span, l.issuerPatch(v, v.Text), "the principal %s is a URL: it takes the ARN of the identity provider", v.Text)
	case prefix == "":
	case hasWildcard(v.Text):
		l.report("ROLE6", Fail, v.Span, Patch{}, "the principal %s has a wildcard: a principal is compared as it is", v.Text)
	case strings.Contains(prefix, "://"):
		l.report("ROLE6", Fail, v.Span, l.issuerPatch(v, prefix), "the provider's ARN %s has the scheme of its URL in it", v.Text)
	case strings.HasSuffix(prefix, "/"):
		l.report("ROLE6", Fail, v.Span, l.issuerPatch(v, prefix), "the provider's ARN %s ends in a slash", v.Text)
	case want != "" && v.Text != want && sameIssuer(prefix, ConditionPrefix(want)):
		patch := l.policy.patch("trust "+want, l.policy.edit(v.Span, quote(want)))
		code := "ROLE6"
		if prefix == ConditionPrefix(want) {
			code = "SA2" // another account or partition
		}
		l.report(code, Fail, v.Span, patch, "the principal is %s, the identity provider is %s", v.Text, want)
	}
}

func (l *linter) issuerPatch(v *Value, issuer string) Patch {
	if want := l.options.Provider; want != "" && sameIssuer(issuer, ConditionPrefix(want)) {
		return l.policy.patch("trust "+want, l.policy.edit(v.Span, quote(want)))
	}
	arn, _, found := strings.Cut(v.Text, oidcResource)
	if !found {
		return Patch{}
	}
	bare := strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(issuer, "https://"), "http://"), "/")
	if bare == "" {
		return Patch{}
	}
	return l.policy.patch("write the provider's ARN", l.policy.edit(v.Span, quote(arn+oidcResource+bare)))
}

func (l *linter) action() {
	p, st := l.policy, l.statement
	if len(st.providers()) == 0 {
		return
	}
	if st.NotAction {
		l.report("ROLE6", Warn, st.action, Patch{}, "NotAction with Allow grants every action of STS but these")
		return
	}
	if allows(st, ActionWebIdentity) {
		return
	}
	for i := range st.Actions {
		if v := &st.Actions[i]; strings.EqualFold(v.Text, "sts:AssumeRole") {
			l.report("ROLE6", Fail, v.Span, p.patch("allow web identities", p.edit(v.Span, quote(ActionWebIdentity))),
				"the action is %s, and tokens come with %s", v.Text, ActionWebIdentity)
			return
		}
	}
	if allows(st, ActionTagSession) || allows(st, "sts:SetSourceIdentity") {
		return // a statement of its own for what goes with the exchange
	}
	l.report("ROLE6", Fail, st.action, p.patch("allow web identities", p.addValue(st.Actions, st.action, st.actions, ActionWebIdentity)),
		"the actions %s do not include %s", quoted(texts(st.Actions)), ActionWebIdentity)
}
