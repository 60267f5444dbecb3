package trustpolicy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// twoKB is a policy as they grow: several clusters, each with its subjects, and
// a Deny. It fills the default quota.
func twoKB(tb testing.TB) []byte {
	tb.Helper()
	var statements []string
	for i := range 4 {
		other := fmt.Sprintf("oidc.eks.eu-west-1.amazonaws.com/id/%032X", i)
		if i == 3 {
			other = issuer
		}
		statements = append(statements, fmt.Sprintf(`{
      "Sid": "Cluster%d",
      "Effect": "Allow",
      "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/%s"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {"%s:aud": "sts.amazonaws.com"},
        "StringLike": {"%s:sub": ["system:serviceaccount:shop:cart", "system:serviceaccount:till-%d:*"]}
      }
    }`, i, other, other, other, i))
	}
	statements = append(statements, deny(`"StringLike":{"%sub":"system:serviceaccount:kube-system:*"}`))
	out := []byte(words.Replace("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    " + strings.Join(statements, ",\n    ") + "\n  ]\n}\n"))
	if size := trustpolicy.Size(out); size < 1900 || size > 2350 {
		tb.Fatalf("the policy has %d characters, want about 2048", size)
	}
	return out
}

// BenchmarkEvaluate2KB reads and judges a policy of 2 KB; x-json is its time
// over that of encoding/json for the same bytes into any.
func BenchmarkEvaluate2KB(b *testing.B) {
	document := twoKB(b)
	request := trustpolicy.WebIdentity(provider, audience, subject)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	var own, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		p, err := trustpolicy.Parse(document)
		if err != nil {
			b.Fatal(err)
		}
		if d := trustpolicy.Evaluate(p, request).Decision; d != trustpolicy.Allowed {
			b.Fatal(d)
		}
		middle := time.Now()
		var v any
		if err := json.Unmarshal(document, &v); err != nil {
			b.Fatal(err)
		}
		own += middle.Sub(start)
		theirs += time.Since(middle)
	}
	b.ReportMetric(float64(own)/float64(theirs), "x-json")
}
