package trustpolicy_test

import (
	"fmt"
	"strings"
	"testing"

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
