package trustpolicy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// TestHostileDocumentsCostLittle judges documents just below the limit, made to
// be as slow as they can. Quadratic time would show as minutes.
func TestHostileDocumentsCostLittle(t *testing.T) {
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < trustpolicy.MaxDocument-2048; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(words.Replace(strings.ReplaceAll(format, "#", fmt.Sprint(i))))
		}
		return b.String()
	}
	tests := map[string]string{
		"stars under StringEquals": doc(allow(`"StringEquals":{"%sub":[` + many(`"*"`) + `]}`)),
		"patterns":                 doc(allow(`"StringLike":{"%sub":[` + many(`"system:serviceaccount:*:x"`) + `]}`)),
		"patterns beside a Deny":   doc(allow(`"StringLike":{"%sub":[`+many(`"system:serviceaccount:*:x"`)+`]}`), deny(`"StringLike":{"%sub":"*"}`)),
		"Allows beside Denies":     doc(many(open + "," + deny(`"StringNotEquals":{"%sub":"%cart"}`))),
		"statements for everybody": doc(many(`{"Effect":"Allow","Principal":"*","Action":"*"}`)),
		"statements with a Sid":    doc(many(`{"Sid":"A#","Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"a","Condition":{"StringEquals":{"%sub":"*"}}}`)),
		"operators":                doc(allow(many(`"X#":{}`))),
		"keys":                     doc(allow(`"StringEquals":{` + many(`"x.y/#:sub":"*"`) + `}`)),
		"one long pattern":         doc(allow(`"StringLike":{"%sub":"` + strings.Repeat("*s", 100_000) + `"}`)),
		"variables":                doc(allow(`"StringLike":{"%sub":"` + strings.Repeat("${*}", 60_000) + `"}`)),
	}
	for name, policy := range tests {
		t.Run(name, func(t *testing.T) {
			p := parse(t, policy)
			e := trustpolicy.Evaluate(p, trustpolicy.WebIdentity(provider, audience, subject))
			e.NearestMiss()
			if n := len(trustpolicy.Lint(p, trustpolicy.LintOptions{Provider: provider, Audience: audience})); n > 200 {
				t.Errorf("%d findings", n)
			}
			trust := trustpolicy.Trust{Provider: provider, Audience: audience, Subject: subject}
			if _, err := trustpolicy.Add(p, trust); err != nil {
				t.Error(err)
			}
		})
	}
}

// A statement for everybody is not hidden by what stands before it, even in a
// document that IAM stores: what was not tried is not called narrow.
func TestWhatIsTooMuchToTryIsNotCalledNarrow(t *testing.T) {
	// nobody is let in, and each pattern has to be tried to tell.
	nobody := func(patterns int) string {
		return allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"},"StringLike":{"%sub":["*"` + strings.Repeat(`,"*"`, patterns-1) + `]}`)
	}
	const everybody = "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role"
	open := allow(`"StringEquals":{"%aud":"%sts"}`)
	for name, tc := range map[string]struct {
		policy string
		want   []finding
	}{
		"as much as is tried": { // once for aud and for sub of each statement, and for each pattern
			policy: doc(nobody(296), open),
			want:   []finding{{"ROLE7", trustpolicy.Fail, 1, `{"Effect"`, everybody, ""}},
		},
		"one more": {
			policy: doc(nobody(297), open),
			want: []finding{{"ROLE7", trustpolicy.Warn, 1, `{"Effect"`,
				"too many providers and patterns to try each: from this statement on anybody may be let in", ""}},
		},
		"far more": {
			policy: doc(nobody(500), open, open),
			want: []finding{{"ROLE7", trustpolicy.Warn, 0, `{"Effect"`,
				"too many providers and patterns to try each: from this statement on anybody may be let in", ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, tc.policy)
			if size := trustpolicy.Size(p.Source()); size > trustpolicy.QuotaSizeMax {
				t.Fatalf("IAM stores no document of %d characters", size)
			}
			var got []finding
			for _, f := range trustpolicy.Lint(p, trustpolicy.LintOptions{Provider: provider, Audience: audience}) {
				if f.Code != "ROLE12" {
					got = append(got, finding{f.Code, f.Severity, f.Statement, `{"Effect"`, f.Detail, ""})
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
