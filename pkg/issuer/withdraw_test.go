package issuer

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Only a bucket that publishing made for this very issuer is ours to delete, and of
// its objects only the documents.
func TestOnlyABucketOfThisIssuerIsOurs(t *testing.T) {
	type state struct {
		Ours              bool
		Whose             string
		Documents, Others []string
	}
	documents := []string{".well-known/openid-configuration", "openid/v1/jwks"}
	for name, tc := range map[string]struct {
		tags map[string]string // nil leaves what publishing wrote
		more string            // the key of another object
		want state
	}{
		"as publishing made it":  {want: state{Ours: true, Documents: documents}},
		"somebody put more in":   {more: "theirs", want: state{Ours: true, Documents: documents, Others: []string{"theirs"}}},
		"somebody made it":       {tags: map[string]string{"team": "shop"}, want: state{Whose: "it was not made by kubectl irsa"}},
		"it is marked otherwise": {tags: map[string]string{irsa.TagOwned: "false", irsa.TagIssuer: testIssuer}, want: state{Whose: "it was not made by kubectl irsa"}},
		"made for another issuer": {tags: map[string]string{irsa.TagOwned: "true", irsa.TagIssuer: "https://other.example"},
			want: state{Whose: "it was made for another issuer: https://other.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "P-256", awstest.Options{})
			if _, err := c.publish(t, nil); err != nil {
				t.Fatal(err)
			}
			client := s3.NewFromConfig(c.aws.ConfigFor(c.as))
			if tc.tags != nil {
				set := &types.Tagging{TagSet: []types.Tag{}}
				for key, value := range tc.tags {
					set.TagSet = append(set.TagSet, types.Tag{Key: aws.String(key), Value: aws.String(value)})
				}
				if _, err := client.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: aws.String("shop-issuer"), Tagging: set}); err != nil {
					t.Fatal(err)
				}
			}
			if tc.more != "" {
				c.aws.PutObject("shop-issuer", tc.more, "text/plain", []byte("x"))
			}
			at, _ := LocationOf(testIssuer)
			w := &Withdrawal{S3: client, STS: sts.NewFromConfig(c.aws.ConfigFor(c.as)), Issuer: testIssuer, Location: at, Region: "us-east-1"}
			ours, err := w.Ours(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := state{ours, w.state.whose, w.state.documents, w.state.others}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A statement counts as open only where it lets everybody read, and ours is the one
// that is changed.
func TestOnlyAStatementThatOpensCounts(t *testing.T) {
	const arn, other = "arn:aws:s3:::b/k", "arn:aws:s3:::b/other"
	statement := func(sid, effect, action, resource string) string {
		return `{"Sid":"` + sid + `","Effect":"` + effect + `","Principal":"*","Action":"` + action + `","Resource":"` + resource + `"}`
	}
	ours := `{"Sid":"` + policySid + `","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":["` + arn + `"]}`
	document := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	for name, tc := range map[string]struct{ has, want string }{
		"it is open":       {document(statement("A", "Allow", "s3:GetObject", arn)), document(statement("A", "Allow", "s3:GetObject", arn))},
		"it is denied":     {document(statement("A", "Deny", "s3:GetObject", arn)), document(statement("A", "Deny", "s3:GetObject", arn), ours)},
		"another action":   {document(statement("A", "Allow", "s3:PutObject", arn)), document(statement("A", "Allow", "s3:PutObject", arn), ours)},
		"another object":   {document(statement("A", "Allow", "s3:GetObject", other)), document(statement("A", "Allow", "s3:GetObject", other), ours)},
		"ours for another": {document(statement(policySid, "Allow", "s3:GetObject", other)), document(strings.Replace(ours, `"`+arn, `"`+other+`","`+arn, 1))},
	} {
		got, changed, err := openPolicy(tc.has, []string{arn})
		if diff := cmp.Diff(tc.want, got); err != nil || changed != (tc.has != tc.want) || diff != "" {
			t.Errorf("%s: changed %v, error %v (-want +got):\n%s", name, changed, err, diff)
		}
	}
	large := document(statement("A", "Allow", "s3:GetObject", other+strings.Repeat("x", maxBucketPolicy)))
	if got, changed, err := openPolicy(large, []string{arn}); err == nil || changed || got != "" {
		t.Errorf("a policy that S3 refuses: changed %v, error %v", changed, err)
	}
}
