package trustpolicy

import (
	"slices"
	"strings"
)

// A Grant is who one Allow statement lets in with a web identity of one OIDC
// provider, as far as its conditions name anybody. It is for indexes and tables
// of many roles; whether a token is let in is for [Evaluate] to say.
type Grant struct {
	Statement int // its index
	Sid       string
	Provider  string    // the provider's ARN; Everybody where the principal is *
	Issuer    string    // the provider's URL without https://; for Everybody that of the condition keys, "" for any
	Audiences []string  // empty: the statement does not ask for one
	Subjects  []Subject // empty: the statement does not ask for one
	More      bool      // there are conditions of other kinds besides
}

// Everybody is the Provider of a Grant to every principal, which is every
// provider too.
const Everybody = "*"

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
// each statement and OIDC provider, or for everybody, in the order of the
// document.
func Grants(p *Policy) []Grant {
	var out []Grant
	for i := range p.Statements {
		st := &p.Statements[i]
		if st.Effect != Allow || st.Principal.Not || allows(st, ActionWebIdentity) == st.NotAction {
			continue
		}
		if st.everybody() {
			out = append(out, st.grant(Everybody, st.issuerAsked(), p.variables()))
			continue
		}
		for _, provider := range st.providers() {
			out = append(out, st.grant(provider, ConditionPrefix(provider), p.variables()))
		}
	}
	return out
}

// everybody reports whether the principal is *, or one of the forms that may be
// read as that.
func (st *Statement) everybody() bool {
	return st.Principal.Any || slices.ContainsFunc(st.Principal.Groups, func(g PrincipalGroup) bool {
		return (g.Type == "Federated" || g.Type == "AWS") && slices.Contains(texts(g.Values), Everybody)
	})
}

// issuerAsked is the issuer whose claims the statement asks for, "" for none:
// tokens of another one do not have them.
func (st *Statement) issuerAsked() string {
	for i := range st.Conditions {
		for j := range st.Conditions[i].Keys {
			key := st.Conditions[i].Keys[j].Key
			if issuer, claim := claimOf(key); providerKey(key) && (claim == "aud" || claim == "sub") {
				return issuer
			}
		}
	}
	return ""
}

func (st *Statement) grant(provider, issuer string, variables bool) Grant {
	g := Grant{Statement: st.Index, Sid: st.Sid, Provider: provider, Issuer: issuer}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			k := &c.Keys[j]
			exact := c.Operator.Set == NoSet && !c.Operator.IfExists && !c.Operator.negated &&
				(c.Operator.family == stringEquals || c.Operator.family == stringLike)
			switch own, claim := claimOf(k.Key); {
			case !exact || !strings.EqualFold(own, issuer) || variables && hasVariable(k):
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
