package trustpolicy

import (
	"fmt"
	"slices"
	"strings"
)

// grants reports whether a statement is of the form Trust renders (Allow, this
// provider alone, web identity, nothing but an audience and a subject
// condition) for t's audience, and whether t's subject is among its own.
func (p *Policy) grants(st *Statement, t Trust) (same, subject bool) {
	if st.Effect != Allow || st.NotAction || !allows(st, ActionWebIdentity) || t.TagSession && !allows(st, ActionTagSession) {
		return false, false
	}
	if st.Principal.Not || len(st.Principal.Groups) != 1 || st.Principal.Groups[0].Type != "Federated" {
		return false, false
	}
	if v := st.Principal.Groups[0].Values; len(v) != 1 || v[0].Text != t.Provider {
		return false, false
	}
	aud := false
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			k := &c.Keys[j]
			switch {
			case c.Operator.String() == "StringEquals" && p.isKey(k, t.Provider, "aud"):
				aud = slices.Contains(texts(k.Values), t.Audience)
				if !aud {
					return false, false
				}
			case p.isSubject(c, k, t):
			default:
				return false, false
			}
		}
	}
	key := p.subjectKey(st, t)
	if !aud || key == nil {
		return false, false
	}
	return true, slices.Contains(texts(key.Values), t.Subject)
}

func allows(st *Statement, action string) bool {
	return slices.ContainsFunc(st.Actions, func(v Value) bool { return likeFold(v.Text, action) })
}

func (p *Policy) isKey(k *ConditionKey, provider, claim string) bool {
	return strings.EqualFold(k.Key, ConditionPrefix(provider)+":"+claim)
}

// isSubject accepts the operator t itself would use, and StringLike for an exact
// subject, which says the same.
func (p *Policy) isSubject(c *Condition, k *ConditionKey, t Trust) bool {
	op := c.Operator.String()
	return p.isKey(k, t.Provider, "sub") && (op == t.subjectOperator() || op == "StringLike")
}

// subjectKey is the one subject condition of a statement; nil when there is
// none or there are two.
func (p *Policy) subjectKey(st *Statement, t Trust) *ConditionKey {
	var found *ConditionKey
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			if !p.isSubject(c, &c.Keys[j], t) {
				continue
			}
			if found != nil {
				return nil
			}
			found = &c.Keys[j]
		}
	}
	return found
}

// RemoveSubject makes the patch that takes a subject, or a pattern spelled like
// it, out of every Allow statement for a provider, however often it stands
// there. A statement that trusted nobody else goes as a whole. Nothing to remove
// makes an empty patch. Subjects that a wider pattern or another statement
// covers stay covered: [Remaining] tells.
//
// The error is ErrLastStatement when no statement would be left, and ErrShared
// when the statement names another principal.
func RemoveSubject(p *Policy, provider, subject string) (Patch, error) {
	var edits []Edit
	var whole []int
	for i := range p.Statements {
		st := &p.Statements[i]
		key, at := p.trusts(st, provider, subject)
		switch {
		case key == nil:
		case len(at) < len(key.Values):
			edits = append(edits, p.cutEach(valueSpans(key.Values), at)...)
		case len(st.Principal.Groups) != 1 || len(st.Principal.Groups[0].Values) != 1:
			return Patch{}, fmt.Errorf("removing %s from statement %d: %w", subject, i+1, ErrShared)
		default:
			whole = append(whole, i)
		}
	}
	if len(whole) > 0 && len(whole) == len(p.Statements) {
		return Patch{}, fmt.Errorf("removing %s: %w", subject, ErrLastStatement)
	}
	edits = append(edits, p.cutStatements(whole)...)
	if len(edits) == 0 {
		return Patch{}, nil
	}
	return p.patch("no longer trust "+subject, edits...), nil
}

// trusts finds the subject in a positive condition of an Allow statement: the
// key, and the indexes of the values that are the subject.
func (p *Policy) trusts(st *Statement, provider, subject string) (*ConditionKey, []int) {
	named := slices.ContainsFunc(st.Principal.Groups, func(g PrincipalGroup) bool {
		return g.Type == "Federated" && slices.Contains(texts(g.Values), provider)
	})
	if st.Effect != Allow || st.Principal.Not || !named {
		return nil, nil
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if c.Operator.negated || !comparesText(c.Operator.family) {
			continue
		}
		for j := range c.Keys {
			if k := &c.Keys[j]; p.isKey(k, provider, "sub") {
				if at := c.Operator.spelled(k, subject); len(at) > 0 {
					return k, at
				}
			}
		}
	}
	return nil, nil
}

// spelled are the indexes of the values that read as the text does, to the
// operator.
func (o Operator) spelled(k *ConditionKey, text string) (at []int) {
	for i := range k.Values {
		if k.Values[i].Text == text || o.family == stringFold && strings.EqualFold(k.Values[i].Text, text) {
			at = append(at, i)
		}
	}
	return at
}

// Remaining are the Allow statements that may let a subject of a provider in
// once the patch is applied, whatever the audience of its token: each with what
// it made of the request. None means that the subject is refused for certain.
// The error is that of applying the patch.
func Remaining(p *Policy, patch Patch, provider, subject string) ([]Trace, error) {
	after, err := patch.Apply([]byte(p.source))
	if err != nil {
		return nil, err
	}
	if p, err = Parse(after); err != nil {
		return nil, err
	}
	e := Evaluate(p, Request{Principal: provider, Context: map[string][]string{ConditionPrefix(provider) + ":sub": {subject}}})
	if e.Decision.Denied() {
		return nil, nil
	}
	return slices.DeleteFunc(e.Statements, func(t Trace) bool { return t.Effect != Allow || t.Result == False }), nil
}

// RemoveStatement makes the patch that takes out the statement with this index.
// The error is ErrLastStatement when it is the only one.
func RemoveStatement(p *Policy, index int) (Patch, error) {
	if index < 0 || index >= len(p.Statements) {
		return Patch{}, fmt.Errorf("removing statement %d: the trust policy has %d", index+1, len(p.Statements))
	}
	if len(p.Statements) == 1 {
		return Patch{}, fmt.Errorf("removing statement %d: %w", index+1, ErrLastStatement)
	}
	return p.patch(fmt.Sprintf("remove statement %d", index+1), p.cutStatements([]int{index})...), nil
}

// cutStatements makes the edits that remove statements, in ascending order and
// not all of them.
func (p *Policy) cutStatements(indexes []int) []Edit {
	spans := make([]Span, len(p.Statements))
	for i := range p.Statements {
		spans[i] = p.Statements[i].Span
	}
	return p.cutEach(spans, indexes)
}
