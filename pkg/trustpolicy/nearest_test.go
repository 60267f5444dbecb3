package trustpolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

type miss struct {
	Statement  int
	Kind       trustpolicy.CheckKind
	Key        string
	Reason     string
	Others     int
	Difference *trustpolicy.Difference
	Document   string // with the patch; "" when there is none
}

func TestNearestMiss(t *testing.T) {
	at := func(expected, actual string, column int) *trustpolicy.Difference {
		return &trustpolicy.Difference{
			Expected: expected, Actual: actual,
			ExpectedColumn: column, ActualColumn: column, ExpectedByte: column, ActualByte: column,
		}
	}
	key := func(claim string) string { return issuer + ":" + claim }
	good := allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)
	tests := map[string]struct {
		policy  string
		subject string
		want    miss
	}{
		"a letter too many in the namespace": {
			policy: doc(good), subject: "system:serviceaccount:shopp:cart",
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shopp:cart", which does not match StringEquals "system:serviceaccount:shop:cart"`,
				Difference: at(subject, "system:serviceaccount:shopp:cart", 26),
				Document:   doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["%cart", "system:serviceaccount:shopp:cart"]}`)),
			},
		},
		"a letter too many in the key": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%issuer:subb":"%cart"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("subb"),
				Reason:   "the request has no key " + key("subb") + ", and StringEquals then does not match",
				Document: doc(good),
			},
		},
		"the closest of several subjects is shown": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["system:serviceaccount:bank:cart","system:serviceaccount:shop:card"]}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:bank:cart" or "system:serviceaccount:shop:card"`,
				Difference: at("system:serviceaccount:shop:card", subject, 30),
				Document:   doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["system:serviceaccount:bank:cart","system:serviceaccount:shop:card","%cart"]}`)),
			},
		},
		"the closest statement is mended": {
			policy: doc(strings.ReplaceAll(good, "%provider", "arn:aws:iam::111122223333:oidc-provider/other.example"), allow(`"StringEquals":{"%aud":"%sts","%sub":"system:serviceaccount:shop:car"}`)),
			want: miss{
				Statement: 1, Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:shop:car"`,
				Difference: at("system:serviceaccount:shop:car", subject, 30),
				Document:   doc(strings.ReplaceAll(good, "%provider", "arn:aws:iam::111122223333:oidc-provider/other.example"), allow(`"StringEquals":{"%aud":"%sts","%sub":["system:serviceaccount:shop:car", "%cart"]}`)),
			},
		},
		"a star under StringEquals moves to StringLike": {
			policy: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"system:serviceaccount:shop:*"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:shop:*"`,
				Difference: at("system:serviceaccount:shop:*", subject, 27),
				Document:   doc(allow(`"StringEquals":{"%aud":"%sts"}, "StringLike": {"%sub":"system:serviceaccount:shop:*"}`)),
			},
		},
		"a star alone under StringEquals renames the operator": {
			policy: doc(allow(`"StringLike":{},"StringEquals":{"%sub":"system:serviceaccount:shop:*"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:shop:*"`,
				Difference: at("system:serviceaccount:shop:*", subject, 27),
				Document:   doc(allow(`"StringLike":{"%sub":"system:serviceaccount:shop:*"}`)),
			},
		},
		"the wrong one of AWS's domains is replaced": {
			policy: doc(allow(`"StringEquals":{"%aud":"sts.amazon.com","%sub":"%cart"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("aud"),
				Reason:     key("aud") + ` is "sts.amazonaws.com", which does not match StringEquals "sts.amazon.com"`,
				Difference: at("sts.amazon.com", audience, 10),
				Document:   doc(good),
			},
		},
		"another audience is kept beside": {
			policy: doc(allow(`"StringEquals":{"%aud":"vault","%sub":"%cart"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("aud"),
				Reason:     key("aud") + ` is "sts.amazonaws.com", which does not match StringEquals "vault"`,
				Difference: at("vault", audience, 0),
				Document:   doc(allow(`"StringEquals":{"%aud":["vault", "%sts"],"%sub":"%cart"}`)),
			},
		},
		"keys of another issuer are renamed": {
			policy: doc(allow(`"StringEquals":{"https://%aud":"%sts","https://%sub":"%cart"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: "https://" + key("aud"), Others: 1,
				Reason:   "the request has no key https://" + key("aud") + ", and StringEquals then does not match",
				Document: doc(good),
			},
		},
		"the provider of another account": {
			policy: doc(strings.ReplaceAll(good, "%provider", "arn:aws:iam::444455556666:oidc-provider/%issuer")),
			want: miss{
				Kind:       trustpolicy.PrincipalCheck,
				Reason:     `Principal is "Federated: arn:aws:iam::444455556666:oidc-provider/` + issuer + `", not ` + provider,
				Difference: at("arn:aws:iam::444455556666:oidc-provider/"+issuer, provider, 13),
				Document:   doc(good),
			},
		},
		"AssumeRole in place of the web identity's action": {
			policy: doc(strings.ReplaceAll(good, "%web", "sts:AssumeRole")),
			want: miss{
				Kind:       trustpolicy.ActionCheck,
				Reason:     `the action sts:AssumeRoleWithWebIdentity is not among "sts:AssumeRole"`,
				Difference: at("sts:AssumeRole", trustpolicy.ActionWebIdentity, 14),
				Document:   doc(good),
			},
		},
		"three mistakes at once": {
			policy: doc(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/https://%issuer"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"%aud":"https://%sts","%sub":"%cart"}}}`),
			want: miss{
				Kind: trustpolicy.PrincipalCheck, Others: 2,
				Reason:     `Principal is "Federated: arn:aws:iam::111122223333:oidc-provider/https://` + issuer + `", not ` + provider,
				Difference: at("arn:aws:iam::111122223333:oidc-provider/https://"+issuer, provider, 40),
				Document:   doc(good),
			},
		},
		"somebody else's statement is left alone and one is added": {
			policy: doc(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			want: miss{
				Kind: trustpolicy.PrincipalCheck, Others: 1,
				Reason:   `Principal is "Service: lambda.amazonaws.com", not ` + provider,
				Document: doc(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"},{"Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "%cart"}}}`),
			},
		},
		"a negated condition is left alone and a statement is added": {
			policy: doc(allow(`"StringNotLike":{"%sub":"*:shop:*"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:   key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringNotLike "*:shop:*"`,
				Document: doc(allow(`"StringNotLike":{"%sub":"*:shop:*"}`), `{"Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "%cart"}}}`),
			},
		},
		"of two statements the one that agrees longer": {
			policy: doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:bank:cart"}`), allow(`"StringEquals":{"%sub":"system:serviceaccount:shop:carp"}`)),
			want: miss{
				Statement: 1, Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEquals "system:serviceaccount:shop:carp"`,
				Difference: at("system:serviceaccount:shop:carp", subject, 30),
				Document:   doc(allow(`"StringEquals":{"%sub":"system:serviceaccount:bank:cart"}`), allow(`"StringEquals":{"%sub":["system:serviceaccount:shop:carp", "%cart"]}`)),
			},
		},
		"the same issuer in another account is closer than another issuer": {
			policy: doc(who(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/other.example"}`), who(`"Principal":{"Federated":"arn:aws:iam::444455556666:oidc-provider/%issuer"}`)),
			want: miss{
				Statement: 1, Kind: trustpolicy.PrincipalCheck,
				Reason:     `Principal is "Federated: arn:aws:iam::444455556666:oidc-provider/` + issuer + `", not ` + provider,
				Difference: at("arn:aws:iam::444455556666:oidc-provider/"+issuer, provider, 13),
				Document:   doc(who(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/other.example"}`), open),
			},
		},
		"case is no difference where the operator ignores it": {
			policy: doc(allow(`"StringEqualsIgnoreCase":{"%sub":"system:serviceaccount:SHOP:card"}`)),
			want: miss{
				Kind: trustpolicy.KeyCheck, Key: key("sub"),
				Reason:     key("sub") + ` is "system:serviceaccount:shop:cart", which does not match StringEqualsIgnoreCase "system:serviceaccount:SHOP:card"`,
				Difference: at("system:serviceaccount:SHOP:card", subject, 30),
				Document:   doc(allow(`"StringEqualsIgnoreCase":{"%sub":["system:serviceaccount:SHOP:card", "%cart"]}`)),
			},
		},
		"a request for a pattern gets no patch": {
			policy: doc(), subject: "system:serviceaccount:shop:*",
			want: miss{Statement: -1},
		},
		"no statement allows anything": {
			policy: doc(),
			want: miss{
				Statement: -1,
				Document:  doc(`{"Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "%cart"}}}`),
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			who := tc.subject
			if who == "" {
				who = subject
			}
			m, ok := trustpolicy.Evaluate(parse(t, tc.policy), trustpolicy.WebIdentity(provider, audience, who)).NearestMiss()
			if !ok {
				t.Fatal("no miss")
			}
			got := miss{Statement: m.Statement, Others: len(m.Others), Difference: m.Difference}
			if m.Check != nil {
				got.Kind, got.Key, got.Reason = m.Check.Kind, m.Check.Key, m.Check.Reason()
			}
			if !m.Patch.Empty() {
				got.Document = apply(t, m.Patch, tc.policy)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAStatementIsMendedInItsPlaceWhereItIsPlainWhatWasMeant(t *testing.T) {
	good := allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)
	other := strings.NewReplacer("%provider", "arn:aws:iam::111122223333:oidc-provider/other.example")
	for name, tc := range map[string]struct {
		policy  string
		inPlace bool
		want    string // "" for an addition
	}{
		"another provider, and keys of this one": {doc(other.Replace(good)), true, doc(good)},
		"another provider with its own keys":     {doc(other.Replace(allow(`"StringEquals":{"other.example:aud":"%sts","other.example:sub":"%cart"}`))), false, ""},
		"another provider without conditions":    {doc(other.Replace(open)), false, ""},
		"two providers, and neither is this one": {doc(strings.ReplaceAll(good, `"%provider"`, `["arn:aws:iam::111122223333:oidc-provider/a.example","arn:aws:iam::111122223333:oidc-provider/b.example"]`)), false, ""},
		"an action":                              {doc(strings.ReplaceAll(good, "%web", "sts:AssumeRole")), true, doc(good)},
	} {
		t.Run(name, func(t *testing.T) {
			m, ok := trustpolicy.Evaluate(parse(t, tc.policy), trustpolicy.WebIdentity(provider, audience, subject)).NearestMiss()
			if !ok || m.InPlace != tc.inPlace || m.Patch.Empty() {
				t.Fatalf("in place %t, patch %+v", m.InPlace, m.Patch)
			}
			if tc.want == "" {
				return
			}
			if diff := cmp.Diff(apply(t, trustpolicy.Patch{}, tc.want), apply(t, m.Patch, tc.policy)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestThereIsNoMissWithoutAnImplicitDeny(t *testing.T) {
	for name, policy := range map[string]string{
		"allowed":         doc(open),
		"denied for sure": doc(open, deny(``)),
		"undecided":       doc(allow(`"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			e := trustpolicy.Evaluate(parse(t, policy), trustpolicy.WebIdentity(provider, audience, subject))
			if m, ok := e.NearestMiss(); ok {
				t.Errorf("a miss: %+v", m)
			}
			blocker, blocked := e.Blocker()
			if blocked != (e.Decision == trustpolicy.ExplicitDeny) || blocked && blocker.Index != 1 {
				t.Errorf("blocker %v of %s", blocker, e.Decision)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	tests := map[string]struct {
		expected, actual string
		pattern          bool
		want             *trustpolicy.Difference
	}{
		"equal":            {expected: "a", actual: "a"},
		"the first letter": {expected: "a", actual: "b", want: &trustpolicy.Difference{}},
		"one is longer": {
			expected: "ab", actual: "abc",
			want: &trustpolicy.Difference{ExpectedColumn: 2, ActualColumn: 2, ExpectedByte: 2, ActualByte: 2},
		},
		"columns count characters": {
			expected: "größe", actual: "größer",
			want: &trustpolicy.Difference{ExpectedColumn: 5, ActualColumn: 5, ExpectedByte: 7, ActualByte: 7},
		},
		"characters that share a byte": {
			expected: "aä", actual: "aö",
			want: &trustpolicy.Difference{ExpectedColumn: 1, ActualColumn: 1, ExpectedByte: 1, ActualByte: 1},
		},
		"a pattern that matches": {expected: "a*c?", actual: "abbcd", pattern: true},
		"behind a star the columns part": {
			expected: "a*:cart", actual: "abbb:card", pattern: true,
			want: &trustpolicy.Difference{ExpectedColumn: 6, ActualColumn: 8, ExpectedByte: 6, ActualByte: 8},
		},
		"before the first star": {
			expected: "shop:*", actual: "shoq:x", pattern: true,
			want: &trustpolicy.Difference{ExpectedColumn: 3, ActualColumn: 3, ExpectedByte: 3, ActualByte: 3},
		},
		"the value ends too early": {
			expected: "shop:*t", actual: "shop:", pattern: true,
			want: &trustpolicy.Difference{ExpectedColumn: 6, ActualColumn: 5, ExpectedByte: 6, ActualByte: 5},
		},
		"in a pattern too, characters share bytes": {
			expected: "ä?", actual: "öx", pattern: true, want: &trustpolicy.Difference{},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			compare := trustpolicy.FirstDifference
			if tc.pattern {
				compare = trustpolicy.FirstMismatch
			}
			got, ok := compare(tc.expected, tc.actual)
			if ok != (tc.want != nil) {
				t.Fatalf("%+v, %t", got, ok)
			}
			if !ok {
				return
			}
			tc.want.Expected, tc.want.Actual = tc.expected, tc.actual
			if diff := cmp.Diff(*tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATraceSaysWhatItKnows(t *testing.T) {
	policy := doc(
		allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"sts:RoleSessionName":["a*","b*"]},"Bool":{"aws:SecureTransport":"x"}`),
		`{"Effect":"Deny","NotPrincipal":{"Federated":"%provider","AWS":["111122223333"]},"NotAction":["%web"],"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":[]},"Null":{"%sub":true},"StringMatches":{"a:b":1},"NumericEquals":{"other.example:id":2}}}`)
	r := trustpolicy.WebIdentity(provider, audience, subject)
	r.Context["aws:SecureTransport"] = []string{"true"}
	want := words.Replace(`Allow: unknown
  match: Principal covers %provider
  match: the action %web is among "%web"
  match: %aud is "%sts", which matches StringEquals "%sts"
  unknown: the request's sts:RoleSessionName is not known here
  unknown: Bool cannot compare "true" to "x" for certain
Deny: no match
  no match: NotPrincipal covers %provider
  no match: the action %web is among "%web"
  unknown: aws:TagKeys under ForAllValues:StringEquals has no values: how that is read is not documented
  no match: the key %sub is present, and Null asks for "true"
  unknown: StringMatches is no operator this evaluator knows
  no match: the request has no key other.example:id, and NumericEquals then does not match
`)
	if diff := cmp.Diff(want, reasons(trustpolicy.Evaluate(parse(t, policy), r))); diff != "" {
		t.Error(diff)
	}
}
