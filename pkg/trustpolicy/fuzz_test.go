package trustpolicy_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// seeds are all policies of the tables and some that are none.
func seeds() [][]byte {
	var out [][]byte
	for _, table := range []map[string]verdict{stringVerdicts, setVerdicts, otherOperatorVerdicts, variableVerdicts, principalVerdicts, actionVerdicts, effectVerdicts, keyVerdicts} {
		for _, v := range table {
			out = append(out, []byte(v.policy))
		}
	}
	for _, s := range []string{
		"", "{", "[]", `{"Statement":[[[[[[`, `{"Statement":{}}`, "{\"Id\":\"\\ud800\",\"Statement\":[]}",
		`{"Version":"2012-10-17","Id":"<&>` + "\u2028" + `","Statement":[{"Sid":"","Effect":"Deny","NotPrincipal":{"AWS":["*"],"Service":"a"},"NotAction":[],"Condition":{"X":{},"Bool":{"a:b":[true,1e9,"c"]}}}]}`,
	} {
		out = append(out, []byte(s))
	}
	return out
}

// FuzzParse: nothing panics, what is parsed is JSON, spans are where they say,
// and a policy that is rendered and parsed again renders the same.
func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := trustpolicy.Parse(doc)
		if err != nil {
			if p != nil {
				t.Fatal("a policy and an error")
			}
			return
		}
		if !json.Valid(doc) {
			t.Fatalf("parsed what is no JSON: %q", doc)
		}
		if !bytes.Equal(p.Source(), doc) {
			t.Fatal("the source changed")
		}
		for _, st := range p.Statements {
			for _, a := range st.Actions {
				var text string
				if err := json.Unmarshal([]byte(p.Text(a.Span)), &text); err != nil || text != a.Text {
					t.Fatalf("the span of %q holds %q", a.Text, p.Text(a.Span))
				}
			}
		}
		once := p.Render()
		again, err := trustpolicy.Parse(once)
		if err != nil {
			t.Fatalf("rendered a policy that does not parse: %v\n%s", err, once)
		}
		if twice := again.Render(); !bytes.Equal(once, twice) {
			t.Fatalf("rendered twice:\n%s\n%s", once, twice)
		}
		if len(doc) < 1<<12 {
			trustpolicy.Lint(p, trustpolicy.LintOptions{Provider: provider, Audience: audience})
		}
	})
}

// FuzzEvaluate: when a key that was unknown becomes known, a verdict that was
// certain stays. A refusal may become explicit: it refuses either way.
func FuzzEvaluate(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, "sts:RoleSessionName", "cart", byte(0))
		f.Add(s, issuer+":amr", "", byte(1))
		f.Add(s, "aws:username", subject, byte(2))
	}
	f.Fuzz(func(t *testing.T, doc []byte, key, value string, how byte) {
		p, err := trustpolicy.Parse(doc)
		if err != nil {
			return
		}
		less := trustpolicy.WebIdentity(provider, audience, subject)
		if how&8 != 0 {
			less.Principal = ""
		}
		if how&16 != 0 {
			less.Context = map[string][]string{issuer + ":aud": {audience}}
			key, value = issuer+":sub", subject
		}
		more := less
		more.Principal = provider
		more.Context = map[string][]string{}
		for k, v := range less.Context {
			more.Context[k] = v
		}
		if !isKnown(less, key) {
			switch how & 3 {
			case 0:
				more.Context[key] = []string{value}
			case 1:
				more.Absent = append(more.Absent, key)
			default:
				more.Context[key] = []string{value, "other"}
			}
		}
		before, after := trustpolicy.Evaluate(p, less), trustpolicy.Evaluate(p, more)
		switch b, a := before.Decision, after.Decision; {
		case b == trustpolicy.Undecided, b == a:
		case b == trustpolicy.ImplicitDeny && a == trustpolicy.ExplicitDeny:
		default:
			t.Fatalf("%s became %s with %s:\n%s\n%s\n%s", b, a, key, doc, reasons(before), reasons(after))
		}
		reasons(after)
		if miss, ok := after.NearestMiss(); ok && !miss.Patch.Empty() {
			mended, err := miss.Patch.Apply(doc)
			if err != nil {
				t.Fatalf("the patch does not apply: %v", err)
			}
			q, err := trustpolicy.Parse(mended)
			if err != nil {
				t.Fatal(err)
			}
			if d := trustpolicy.Evaluate(q, more).Decision; d.Denied() {
				t.Fatalf("still %s with the patch:\n%s\n%s", d, doc, mended)
			}
		}
	})
}

// isKnown reports whether a request says something about a key: by Null, which
// is unknown for nothing else.
func isKnown(r trustpolicy.Request, key string) bool {
	quoted, err := json.Marshal(key)
	if err != nil {
		return true
	}
	p, err := trustpolicy.Parse([]byte(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Condition":{"StringLike":{` + string(quoted) + `:"*"}}}}`))
	if err != nil {
		return true
	}
	return trustpolicy.Evaluate(p, r).Decision != trustpolicy.Undecided
}
