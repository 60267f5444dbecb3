package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

func TestALineThatNarrowsATrustPolicyTakesNobodyElsesAway(t *testing.T) {
	const (
		aud   = `"cluster.s3.us-east-1.amazonaws.com:aud":"sts.amazonaws.com"`
		sub   = `"cluster.s3.us-east-1.amazonaws.com:sub":`
		cart  = sub + `"system:serviceaccount:shop:cart"`
		own   = `{"Federated":"arn:aws:iam::111122223333:oidc-provider/cluster.s3.us-east-1.amazonaws.com"}`
		gitHb = `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`
		root  = `{"AWS":"arn:aws:iam::111122223333:root","Federated":"arn:aws:iam::111122223333:oidc-provider/cluster.s3.us-east-1.amazonaws.com"}`
		web   = `"sts:AssumeRoleWithWebIdentity"`
		both  = `["sts:AssumeRoleWithWebIdentity","sts:TagSession"]`
		get   = "kubectl irsa role get cart"
	)
	statement := func(principal, action, condition string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + `,"Condition":{` + condition + `}}`
	}
	policy := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	update := func(statements ...string) string {
		return "aws iam update-assume-role-policy --role-name cart --policy-document '" + policy(statements...) + "'"
	}
	good := statement(own, web, `"StringEquals":{`+aud+`,`+cart+`}`)
	gitHub := statement(gitHb, web, `"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`)
	for name, tc := range map[string]struct {
		trust string
		want  []string
	}{
		"a statement for this provider alone gets its subject": {
			policy(statement(own, web, `"StringEquals":{`+aud+`}`)),
			[]string{update(statement(own, web, `"StringEquals":{`+cart+`,`+aud+`}`))}},
		"its other conditions and actions stay": {
			policy(statement(own, both, `"StringEquals":{`+aud+`},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)),
			[]string{update(statement(own, both, `"StringEquals":{`+cart+`,`+aud+`},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`))}},
		"a pattern of everybody becomes the subject": {
			policy(statement(own, web, `"StringEquals":{`+aud+`},"StringLike":{`+sub+`"system:serviceaccount:*:*"}`)),
			[]string{update(statement(own, web, `"StringEquals":{`+aud+`},"StringLike":{`+cart+`}`))}},
		"GitHub's own trust is GitHub's":           {policy(gitHub), []string{get}},
		"GitHub's beside ours":                     {policy(good, gitHub), []string{get}},
		"ours beside GitHub's is ours to mend":     {policy(statement(own, web, `"StringEquals":{`+aud+`}`), gitHub), []string{update(statement(own, web, `"StringEquals":{`+cart+`,`+aud+`}`), gitHub), get}},
		"the account is not locked out":            {policy(statement(root, `["sts:AssumeRole","sts:AssumeRoleWithWebIdentity"]`, `"StringEquals":{`+aud+`}`)), []string{get}},
		"everybody, whoever vouches for them":      {policy(statement(`"*"`, web, `"StringEquals":{`+aud+`}`)), []string{get}},
		"a Deny of all others says whom it is for": {policy(statement(own, web, `"StringEquals":{`+aud+`}`), strings.Replace(statement(own, web, `"StringNotEquals":{`+cart+`}`), "Allow", "Deny", 1)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.IAMRole.Value.Trust = tc.trust
			got := trustNarrow(f)
			if diff := cmp.Diff(tc.want, got.Fix); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, got.Detail)
			}
			if tc.want == nil && got.Status != check.Pass {
				t.Errorf("it is %s: %s", got.Status, got.Detail)
			}
		})
	}
}
