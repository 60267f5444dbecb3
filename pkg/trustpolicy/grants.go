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
// it, out of every Allow statement for a provider. A statement that trusted
// nobody else goes as a whole. Nothing to remove makes an empty patch.
// Subjects that a wider pattern covers stay covered: [Evaluate] tells.
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
		case len(key.Values) > 1:
			edits = append(edits, p.cut(valueSpans(key.Values), at))
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

// trusts finds the subject in a positive condition of an Allow statement.
func (p *Policy) trusts(st *Statement, provider, subject string) (*ConditionKey, int) {
	named := slices.ContainsFunc(st.Principal.Groups, func(g PrincipalGroup) bool {
		return g.Type == "Federated" && slices.Contains(texts(g.Values), provider)
	})
	if st.Effect != Allow || st.Principal.Not || !named {
		return nil, 0
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if f := c.Operator.family; c.Operator.negated || f != stringEquals && f != stringLike && f != stringFold {
			continue
		}
		for j := range c.Keys {
			if k := &c.Keys[j]; p.isKey(k, provider, "sub") {
				if at := slices.Index(texts(k.Values), subject); at >= 0 {
					return k, at
				}
			}
		}
	}
	return nil, 0
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
// not all of them, each with one comma: the one before it, or, in a run from
// the first on, the one behind.
func (p *Policy) cutStatements(indexes []int) []Edit {
	var edits []Edit
	for n, i := range indexes {
		if i == n {
			edits = append(edits, p.edit(Span{p.Statements[i].Span.Start, p.Statements[i+1].Span.Start}, ""))
			continue
		}
		edits = append(edits, p.edit(Span{p.Statements[i-1].Span.End, p.Statements[i].Span.End}, ""))
	}
	return edits
}
