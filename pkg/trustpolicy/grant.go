package trustpolicy

import "strings"

// A Grant is who one Allow statement lets in with a web identity of one OIDC
// provider, as far as its conditions name anybody. It is for indexes and tables
// of many roles; whether a token is let in is for [Evaluate] to say.
type Grant struct {
	Statement int // its index
	Sid       string
	Provider  string    // the provider's ARN
	Audiences []string  // empty: the statement does not ask for one
	Subjects  []Subject // empty: the statement does not ask for one
	More      bool      // there are conditions of other kinds besides
}

// A Subject is one subject a statement asks for.
type Subject struct {
	Text    string
	Pattern bool // * and ? in it are wildcards
}

// Matches reports whether the subject is s, or its pattern covers s.
func (x Subject) Matches(s string) bool {
	if x.Pattern {
		return like(x.Text, s)
	}
	return x.Text == s
}

// Grants lists what the Allow statements grant to web identities, one Grant for
// each statement and OIDC provider, in the order of the document.
func Grants(p *Policy) []Grant {
	var out []Grant
	for i := range p.Statements {
		st := &p.Statements[i]
		if st.Effect != Allow || st.Principal.Not || allows(st, ActionWebIdentity) == st.NotAction {
			continue
		}
		for _, provider := range st.providers() {
			out = append(out, st.grant(provider, p.variables()))
		}
	}
	return out
}

func (st *Statement) grant(provider string, variables bool) Grant {
	g := Grant{Statement: st.Index, Sid: st.Sid, Provider: provider}
	prefix := ConditionPrefix(provider)
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			k := &c.Keys[j]
			exact := c.Operator.Set == NoSet && !c.Operator.IfExists && !c.Operator.negated &&
				(c.Operator.family == stringEquals || c.Operator.family == stringLike)
			switch own, claim := claimOf(k.Key); {
			case !exact || !strings.EqualFold(own, prefix) || variables && hasVariable(k):
				g.More = true
			case claim == "aud" && g.Audiences == nil:
				g.Audiences = texts(k.Values)
			case claim == "sub" && g.Subjects == nil:
				for _, v := range k.Values {
					pattern := c.Operator.family == stringLike && hasWildcard(v.Text)
					g.Subjects = append(g.Subjects, Subject{Text: v.Text, Pattern: pattern})
				}
			default:
				g.More = true
			}
		}
	}
	return g
}

func hasVariable(k *ConditionKey) bool {
	for i := range k.Values {
		if strings.Contains(k.Values[i].Text, "${") {
			return true
		}
	}
	return false
}
