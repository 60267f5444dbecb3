package trustpolicy

import (
	"slices"
	"strings"
)

// Truth is one of three values. What is Unknown may turn out either way.
type Truth uint8

// The three values.
const (
	Unknown Truth = iota
	False
	True
)

// String is the value in words.
func (t Truth) String() string { return [...]string{"unknown", "no match", "match"}[t] }

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// and is Kleene's: False wins, then Unknown.
func (t Truth) and(u Truth) Truth {
	switch {
	case t == False || u == False:
		return False
	case t == Unknown || u == Unknown:
		return Unknown
	}
	return True
}

// or is Kleene's: True wins, then Unknown.
func (t Truth) or(u Truth) Truth { return t.not().and(u.not()).not() }

// Decision is what the policy makes of a request.
type Decision uint8

// The decisions. An explicit deny beats every allow, and what nothing allows is
// denied:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html.
const (
	Undecided    Decision = iota // it hangs on something that is not known
	Allowed                      // an Allow statement applies and no Deny statement can
	ImplicitDeny                 // no Allow statement applies
	ExplicitDeny                 // a Deny statement applies
)

// String is the decision in words.
func (d Decision) String() string {
	return [...]string{"unknown", "allow", "implicit deny", "explicit deny"}[d]
}

// Denied reports whether the request is refused for certain.
func (d Decision) Denied() bool { return d == ImplicitDeny || d == ExplicitDeny }

// An Evaluation is the decision and how it came about.
type Evaluation struct {
	Decision   Decision
	Statements []Trace // one for each statement, in the order of the document

	policy  *Policy
	request *request
}

// A Trace is what one statement made of the request: it applies when all its
// checks match.
type Trace struct {
	Index  int
	Sid    string
	Effect Effect
	Result Truth
	Checks []Check // principal, action, then each condition key
}

// Evaluate holds a request against a policy.
//
// ImplicitDeny is also the answer when no Allow statement applies and a Deny
// statement is unknown: the request is refused either way.
func Evaluate(p *Policy, r Request) *Evaluation { return evaluate(p, r.prepare()) }

func evaluate(p *Policy, r *request) *Evaluation {
	e := &Evaluation{policy: p, request: r}
	count := 0
	for i := range p.Statements {
		count += 2
		for j := range p.Statements[i].Conditions {
			count += len(p.Statements[i].Conditions[j].Keys)
		}
	}
	checks := make([]Check, 0, count)
	e.Statements = make([]Trace, len(p.Statements))
	allow, deny := False, False
	for i := range p.Statements {
		st := &p.Statements[i]
		from := len(checks)
		checks = e.statement(st, checks)
		t := Trace{Index: i, Sid: st.Sid, Effect: st.Effect, Checks: checks[from:len(checks):len(checks)], Result: True}
		for j := range t.Checks {
			t.Result = t.Result.and(t.Checks[j].Result)
		}
		e.Statements[i] = t
		if st.Effect == Deny {
			deny = deny.or(t.Result)
		} else {
			allow = allow.or(t.Result)
		}
	}
	switch {
	case deny == True:
		e.Decision = ExplicitDeny
	case allow == False:
		e.Decision = ImplicitDeny
	case allow == True && deny == False:
		e.Decision = Allowed
	}
	return e
}

func (e *Evaluation) statement(st *Statement, checks []Check) []Check {
	checks = append(checks, e.principal(st), e.action(st))
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			checks = append(checks, e.key(c, &c.Keys[j]))
		}
	}
	return checks
}

// principal judges the Principal or NotPrincipal element.
//
//   - "*" is "all principals".
//   - {"AWS": "*"} is documented as its equal for anonymous users only, and a
//     token's bearer is none: unknown.
//   - An AWS account, a service or a canonical user never is a web identity.
//   - A federated principal is compared whole: "You cannot use a wildcard to
//     match part of a principal name or ARN". {"Federated": "*"} is no form the
//     page gives, so a server that took it cannot be second-guessed: unknown.
//   - NotPrincipal "must be used with Effect Deny": with Allow it is unknown for
//     whoever is not named.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html.
func (e *Evaluation) principal(st *Statement) Check {
	p := &st.Principal
	check := Check{Kind: PrincipalCheck, Span: p.Span, State: Present, statement: st, request: e.request}
	if e.request.principal == "" {
		check.State = NotKnown
	}
	named := truth(p.Any)
	for i := range p.Groups {
		for j := range p.Groups[i].Values {
			named = named.or(e.samePrincipal(p.Groups[i].Type, p.Groups[i].Values[j].Text))
		}
	}
	check.Result = named
	if p.Not {
		check.Result = named.not()
		if st.Effect == Allow && check.Result == True {
			check.Result, check.note = Unknown, noteNotPrincipal
		}
	}
	return check
}

func (e *Evaluation) samePrincipal(kind, value string) Truth {
	have := e.request.principal
	if have == "" {
		return Unknown
	}
	web := e.request.prefix != "" || !strings.HasPrefix(have, "arn:")
	switch kind {
	case "Federated":
		if value == "*" {
			return Unknown
		}
		return truth(value == have)
	case "AWS":
		if value == "*" || !web && value != have {
			return Unknown
		}
		return truth(!web)
	}
	if web {
		return False
	}
	return truth(value == have)
}

func (e *Evaluation) action(st *Statement) Check {
	found := false
	for i := range st.Actions {
		if likeFold(st.Actions[i].Text, e.request.action) {
			found = true
			break
		}
	}
	return Check{
		Kind: ActionCheck, Span: st.action, State: Present,
		Result: truth(found != st.NotAction), statement: st, request: e.request,
	}
}

// key judges one key of a condition. Values are alternatives, for a negated
// operator all of them must differ (NOR). An absent key matches negated
// operators, IfExists and ForAllValues, and nothing else.
func (e *Evaluation) key(c *Condition, k *ConditionKey) Check {
	op := &c.Operator
	check := Check{Kind: KeyCheck, Span: k.value, Key: k.Key, condition: c, key: k, request: e.request}
	check.Actual, check.State = e.request.lookup(k.Key)
	switch {
	case !op.Known():
		check.note = noteOperator
	case k.twice:
		check.note = noteTwice
	case op.family == null && op.Set != NoSet:
		// "Null with qualifier": they "always return a true or false
		// respectively" (IAM Access Analyzer's policy checks).
		check.note = noteNullSet
		check.Result = truth(op.Set == ForAllValues)
	case len(k.Values) == 0:
		check.note = noteNoValues
		check.Result = noValues(op, &check)
	case op.family == null:
		keyIsNull(k, &check)
	case check.State == NotKnown:
		check.note = noteNotKnown
	case check.State == Absent:
		check.note = noteAbsent
		check.Result = truth(op.IfExists || op.Set == ForAllValues || op.Set == NoSet && op.negated)
	case op.Set != NoSet && blank(check.Actual):
		// "a null data set, such as an empty string"
		check.note = noteAbsent
		check.Result = truth(op.Set == ForAllValues)
	case op.family == unjudged:
		check.note = noteUnjudged
	default:
		e.compare(op, k, &check)
	}
	return check
}

// noValues judges a key with an empty list. With ForAnyValue it "never matches",
// with IfExists and ForAllValues it "matches only if the key is missing"; about
// the plain operators the same page contradicts itself:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html.
func noValues(op *Operator, check *Check) Truth {
	switch missing := check.State == Absent || check.State == Present && blank(check.Actual); {
	case op.negated || op.family == null:
		return Unknown
	case op.Set == ForAnyValue && !op.IfExists:
		return False
	case op.Set == ForAnyValue, op.Set == NoSet && !op.IfExists, check.State == NotKnown:
		return Unknown
	case op.Set == NoSet && check.State == Present:
		return False
	default:
		return truth(missing)
	}
}

func blank(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return v != "" })
}

// keyIsNull asks whether the key is there: "true (the key doesn't exist) or false
// (the key exists and its value is not null)". Whether an empty string is null
// is not said.
func keyIsNull(k *ConditionKey, check *Check) {
	if check.State == NotKnown || check.State == Present && blank(check.Actual) {
		check.note = noteNotKnown
		return
	}
	result := False
	for i := range k.Values {
		switch k.Values[i].Text {
		case "true":
			result = result.or(truth(check.State == Absent))
		case "false":
			result = result.or(truth(check.State == Present))
		default:
			check.note = noteNotBool
			return
		}
	}
	check.Result = result
}

// compare judges a key that is present by an operator that is understood.
func (e *Evaluation) compare(op *Operator, k *ConditionKey, check *Check) {
	some, every := False, True
	for _, actual := range check.Actual {
		result := e.anyValue(op, k, actual, check)
		if op.negated {
			result = result.not()
		}
		some, every = some.or(result), every.and(result)
	}
	switch {
	case op.Set == ForAnyValue:
		check.Result = some
	case op.Set == ForAllValues, some == every:
		check.Result = every
	default:
		// Several values without a set operator, and they disagree:
		// "Multivalued context keys require a condition set operator".
		check.note = noteSeveral
	}
}

// anyValue reports whether a value of the policy equals what the request has.
func (e *Evaluation) anyValue(op *Operator, k *ConditionKey, actual string, check *Check) Truth {
	result := False
	missing, unsure := false, false
	for i := range k.Values {
		value := expanded{text: k.Values[i].Text}
		if e.policy.variables() {
			value = e.request.expand(value.text, op.Wildcards())
		}
		switch value.state {
		case unresolved:
			missing = true
		case unclear:
			unsure = true
		default:
			result = result.or(matches(op.family, value.text, actual))
		}
		if op.family == boolean && strings.Contains(k.Values[i].Text, "${") {
			unsure = true // the pages disagree on whether Bool takes variables
		}
	}
	switch {
	case unsure:
		check.note = noteVariable
		return Unknown
	case missing && !op.negated && result != False:
		// "If AWS cannot resolve a variable this might cause the entire
		// statement to be invalid", though another value matches.
		check.note = noteVariable
		return Unknown
	case missing:
		// "There is no equal or like value": negated operators match.
		check.note = noteVariableAbsent
	case result == Unknown:
		check.note = noteNotComparable
	}
	return result
}

func matches(f family, want, actual string) Truth {
	switch f {
	case stringEquals:
		return truth(want == actual)
	case stringFold:
		return truth(strings.EqualFold(want, actual))
	case stringLike:
		return truth(like(want, actual))
	case arnLike:
		return arnMatches(want, actual)
	case boolean:
		if (want == "true" || want == "false") && (actual == "true" || actual == "false") {
			return truth(want == actual)
		}
	}
	return Unknown
}
