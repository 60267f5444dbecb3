package trustpolicy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

func TestGrants(t *testing.T) {
	const other = "arn:aws:iam::111122223333:oidc-provider/other.example"
	policy := doc(
		`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`,
		`{"Sid":"A","Effect":"Allow","Principal":{"Federated":["%provider","`+other+`"]},"Action":"sts:*","Condition":{"StringEquals":{"%aud":["%sts","b"]},"StringLike":{"%sub":["%cart","system:serviceaccount:jobs:*"]}}}`,
		allow(`"StringEquals":{"%sub":"system:serviceaccount:*"}`),
		allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart","aws:RequestTag/a":"b"}`),
		allow(`"StringLike":{"%sub":"${aws:username}"}`),
		allow(`"StringNotEquals":{"%sub":"%cart"}`),
		deny(`"StringEquals":{"%sub":"%cart"}`),
		`{"Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"sts:TagSession"}`,
		`{"Effect":"Allow","Principal":"*","Action":"%web","Condition":{"StringEquals":{"%aud":"%sts","%sub":"%cart"}}}`,
		`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`,
	)
	cart := trustpolicy.Subject{Text: subject}
	want := []trustpolicy.Grant{
		{Statement: 1, Sid: "A", Provider: provider, Issuer: issuer, Audiences: []string{audience, "b"}, Subjects: []trustpolicy.Subject{cart, {Text: "system:serviceaccount:jobs:*", Pattern: true}}},
		{Statement: 1, Sid: "A", Provider: other, Issuer: "other.example", More: true},
		{Statement: 2, Provider: provider, Issuer: issuer, Subjects: []trustpolicy.Subject{{Text: "system:serviceaccount:*"}}},
		{Statement: 3, Provider: provider, Issuer: issuer, Audiences: []string{audience}, Subjects: []trustpolicy.Subject{cart}, More: true},
		{Statement: 4, Provider: provider, Issuer: issuer, More: true},
		{Statement: 5, Provider: provider, Issuer: issuer, More: true},
		{Statement: 8, Provider: trustpolicy.Everybody, Issuer: issuer, Audiences: []string{audience}, Subjects: []trustpolicy.Subject{cart}},
		{Statement: 9, Provider: trustpolicy.Everybody, More: true},
	}
	if diff := cmp.Diff(want, trustpolicy.Grants(parse(t, policy))); diff != "" {
		t.Error(diff)
	}
}

func TestASubjectMatches(t *testing.T) {
	tests := map[string]struct {
		subject trustpolicy.Subject
		want    bool
	}{
		"itself":                             {trustpolicy.Subject{Text: subject}, true},
		"its pattern":                        {trustpolicy.Subject{Text: "system:serviceaccount:shop:*", Pattern: true}, true},
		"not what only looks like a pattern": {trustpolicy.Subject{Text: "system:serviceaccount:shop:*"}, false},
		"not another pattern":                {trustpolicy.Subject{Text: "system:serviceaccount:jobs:*", Pattern: true}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.subject.Matches(subject); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
