package trustpolicy

import (
	"fmt"
	"strings"
)

// CheckKind says what part of a statement a check is about.
type CheckKind uint8

// The parts of a statement.
const (
	PrincipalCheck CheckKind = iota
	ActionCheck
	KeyCheck
)

// A Check is one thing a statement asks for and what the request had.
type Check struct {
	Kind   CheckKind
	Result Truth
	Key    string   // the condition key as written; "" for principal and action
	Actual []string // what the request has under Key
	State  KeyState
	Span   Span // the expected value in the source

	statement *Statement
	condition *Condition
	key       *ConditionKey
	request   *request
	note      note
}

// A note is why a result is what it is, where the values alone do not say it.
type note uint8

const (
	noteNone note = iota
	noteNotPrincipal
	noteOperator
	noteTwice
	noteNoValues
	noteNullSet
	noteNotKnown
	noteAbsent
	noteUnjudged
	noteSeveral
	noteNotBool
	noteVariable
	noteVariableAbsent
	noteNotComparable
)

// Operator is the condition operator, the zero Operator for principal and
// action.
func (c *Check) Operator() Operator {
	if c.condition == nil {
		return Operator{}
	}
	return c.condition.Operator
}

// Expected is what the statement asks for: the values of the key, the action or
// the principals, each principal with its type in front.
func (c *Check) Expected() []string {
	switch c.Kind {
	case ActionCheck:
		return texts(c.statement.Actions)
	case KeyCheck:
		return texts(c.key.Values)
	}
	p := &c.statement.Principal
	if p.Any {
		return []string{"*"}
	}
	var out []string
	for i := range p.Groups {
		for _, v := range p.Groups[i].Values {
			out = append(out, p.Groups[i].Type+": "+v.Text)
		}
	}
	return out
}

func texts(values []Value) []string {
	out := make([]string, len(values))
	for i := range values {
		out[i] = values[i].Text
	}
	return out
}

// Given is what the request has: its values of the key, its action or its
// principal.
func (c *Check) Given() []string {
	switch c.Kind {
	case PrincipalCheck:
		if c.request.principal == "" {
			return nil
		}
		return []string{c.request.principal}
	case ActionCheck:
		return []string{c.request.action}
	}
	return c.Actual
}

// Reason is the check in one sentence, with its values.
func (c *Check) Reason() string {
	switch c.Kind {
	case PrincipalCheck:
		return c.principalReason()
	case ActionCheck:
		verb := "is"
		if (c.Result == False) != c.statement.NotAction {
			verb = "is not"
		}
		return fmt.Sprintf("the action %s %s among %s", c.request.action, verb, quoted(c.Expected()))
	}
	op := c.condition.Operator.String()
	if text := c.noteReason(op); text != "" {
		return text
	}
	if c.condition.Operator.family == null {
		return fmt.Sprintf("the key %s is %s, and Null asks for %s", c.Key, c.State, quoted(c.Expected()))
	}
	verb := "matches"
	if c.Result == False {
		verb = "does not match"
	}
	return fmt.Sprintf("%s is %s, which %s %s %s", c.Key, quoted(c.Actual), verb, op, quoted(c.Expected()))
}

func (c *Check) principalReason() string {
	p := &c.statement.Principal
	element := "Principal"
	if p.Not {
		element = "NotPrincipal"
	}
	switch {
	case c.note == noteNotPrincipal:
		return "NotPrincipal with Allow is not supported by IAM: what it does is not documented"
	case c.Result == Unknown && c.request.principal == "":
		return "the identity provider of the request is not known"
	case c.Result == Unknown:
		return fmt.Sprintf("whether %s covers %s is not documented", quoted(c.Expected()), c.request.principal)
	case (c.Result == True) != p.Not:
		return fmt.Sprintf("%s covers %s", element, c.request.principal)
	}
	return fmt.Sprintf("%s is %s, not %s", element, quoted(c.Expected()), c.request.principal)
}

func (c *Check) noteReason(op string) string {
	key := c.Key
	switch c.note {
	case noteOperator:
		return fmt.Sprintf("%s is no operator this evaluator knows", op)
	case noteTwice:
		return fmt.Sprintf("%s appears twice under %s in different case: how that is read is not documented", key, op)
	case noteNoValues:
		return fmt.Sprintf("%s under %s has no values: %s", key, op, [...]string{"how that is read is not documented", "it does not match", "it matches"}[c.Result])
	case noteNullSet:
		return fmt.Sprintf("%s of %s is the same for every request", op, key)
	case noteNotKnown:
		return fmt.Sprintf("the request's %s is not known here", key)
	case noteAbsent:
		verb := "does not match"
		if c.Result == True {
			verb = "matches"
		}
		return fmt.Sprintf("the request has no key %s, and %s then %s", key, op, verb)
	case noteUnjudged:
		return fmt.Sprintf("%s is not judged here", op)
	case noteSeveral:
		return fmt.Sprintf("%s has several values and %s has no set operator: how that is read is not documented", key, op)
	case noteNotBool:
		return fmt.Sprintf("%s of %s takes true or false, not %s", op, key, quoted(c.Expected()))
	case noteVariable:
		return fmt.Sprintf("a policy variable in %s cannot be resolved for certain", quoted(c.Expected()))
	case noteVariableAbsent:
		return fmt.Sprintf("a policy variable in %s has no value in this request", quoted(c.Expected()))
	case noteNotComparable:
		return fmt.Sprintf("%s cannot compare %s to %s for certain", op, quoted(c.Actual), quoted(c.Expected()))
	}
	return ""
}

func quoted(values []string) string {
	switch len(values) {
	case 0:
		return "nothing"
	case 1:
		return fmt.Sprintf("%q", values[0])
	}
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " or " + parts[len(parts)-1]
}

// Difference is the expected value that comes closest to what the request has
// and the first character that differs. There is none for a check that matches,
// and none where nothing is there to compare.
func (c *Check) Difference() (Difference, bool) {
	if c.Result == True || len(c.Given()) != 1 {
		return Difference{}, false
	}
	_, d, ok := c.closest()
	return d, ok
}

// closest is the expected value that shares the longest beginning with the
// request's, and its index in the list.
func (c *Check) closest() (*Value, Difference, bool) {
	given := c.Given()[0]
	var best *Value
	var diff Difference
	consider := func(v *Value, f family) {
		d, ok := difference(v.Text, given, f)
		if ok && (best == nil || d.ActualByte > diff.ActualByte) {
			best, diff = v, d
		}
	}
	switch c.Kind {
	case PrincipalCheck:
		for i := range c.statement.Principal.Groups {
			g := &c.statement.Principal.Groups[i]
			for j := range g.Values {
				if g.Type == "Federated" {
					consider(&g.Values[j], stringEquals)
				}
			}
		}
	case ActionCheck:
		for i := range c.statement.Actions {
			consider(&c.statement.Actions[i], stringFold)
		}
	case KeyCheck:
		op := c.condition.Operator
		if op.negated || op.family == null || op.family == boolean || op.family == unjudged || !op.Known() {
			return nil, Difference{}, false
		}
		for i := range c.key.Values {
			consider(&c.key.Values[i], op.family)
		}
	}
	return best, diff, best != nil
}
