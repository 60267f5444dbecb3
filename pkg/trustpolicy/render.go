package trustpolicy

import "strings"

// Render writes the policy anew, on one line, without blanks, in one order of
// elements; lists of one stay lists. Two documents that say the same in the
// same order of statements, values and keys render alike.
func (p *Policy) Render() []byte {
	var b strings.Builder
	b.WriteByte('{')
	if p.Version != "" {
		b.WriteString(`"Version":` + quote(p.Version) + ",")
	}
	if p.ID != "" {
		b.WriteString(`"Id":` + quote(p.ID) + ",")
	}
	b.WriteString(`"Statement":[`)
	for i := range p.Statements {
		comma(&b, i)
		p.Statements[i].render(&b)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func comma(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteByte(',')
	}
}

func (st *Statement) render(b *strings.Builder) {
	b.WriteByte('{')
	if st.Sid != "" {
		b.WriteString(`"Sid":` + quote(st.Sid) + ",")
	}
	b.WriteString(`"Effect":` + quote(string(st.Effect)) + ",")
	if st.Principal.Not {
		b.WriteString(`"NotPrincipal":`)
	} else {
		b.WriteString(`"Principal":`)
	}
	if st.Principal.Any {
		b.WriteString(`"*"`)
	} else {
		b.WriteByte('{')
		for i, g := range st.Principal.Groups {
			comma(b, i)
			b.WriteString(quote(g.Type) + ":")
			renderValues(b, g.Values, g.list)
		}
		b.WriteByte('}')
	}
	if st.NotAction {
		b.WriteString(`,"NotAction":`)
	} else {
		b.WriteString(`,"Action":`)
	}
	renderValues(b, st.Actions, st.actions)
	if st.condition != (Span{}) {
		b.WriteString(`,"Condition":{`)
		for i, c := range st.Conditions {
			comma(b, i)
			b.WriteString(quote(c.Operator.String()) + ":{")
			for j, k := range c.Keys {
				comma(b, j)
				b.WriteString(quote(k.Key) + ":")
				renderValues(b, k.Values, k.list)
			}
			b.WriteByte('}')
		}
		b.WriteByte('}')
	}
	b.WriteByte('}')
}

func renderValues(b *strings.Builder, values []Value, list bool) {
	if list {
		b.WriteByte('[')
	}
	for i, v := range values {
		comma(b, i)
		if v.Kind == StringValue {
			b.WriteString(quote(v.Text))
		} else {
			b.WriteString(v.Text)
		}
	}
	if list {
		b.WriteByte(']')
	}
}
