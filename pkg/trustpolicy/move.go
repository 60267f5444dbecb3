package trustpolicy

import "strings"

// like is StringLike with the operator's set operator and IfExists.
func (o Operator) like() Operator {
	return Operator{Set: o.Set, Name: "StringLike", IfExists: o.IfExists, family: stringLike}
}

// moveKey makes the edits that put a key under another operator: by renaming
// the operator where the key is alone under it, else by moving the key. None
// where the other operator has the key already: the two were meant as AND.
func (p *Policy) moveKey(st *Statement, c *Condition, k *ConditionKey, to Operator) []Edit {
	var target *Condition
	for i := range st.Conditions {
		if strings.EqualFold(st.Conditions[i].Operator.String(), to.String()) {
			target = &st.Conditions[i]
		}
	}
	if target == nil && len(c.Keys) == 1 {
		return []Edit{p.edit(c.name, quote(to.String()))}
	}
	member := p.source[k.name.Start:k.value.End]
	out := p.cutKey(st, c, k)
	if target == nil {
		separator := p.separator(c.name.Start)
		return []Edit{out, {Offset: c.value.End, New: separator + quote(to.String()) + ": {" + member + "}"}}
	}
	for i := range target.Keys {
		if strings.EqualFold(target.Keys[i].Key, k.Key) {
			return nil
		}
	}
	if len(target.Keys) == 0 {
		return []Edit{out, p.edit(target.value, "{"+member+"}")}
	}
	last := target.Keys[len(target.Keys)-1]
	return []Edit{out, {Offset: last.value.End, New: p.separator(last.name.Start) + member}}
}

// cutKey makes the edit that removes a key, and its operator when that is left
// empty; there is another operator then.
func (p *Policy) cutKey(st *Statement, c *Condition, k *ConditionKey) Edit {
	var spans []Span
	at := 0
	if len(c.Keys) > 1 {
		for i := range c.Keys {
			if &c.Keys[i] == k {
				at = i
			}
			spans = append(spans, Span{c.Keys[i].name.Start, c.Keys[i].value.End})
		}
		return p.cut(spans, at)
	}
	for i := range st.Conditions {
		if &st.Conditions[i] == c {
			at = i
		}
		spans = append(spans, Span{st.Conditions[i].name.Start, st.Conditions[i].value.End})
	}
	return p.cut(spans, at)
}

// separator is what stands between two members of an object, one of which is at
// offset: a line of its own when that has one.
func (p *Policy) separator(offset int) string {
	start := p.lineStart(offset)
	if strings.TrimSpace(start) == "" && strings.Contains(p.source[:offset], "\n") {
		return ",\n" + start
	}
	return ", "
}
