package trustpolicy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// amr is a request with one more claim than aud and sub.
func amr(values ...string) map[string][]string { return map[string][]string{issuer + ":amr": values} }

// edgeVerdicts are the forms that few policies have: a wrong answer to one of
// them lets somebody in, or refuses a trust that works.
var edgeVerdicts = map[string]verdict{
	"Bool false of a key that is false": {
		policy: doc(allow(`"Bool":{"aws:ViaAWSService":"false"}`)), with: map[string][]string{"aws:ViaAWSService": {"false"}},
		want: yes, rule: operators + "#Conditions_Boolean",
	},
	"Bool of what is no Boolean": {
		policy: doc(allow(`"Bool":{"%issuer:amr":"true"}`)), with: amr("yes"),
		want: unknown, rule: operators + "#Conditions_Boolean",
	},
	"Bool with a variable": {
		policy: doc(allow(`"Bool":{"%issuer:amr":"${aws:SecureTransport}"}`)), with: map[string][]string{issuer + ":amr": {"true"}, "aws:SecureTransport": {"true"}},
		want: unknown, rule: variables + "#policy-vars-conditionelement",
	},
	"an empty string is a value like another without a set operator": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":""}`)), with: amr(""),
		want: yes, rule: operators + "#Conditions_String",
	},
	"whether an empty string is null is not said": {
		policy: doc(allow(`"Null":{"%issuer:amr":"false"}`)), with: amr(""),
		want: unknown, rule: operators + "#Conditions_Null",
	},
	"Null takes no third value": {
		policy: doc(allow(`"Null":{"%sub":"no"}`)),
		want:   unknown, rule: operators + "#Conditions_Null",
	},
	"a list without values under a negated operator is not documented": {
		policy: doc(allow(`"StringNotEqualsIfExists":{"%sub":[]}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition",
	},
	"a list without values under Null is not documented": {
		policy: doc(allow(`"Null":{"%sub":[]}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition",
	},
	"a list without values under ForAnyValue and IfExists is claimed by two rules": {
		policy: doc(allow(`"ForAnyValue:StringEqualsIfExists":{"%sub":[]}`)),
		want:   unknown, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-foranyvalue",
	},
	"a list without values matches an empty data set with ForAllValues": {
		policy: doc(allow(`"ForAllValues:StringEquals":{"%issuer:amr":[]}`)), with: amr(""),
		want: yes, rule: checks + "#access-analyzer-reference-policy-checks-suggestion-empty-array-condition-forallvalues",
	},
	"an ARN operator on six parts that are no ARN": {
		policy: doc(allow(`"ArnLike":{"%issuer:amr":"a:b:c:d:e:f"}`)), with: amr("a:b:c:d:e:f"),
		want: unknown, rule: operators + "#Conditions_ARN",
	},
	"an ARN operator that could cover what is no ARN": {
		policy: doc(allow(`"ArnLike":{"%issuer:amr":"arn:*:*:*:*:*"}`)), with: amr("urn:b:c:d:e:f"),
		want: unknown, rule: operators + "#Conditions_ARN",
	},
	"an ARN operator whose pattern is no ARN": {
		policy: doc(allow(`"ArnLike":{"%issuer:amr":"*:aws:s3:::b"}`)), with: amr("arn:aws:s3:::b"),
		want: unknown, rule: operators + "#Conditions_ARN",
	},
	"an ARN operator on a value that is half an ARN": {
		policy: doc(allow(`"ArnLike":{"%issuer:amr":"arn:aws:s3:::bucket"}`)), with: amr("arn:aws:s3"),
		want: unknown, rule: operators + "#Conditions_ARN",
	},
	"an escaped question mark is one": {
		policy: doc(allow(`"StringLike":{"%issuer:amr":"*b${?}"}`)), with: amr("ab?"),
		want: yes, rule: variables + "#policy-vars-specialchars",
	},
	"an escaped question mark is no other character": {
		policy: doc(allow(`"StringLike":{"%issuer:amr":"*b${?}"}`)), with: amr("abc"),
		want: no, rule: variables + "#policy-vars-specialchars",
	},
	"an escaped star in an ARN is a star": {
		policy: doc(allow(`"ArnLike":{"%issuer:amr":"arn:aws:s3:::${*}"}`)), with: amr("arn:aws:s3:::bucket"),
		want: no, rule: variables + "#policy-vars-specialchars",
	},
	"a star in a variable's value is itself under StringEquals": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"${aws:RequestTag/ns}"}`)), with: map[string][]string{issuer + ":amr": {"*"}, "aws:RequestTag/ns": {"*"}},
		want: yes, rule: variables + "#policy-vars-specialchars",
	},
	"a variable that is never closed is not read as if it were": {
		policy: doc(allow(`"StringEquals":{"%sub":"${aws:username"}`)), with: map[string][]string{"aws:username": {subject}},
		want: unknown, rule: checks + "#access-analyzer-reference-policy-checks-error-missing-brace-in-variable",
	},
	"a default without quotes": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"${aws:username, shop}"}`)), with: amr("shop"), absent: []string{"aws:username"},
		want: unknown, rule: variables + "#policy-vars-default-values",
	},
	"a default that lacks its first quote": {
		policy: doc(allow(`"StringNotEquals":{"%issuer:amr":"${aws:username, shop'}"}`)), with: amr("till"), absent: []string{"aws:username"},
		want: unknown, rule: variables + "#policy-vars-default-values",
	},
	"a default that lacks its last quote": {
		policy: doc(allow(`"StringNotEquals":{"%issuer:amr":"${aws:username, 'shop}"}`)), with: amr("till"), absent: []string{"aws:username"},
		want: unknown, rule: variables + "#policy-vars-default-values",
	},
	"a default of a single quote": {
		policy: doc(allow(`"StringEquals":{"%issuer:amr":"${aws:username, '}"}`)), with: amr("till"), absent: []string{"aws:username"},
		want: unknown, rule: variables + "#policy-vars-default-values",
	},
	"a question mark inside an action": {
		policy: doc(what(`"Action":"sts:AssumeRoleWithWeb?dentity"`)),
		want:   yes, rule: actions,
	},
	"a well-known provider is of no AWS account": {
		policy: doc(who(`"Principal":{"AWS":"111122223333"}`)), principal: "accounts.google.com",
		want: no, rule: principals + "#principal-accounts",
	},
	"a well-known provider is no service, whatever its name": {
		policy: doc(who(`"Principal":{"Service":"accounts.google.com"}`)), principal: "accounts.google.com",
		want: no, rule: principals + "#principal-services",
	},
}

func TestWhatIsRefusedForCertainIsNothingElse(t *testing.T) {
	got := map[string]bool{}
	for _, d := range []trustpolicy.Decision{yes, no, denied, unknown} {
		got[d.String()] = d.Denied()
	}
	want := map[string]bool{"allow": false, "implicit deny": true, "explicit deny": true, "unknown": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("denied (-want +got):\n%s", diff)
	}
}

func TestARequestWhoseProviderIsNotKnownIsNotCalledRefused(t *testing.T) {
	p, err := trustpolicy.Parse([]byte(doc(open)))
	if err != nil {
		t.Fatal(err)
	}
	e := trustpolicy.Evaluate(p, trustpolicy.Request{})
	check := &e.Statements[0].Checks[0]
	got := []string{e.Decision.String(), check.State.String(), check.Reason()}
	if diff := cmp.Diff([]string{"unknown", "not known", "the identity provider of the request is not known"}, got); diff != "" {
		t.Errorf("judged (-want +got):\n%s", diff)
	}
}

// TestAReasonSaysWhy holds the sentences where the values alone do not tell: a
// person is sent to the page, the key or the variable that is at fault.
func TestAReasonSaysWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		condition string
		with      map[string][]string
		absent    []string
		want      string
	}{
		"a key that is there twice": {
			condition: `"StringEquals":{"a:b":"c","A:b":"c"}`,
			want:      "a:b appears twice under StringEquals in different case: how that is read is not documented",
		},
		"Null with a set operator": {
			condition: `"ForAllValues:Null":{"a:b":"true"}`,
			want:      "ForAllValues:Null of a:b is the same for every request",
		},
		"an empty data set": {
			condition: `"ForAnyValue:StringEquals":{"a:b":"c"}`, with: map[string][]string{"a:b": {""}},
			want: "the request has no key a:b, and ForAnyValue:StringEquals then does not match",
		},
		"an operator that is not judged": {
			condition: `"IpAddress":{"a:b":"192.0.2.0/24"}`, with: map[string][]string{"a:b": {"192.0.2.1"}},
			want: "IpAddress is not judged here",
		},
		"Null of a key that is not known": {
			condition: `"Null":{"a:b":"true"}`,
			want:      "the request's a:b is not known here",
		},
		"Null with a third value": {
			condition: `"Null":{"a:b":"no"}`, with: map[string][]string{"a:b": {"c"}},
			want: `Null of a:b takes true or false, not "no"`,
		},
		"several values that disagree": {
			condition: `"StringEquals":{"a:b":"c"}`, with: map[string][]string{"a:b": {"c", "d"}},
			want: "a:b has several values and StringEquals has no set operator: how that is read is not documented",
		},
		"a variable that is not known": {
			condition: `"StringEquals":{"a:b":"${a:c}"}`, with: map[string][]string{"a:b": {"c"}},
			want: `a policy variable in "${a:c}" cannot be resolved for certain`,
		},
		"a variable without a value beside a value that matches": {
			condition: `"StringEquals":{"a:b":["${a:c}","c"]}`, with: map[string][]string{"a:b": {"c"}}, absent: []string{"a:c"},
			want: `a policy variable in "${a:c}" or "c" cannot be resolved for certain`,
		},
		"a variable without a value": {
			condition: `"StringEquals":{"a:b":"${a:c}"}`, with: map[string][]string{"a:b": {"c"}}, absent: []string{"a:c"},
			want: `a policy variable in "${a:c}" has no value in this request`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := trustpolicy.Parse([]byte(doc(allow(tc.condition))))
			if err != nil {
				t.Fatal(err)
			}
			e := trustpolicy.Evaluate(p, verdict{with: tc.with, absent: tc.absent}.request())
			const principalAndAction = 2
			if diff := cmp.Diff(tc.want, e.Statements[0].Checks[principalAndAction].Reason()); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

// A patch that dropped ForAnyValue or IfExists on its way would trust others than
// before.
func TestAPatternThatMovesKeepsItsSetOperatorAndIfExists(t *testing.T) {
	policy := doc(allow(`"ForAnyValue:StringEqualsIfExists":{"%sub":"system:serviceaccount:shop:*"}`))
	p, err := trustpolicy.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	miss, found := trustpolicy.Evaluate(p, verdict{}.request()).NearestMiss()
	if !found || !miss.InPlace {
		t.Fatalf("found %v, in its place %v", found, miss.InPlace)
	}
	got, err := miss.Patch.Apply([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	want := doc(allow(`"ForAnyValue:StringLikeIfExists":{"%sub":"system:serviceaccount:shop:*"}`))
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
