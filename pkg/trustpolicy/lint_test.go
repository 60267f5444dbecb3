package trustpolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

type finding struct {
	Code      string
	Severity  trustpolicy.Severity
	Statement int
	At        string // the text of the document that the position points at
	Detail    string
	Document  string // with the patch; "" when there is none
}

func TestLint(t *testing.T) {
	good := allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)
	rest := `,"Action":"%web","Condition":{"StringEquals":{"%aud":"%sts","%sub":"%cart"}}}`
	all := trustpolicy.LintOptions{Provider: provider, Audience: audience}
	tests := map[string]struct {
		policy  string
		options *trustpolicy.LintOptions
		want    []finding
	}{
		"nothing to find": {policy: doc(good)},
		"a pattern for one namespace is fine": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"system:serviceaccount:shop:*"}`)),
		},
		"roles for services are none of our business": {
			policy: doc(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
				`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`),
		},
		"session tags in a statement of their own": {
			policy: doc(good, `{"Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"sts:TagSession"}`),
		},
		"no subject": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"}`)),
			want: []finding{{
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role", "",
			}},
		},
		"a negated subject is none": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringNotLike":{"%sub":"*:kube-system:*"}`)),
			want: []finding{{
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role", "",
			}},
		},
		"no audience": {
			policy: doc(allow(`"StringEquals":{"%sub":"%cart"}`)),
			want: []finding{{
				"ROLE2", trustpolicy.Warn, 0, `{"Effect"`, "no condition on aud: every audience of the provider is accepted", doc(good[:len(good)-len(`"%aud":"%sts","%sub":"%cart"}}}`)] + `"%aud": "%sts", "%sub":"%cart"}}}`),
			}},
		},
		"no audience beside a pattern": {
			policy: doc(allow(`"StringLike":{"%sub":"*:shop:cart"}`)),
			want: []finding{{
				"ROLE2", trustpolicy.Warn, 0, `{"Effect"`, "no condition on aud: every audience of the provider is accepted",
				doc(allow(`"StringEquals": {"%aud": "%sts"}, "StringLike":{"%sub":"*:shop:cart"}`)),
			}, {
				"ROLE7", trustpolicy.Warn, 0, `"*:shop:cart"`, `"*:shop:cart" matches in namespaces that do not exist yet: whoever may create one can assume the role`, "",
			}},
		},
		"every audience": {
			policy: doc(allow(`"StringEquals":{"%sub":"%cart"},"StringLike":{"%aud":"*"}`)),
			want: []finding{{
				"ROLE2", trustpolicy.Warn, 0, `"*"`, `"*" matches every audience of the provider`, doc(allow(`"StringEquals":{"%sub":"%cart"},"StringLike":{"%aud":"%sts"}`)),
			}},
		},
		"an Allow for everybody beside a Deny for everybody else": {
			policy: doc(open, deny(`"StringNotEquals":{"%sub":"%cart"}`), deny(`"StringNotEquals":{"%aud":"%sts"}`)),
		},
		"a pattern for everybody beside a Deny for everybody else": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"*"}`), deny(`"StringNotLike":{"%sub":"system:serviceaccount:shop:*"}`)),
		},
		"a Deny that only some are kept out by": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"}`), deny(`"StringNotEquals":{"%sub":"%cart","%aud":"vault"}`)),
			want: []finding{{
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role", "",
			}},
		},
		"a subject of one of two providers": {
			policy: doc(`{"Effect":"Allow","Principal":{"Federated":["%provider","arn:aws:iam::111122223333:oidc-provider/other.example"]},"Action":"%web","Condition":{"StringEquals":{"%aud":"%sts","%sub":"%cart"}}}`),
		},
		"a subject that is a variable": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"system:serviceaccount:shop:${aws:RequestTag/name}"}`)),
		},
		"no condition at all": {
			policy: doc(open),
			want: []finding{{
				"ROLE2", trustpolicy.Warn, 0, `{"Effect"`, "no condition on aud: every audience of the provider is accepted",
				doc(strings.TrimSuffix(open, "}") + `, "Condition": {"StringEquals": {"%aud": "%sts"}}}`),
			}, {
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role", "",
			}},
		},
		"every subject": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":["system:serviceaccount:*","*","system:serviceaccount:*:*","system:serviceaccount:*:cart"]}`)),
			want: []finding{
				{"ROLE7", trustpolicy.Fail, 0, `"system:serviceaccount:*"`, `"system:serviceaccount:*" matches every ServiceAccount of the cluster`, ""},
				{"ROLE7", trustpolicy.Fail, 0, `"*"`, `"*" matches every ServiceAccount of the cluster`, ""},
				{"ROLE7", trustpolicy.Fail, 0, `"system:serviceaccount:*:*"`, `"system:serviceaccount:*:*" matches every ServiceAccount of the cluster`, ""},
				{"ROLE7", trustpolicy.Warn, 0, `"system:serviceaccount:*:cart"`, `"system:serviceaccount:*:cart" matches in namespaces that do not exist yet: whoever may create one can assume the role`, ""},
			},
		},
		"a star under StringEquals": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"system:serviceaccount:shop:*"}`)),
			want: []finding{{
				"ROLE4", trustpolicy.Fail, 0, `"system:serviceaccount:shop:*"`, `StringEquals compares "system:serviceaccount:shop:*" as it is: * and ? are wildcards under StringLike only`,
				doc(allow(`"StringEquals":{"%aud":"%sts"}, "StringLike": {"%sub":"system:serviceaccount:shop:*"}`)),
			}},
		},
		"a star under StringEquals beside a pattern of the same key": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"system:serviceaccount:shop:*"},"StringLike":{"%sub":"*:cart"}`)),
			want: []finding{{
				"ROLE4", trustpolicy.Fail, 0, `"system:serviceaccount:shop:*"`, `StringEquals compares "system:serviceaccount:shop:*" as it is: * and ? are wildcards under StringLike only`, "",
			}},
		},
		"a star as audience": {
			policy: doc(allow(`"StringEquals":{"%aud":"*","%sub":"%cart"}`)),
			want: []finding{{
				"ROLE4", trustpolicy.Fail, 0, `"*"`, `StringEquals compares "*" as it is: * and ? are wildcards under StringLike only`, doc(good),
			}},
		},
		"ForAllValues": {
			policy: doc(allow(`"ForAllValues:StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"%cart"}`)),
			want: []finding{{
				"ROLE5", trustpolicy.Fail, 0, `"ForAllValues:StringEquals"`, "ForAllValues:StringEquals of aud is satisfied when the key is absent",
				doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"%cart"}`)),
			}},
		},
		"IfExists on the subject": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringEqualsIfExists":{"%sub":"%cart"}`)),
			want: []finding{{
				"ROLE5", trustpolicy.Warn, 0, `"StringEqualsIfExists"`, "StringEqualsIfExists of sub is satisfied when the key is absent",
				doc(allow(`"StringEquals":{"%aud":"%sts", "%sub":"%cart"}`)),
			}},
		},
		"IfExists on the subject of another issuer lets everybody in": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringEqualsIfExists":{"other.example:sub":"%cart"}`)),
			want: []finding{{
				"ROLE3", trustpolicy.Fail, 0, `"other.example:sub"`, "the key other.example:sub belongs to another issuer: this provider's keys begin with %issuer",
				doc(allow(`"StringEquals":{"%aud":"%sts"},"StringEqualsIfExists":{"%sub":"%cart"}`)),
			}, {
				"ROLE5", trustpolicy.Warn, 0, `"StringEqualsIfExists"`, "StringEqualsIfExists of sub is satisfied when the key is absent",
				doc(allow(`"StringEquals":{"%aud":"%sts", "other.example:sub":"%cart"}`)),
			}, {
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role", "",
			}},
		},
		"ForAnyValue is one too many": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"ForAnyValue:StringLike":{"%sub":"%cart"}`)),
			want: []finding{{
				"ROLE5", trustpolicy.Warn, 0, `"ForAnyValue:StringLike"`, "sub has one value: ForAnyValue:StringLike needs no set operator",
				doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"%cart"}`)),
			}},
		},
		"keys of another issuer": {
			policy: doc(allow(`"StringEquals":{"https://%aud":"%sts","%issuer/:sub":"%cart"}`)),
			want: []finding{{
				"ROLE3", trustpolicy.Fail, 0, `"https://%aud"`, "the key https://%aud belongs to another issuer: this provider's keys begin with %issuer",
				doc(allow(`"StringEquals":{"%aud":"%sts","%issuer/:sub":"%cart"}`)),
			}, {
				"ROLE3", trustpolicy.Fail, 0, `"%issuer/:sub"`, "the key %issuer/:sub belongs to another issuer: this provider's keys begin with %issuer",
				doc(allow(`"StringEquals":{"https://%aud":"%sts","%sub":"%cart"}`)),
			}},
		},
		"a letter too many in a key": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%issuer:subb":"%cart"}`)),
			want: []finding{{
				"ROLE3", trustpolicy.Fail, 0, `"%issuer:subb"`, "no token has a claim subb: the key should be %sub",
				doc(good),
			}},
		},
		"a claim that is no key": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart","%issuer:kubernetes.io":"x"}`)),
			want: []finding{{
				"ROLE3", trustpolicy.Warn, 0, `"%issuer:kubernetes.io"`, "kubernetes.io is no claim IAM makes a condition key of for every provider: a token may not satisfy it", "",
			}},
		},
		"the wrong one of AWS's domains": {
			policy: doc(allow(`"StringEquals":{"%aud":"sts.amazon.com","%sub":"%cart"}`)),
			want: []finding{{
				"ROLE2", trustpolicy.Fail, 0, `"sts.amazon.com"`, `the audience is "sts.amazon.com" and should be "sts.amazonaws.com"`, doc(good),
			}},
		},
		"a principal that is a star": {
			policy: doc(`{"Effect":"Allow","Principal":"*"` + rest),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"*"`, `Principal "*" trusts everybody: name the identity provider`, doc(`{"Effect":"Allow","Principal":{"Federated": "%provider"}` + rest),
			}},
		},
		"a star under AWS": {
			policy: doc(`{"Effect":"Allow","Principal":{"AWS":"*"}` + rest),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"*"`, `Principal {"AWS": "*"} trusts everybody: name the principal`, "",
			}},
		},
		"the provider under AWS": {
			policy: doc(`{"Effect":"Allow","Principal":{"AWS":"%provider"}` + rest),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"AWS"`, "the identity provider %provider stands under AWS: providers are Federated principals", doc(good),
			}},
		},
		"an account for web identities": {
			policy: doc(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}` + rest),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"arn:aws:iam::111122223333:root"`, "the AWS principal arn:aws:iam::111122223333:root never comes with a web identity: name the identity provider as Federated",
				doc(`{"Effect":"Allow","Principal":{"Federated": "%provider"}` + rest),
			}},
		},
		"AssumeRole for a provider": {
			policy: doc(strings.Replace(good, "%web", "sts:AssumeRole", 1)),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"sts:AssumeRole"`, "the action is sts:AssumeRole, and tokens come with sts:AssumeRoleWithWebIdentity", doc(good),
			}},
		},
		"another action for a provider": {
			policy: doc(strings.Replace(good, "%web", "sts:AssumeRoleWithSAML", 1)),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"sts:AssumeRoleWithSAML"`, `the actions "sts:AssumeRoleWithSAML" do not include sts:AssumeRoleWithWebIdentity`,
				doc(strings.Replace(good, `"%web"`, `["sts:AssumeRoleWithSAML", "%web"]`, 1)),
			}},
		},
		"a provider spelled as a URL": {
			policy: doc(`{"Effect":"Allow","Principal":{"Federated":"https://%issuer"},"Action":"%web"}`),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"https://%issuer"`, "the principal https://%issuer is a URL: it takes the ARN of the identity provider", doc(open),
			}},
		},
		"a provider with its scheme": {
			policy: doc(strings.Replace(good, "%provider", "arn:aws:iam::111122223333:oidc-provider/https://%issuer", 1)), options: &trustpolicy.LintOptions{},
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"arn:aws:iam::111122223333:oidc-provider/https://%issuer"`, "the provider's ARN arn:aws:iam::111122223333:oidc-provider/https://%issuer has the scheme of its URL in it", doc(good),
			}},
		},
		"a provider with a slash behind": {
			policy: doc(strings.Replace(good, "%provider", "%provider/", 1)),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"%provider/"`, "the provider's ARN %provider/ ends in a slash", doc(good),
			}},
		},
		"a provider with a wildcard": {
			policy: doc(strings.Replace(good, "%provider", "arn:aws:iam::*:oidc-provider/%issuer", 1)),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 0, `"arn:aws:iam::*:oidc-provider/%issuer"`, "the principal arn:aws:iam::*:oidc-provider/%issuer has a wildcard: a principal is compared as it is", "",
			}},
		},
		"everybody of an organization, without web identities": {
			policy: doc(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}}`),
			want: []finding{{
				"ROLE6", trustpolicy.Warn, 0, `"*"`, `Principal {"AWS": "*"} trusts everybody: name the principal`, "",
			}},
		},
		"the audience of another provider's tokens": {
			policy: doc(good, `{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/other.example"},"Action":"%web","Condition":{"StringEquals":{"other.example:aud":"vault","other.example:sub":"%cart"}}}`),
		},
		"no subject where one is meant": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"}`)), options: &trustpolicy.LintOptions{Subject: subject},
			want: []finding{{
				"ROLE7", trustpolicy.Fail, 0, `{"Effect"`, "no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role",
				doc(allow(`"StringEquals":{"%sub": "%cart", "%aud":"%sts"}`)),
			}},
		},
		"every subject where one is meant": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"system:serviceaccount:*"}`)), options: &trustpolicy.LintOptions{Subject: subject},
			want: []finding{{
				"ROLE7", trustpolicy.Fail, 0, `"system:serviceaccount:*"`, `"system:serviceaccount:*" matches every ServiceAccount of the cluster`,
				doc(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"%cart"}`)),
			}},
		},
		"a tag with a colon is no key of an issuer": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart","aws:RequestTag/a.b/c:sub":"x"}`)),
		},
		"names of keys have no case": {
			policy: doc(allow(`"StringEquals":{"%issuer:AUD":"%sts","%issuer:Sub":"system:serviceaccount:shop:*"}`)),
			want: []finding{{
				"ROLE4", trustpolicy.Fail, 0, `"system:serviceaccount:shop:*"`, `StringEquals compares "system:serviceaccount:shop:*" as it is: * and ? are wildcards under StringLike only`,
				doc(allow(`"StringEquals":{"%issuer:AUD":"%sts"}, "StringLike": {"%issuer:Sub":"system:serviceaccount:shop:*"}`)),
			}},
		},
		"NotAction": {
			policy: doc(strings.Replace(good, `"Action":"%web"`, `"NotAction":"sts:AssumeRole"`, 1)),
			want: []finding{{
				"ROLE6", trustpolicy.Warn, 0, `"sts:AssumeRole"`, "NotAction with Allow grants every action of STS but these", "",
			}},
		},
		"the provider of another account": {
			policy: doc(strings.Replace(good, "111122223333", "x", 1), strings.Replace(good, "%provider", "arn:aws-cn:iam::111122223333:oidc-provider/%issuer", 1)),
			want: []finding{{
				"SA2", trustpolicy.Fail, 1, `"arn:aws-cn:iam::111122223333:oidc-provider/%issuer"`, "the principal is arn:aws-cn:iam::111122223333:oidc-provider/%issuer, the identity provider is %provider", doc(good, good),
			}},
		},
		"NotPrincipal": {
			policy: doc(good, `{"Effect":"Deny","NotPrincipal":{"Federated":"%provider"},"Action":"*"}`),
			want: []finding{{
				"ROLE6", trustpolicy.Fail, 1, `{"Federated"`, "NotPrincipal is not for trust policies, and not supported with Allow at all", "",
			}},
		},
		"a variable in the old language": {
			policy: old(allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"system:serviceaccount:shop:${aws:username}"}`)),
			want: []finding{{
				"ROLE4", trustpolicy.Warn, 0, `"system:serviceaccount:shop:${aws:username}"`, `"system:serviceaccount:shop:${aws:username}" has a policy variable, which is plain text without "Version": "2012-10-17"`, "",
			}},
		},
		"an operator nobody knows": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"},"StringIs":{"a:b":"c"}`)),
			want: []finding{{
				"", trustpolicy.Warn, 0, `"StringIs"`, "StringIs is no condition operator that IAM documents", "",
			}},
		},
		"more than the quota": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["%cart","` + strings.Repeat("x", 2000) + `"]}`)),
			want: []finding{{
				"ROLE12", trustpolicy.Warn, -1, `{"Version"`, "the policy has 2403 characters: the quota is 2048 and can be raised to 4096", "",
			}},
		},
		"more than any quota": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["%cart","` + strings.Repeat("x", 4000) + `"]}`)),
			want: []finding{{
				"ROLE12", trustpolicy.Fail, -1, `{"Version"`, "the policy has 4403 characters: the quota is 2048 and can be raised to 4096", "",
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			options := all
			if tc.options != nil {
				options = *tc.options
			}
			p := parse(t, tc.policy)
			var got []finding
			for _, f := range trustpolicy.Lint(p, options) {
				g := finding{Code: f.Code, Severity: f.Severity, Statement: f.Statement, Detail: f.Detail}
				if !f.Patch.Empty() {
					g.Document = apply(t, f.Patch, tc.policy)
				}
				if n := len(got); n < len(tc.want) {
					g.At = tc.policy[f.Position.Offset:min(len(tc.policy), f.Position.Offset+len(words.Replace(tc.want[n].At)))]
				}
				got = append(got, g)
			}
			for i := range tc.want {
				tc.want[i].At, tc.want[i].Detail = words.Replace(tc.want[i].At), words.Replace(tc.want[i].Detail)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
