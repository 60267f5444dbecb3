package trustpolicy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const till = "system:serviceaccount:shop:till"

// foreign is a policy as somebody else wrote it: order, Sids, tabs, blanks and
// escapes of its own.
var foreign = words.Replace(`{ "Statement" : [
	{
		"Sid": "Lambda" ,   "Effect":"Allow",
		"Principal": { "Service" : [ "lambda.amazonaws.com" ] }, "Action":["sts:AssumeRole"] },
	{"Condition":{"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":["%cart"  ,  "system:serviceaccount:job\u0073:*"]}},
	 "Effect":"Allow","Principal":{"Federated":"%provider"},"Action":"%web"}
 ],
 "Version":"2012-10-17" }
`)

func parse(t *testing.T, doc string) *trustpolicy.Policy {
	t.Helper()
	p, err := trustpolicy.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, p trustpolicy.Patch, doc string) string {
	t.Helper()
	out, err := p.Apply([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestNew(t *testing.T) {
	got, err := trustpolicy.New(trustpolicy.Trust{Sid: "Cart", Provider: provider, Audience: audience, Subject: "system:serviceaccount:shop:*", TagSession: true})
	if err != nil {
		t.Fatal(err)
	}
	want := words.Replace(`{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Cart",
      "Effect": "Allow",
      "Principal": {"Federated": "%provider"},
      "Action": ["%web", "sts:TagSession"],
      "Condition": {
        "StringEquals": {
          "%aud": "%sts"
        },
        "StringLike": {
          "%sub": "system:serviceaccount:shop:*"
        }
      }
    }
  ]
}
`)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if findings := trustpolicy.Lint(parse(t, string(got)), trustpolicy.LintOptions{Provider: provider, Audience: audience}); findings != nil {
		t.Errorf("findings in what we write ourselves: %v", findings)
	}
}

func TestATrustThatCannotBeWrittenIsRefused(t *testing.T) {
	good := trustpolicy.Trust{Provider: provider, Audience: audience, Subject: subject}
	tests := map[string]struct {
		change func(*trustpolicy.Trust)
		want   string
	}{
		"an issuer in place of the provider": {
			func(x *trustpolicy.Trust) { x.Provider = "https://" + issuer },
			`making a trust statement: "https://` + issuer + `" is no ARN of an OIDC provider`,
		},
		"no audience":               {func(x *trustpolicy.Trust) { x.Audience = "" }, "making a trust statement: the audience is missing"},
		"an audience that is open":  {func(x *trustpolicy.Trust) { x.Audience = "*" }, `making a trust statement: the audience "*" has a wildcard`},
		"no subject":                {func(x *trustpolicy.Trust) { x.Subject = "" }, "making a trust statement: the subject is missing"},
		"a variable in the subject": {func(x *trustpolicy.Trust) { x.Subject = "${aws:username}" }, "making a trust statement: audience and subject take no policy variables"},
		"a Sid with a blank":        {func(x *trustpolicy.Trust) { x.Sid = "a b" }, `making a trust statement: the Sid "a b" has other characters than letters and digits`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			trust := good
			tc.change(&trust)
			for _, err := range []error{second(trustpolicy.New(trust)), second(trustpolicy.Add(parse(t, foreign), trust)), second(trustpolicy.AddStatement(parse(t, foreign), trust))} {
				if err == nil || err.Error() != tc.want {
					t.Errorf("got %v, want %s", err, tc.want)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestAddKeepsEveryByteAround(t *testing.T) {
	trust := trustpolicy.Trust{Provider: provider, Audience: audience, Subject: till}
	compact := doc(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`)
	single := words.Replace("{\n  \"Statement\": {\n    \"Effect\": \"Allow\",\n    \"Principal\": \"*\",\n    \"Action\": \"sts:AssumeRole\"\n  }\n}")
	inline := words.Replace("{\n  \"Statement\": [{\n    \"Effect\": \"Deny\",\n    \"Principal\": \"*\",\n    \"Action\": \"sts:AssumeRole\"\n  }]\n}")
	tests := map[string]struct {
		doc   string
		trust func(trustpolicy.Trust) trustpolicy.Trust
		old   string // the one place that changes
		new   string
	}{
		"the subject joins a list": {
			doc: foreign, old: `"system:serviceaccount:job\u0073:*"`, new: `"system:serviceaccount:job\u0073:*"  ,  "` + till + `"`,
		},
		"the subject makes a list of a single one": {
			doc: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)),
			old: `"` + subject + `"`, new: `["` + subject + `", "` + till + `"]`,
		},
		"a list on lines of its own stays one": {
			doc: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":[` + "\n  \"%cart\"\n]}")),
			old: `"` + subject + `"`, new: `"` + subject + "\",\n  \"" + till + `"`,
		},
		"a subject for another audience gets a statement": {
			doc:   foreign,
			trust: func(x trustpolicy.Trust) trustpolicy.Trust { x.Audience = "vault"; return x },
			old:   `"%web"}`, new: words.Replace(`"%web"},
	{
		"Effect": "Allow",
		"Principal": {"Federated": "%provider"},
		"Action": "%web",
		"Condition": {
			"StringEquals": {
				"%aud": "vault",
				"%sub": "system:serviceaccount:shop:till"
			}
		}
	}`),
		},
		"a document on one line stays on one line": {
			doc: compact, old: `"sts:AssumeRole"}`,
			new: words.Replace(`"sts:AssumeRole"},{"Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "system:serviceaccount:shop:till"}}}`),
		},
		"a Sid of its own asks for a statement of its own": {
			doc:   compact,
			trust: func(x trustpolicy.Trust) trustpolicy.Trust { x.Sid = "Till"; return x },
			old:   `"sts:AssumeRole"}`,
			new:   words.Replace(`"sts:AssumeRole"},{"Sid": "Till", "Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "system:serviceaccount:shop:till"}}}`),
		},
		"a list opened on the same line": {
			doc: inline, old: "\n  }]", new: words.Replace(`
  }, {
    "Effect": "Allow",
    "Principal": {"Federated": "%provider"},
    "Action": "%web",
    "Condition": {
      "StringEquals": {
        "%aud": "%sts",
        "%sub": "system:serviceaccount:shop:till"
      }
    }
  }]`),
		},
		"the first statement of a policy without any": {
			doc: doc(), old: "[]",
			new: words.Replace(`[{"Effect": "Allow", "Principal": {"Federated": "%provider"}, "Action": "%web", "Condition": {"StringEquals": {"%aud": "%sts", "%sub": "system:serviceaccount:shop:till"}}}]`),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			x := trust
			if tc.trust != nil {
				x = tc.trust(x)
			}
			patch, err := trustpolicy.Add(parse(t, tc.doc), x)
			if err != nil {
				t.Fatal(err)
			}
			place := words.Replace(tc.old)
			if strings.Count(tc.doc, place) < 1 {
				t.Fatalf("the document has no %s", place)
			}
			at := strings.LastIndex(tc.doc, place)
			want := tc.doc[:at] + tc.new + tc.doc[at+len(place):]
			got := apply(t, patch, tc.doc)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			if d := trustpolicy.Evaluate(parse(t, got), trustpolicy.WebIdentity(x.Provider, x.Audience, x.Subject)).Decision; d != trustpolicy.Allowed {
				t.Errorf("the new policy says %s", d)
			}
			again, err := trustpolicy.Add(parse(t, got), x)
			if err != nil || !again.Empty() {
				t.Errorf("a second time it still changes something: %+v, %v", again, err)
			}
		})
	}

	t.Run("a single statement becomes a list", func(t *testing.T) {
		patch, err := trustpolicy.Add(parse(t, single), trust)
		if err != nil {
			t.Fatal(err)
		}
		got := apply(t, patch, single)
		want := strings.TrimSuffix(strings.Replace(single, `"Statement": {`, `"Statement": [{`, 1), "\n}") + words.Replace(`, {
    "Effect": "Allow",
    "Principal": {"Federated": "%provider"},
    "Action": "%web",
    "Condition": {
      "StringEquals": {
        "%aud": "%sts",
        "%sub": "system:serviceaccount:shop:till"
      }
    }
  }]
}`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAddStatementLeavesOtherStatementsAlone(t *testing.T) {
	patch, err := trustpolicy.AddStatement(parse(t, foreign), trustpolicy.Trust{Provider: provider, Audience: audience, Subject: till})
	if err != nil {
		t.Fatal(err)
	}
	got := apply(t, patch, foreign)
	if n := len(parse(t, got).Statements); n != 3 {
		t.Errorf("%d statements, want 3:\n%s", n, got)
	}
	back, err := trustpolicy.RemoveSubject(parse(t, got), provider, till)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(foreign, apply(t, back, got)); diff != "" {
		t.Errorf("added and removed, it is not what it was:\n%s", diff)
	}
}

func TestATakenSidIsLeftOut(t *testing.T) {
	before := doc(`{"Sid":"Cart","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	patch, err := trustpolicy.Add(parse(t, before), trustpolicy.Trust{Sid: "Cart", Provider: provider, Audience: audience, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(t, apply(t, patch, before)); got.Statements[1].Sid != "" {
		t.Errorf("the new statement has the Sid %q", got.Statements[1].Sid)
	}
}

func TestSessionTagsAreNotTakenForGranted(t *testing.T) {
	before := doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`))
	trust := trustpolicy.Trust{Provider: provider, Audience: audience, Subject: subject, TagSession: true}
	patch, err := trustpolicy.Add(parse(t, before), trust)
	if err != nil {
		t.Fatal(err)
	}
	r := trustpolicy.WebIdentity(provider, audience, subject)
	r.Action = trustpolicy.ActionTagSession
	if d := trustpolicy.Evaluate(parse(t, apply(t, patch, before)), r).Decision; d != trustpolicy.Allowed {
		t.Errorf("session tags: %s", d)
	}
}

func TestRemoveSubject(t *testing.T) {
	tests := map[string]struct {
		doc, subject string
		old, new     string
		err          error
	}{
		"the first of a list":         {doc: foreign, subject: subject, old: `"%cart"  ,  `, new: ""},
		"the last of a list":          {doc: foreign, subject: "system:serviceaccount:jobs:*", old: `  ,  "system:serviceaccount:job\u0073:*"`, new: ""},
		"a subject that is not there": {doc: foreign, subject: till},
		"the first statement as a whole": {
			doc: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`), open), subject: subject,
			old: allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`) + ",", new: "",
		},
		"the last statement as a whole": {
			doc: doc(open, allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)), subject: subject,
			old: "," + allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`), new: "",
		},
		"two statements around another": {
			doc: doc(allow(`"StringEquals":{"%sub":"%cart"}`), open, allow(`"StringLike":{"%sub":["%cart"]}`)), subject: subject,
			old: strings.Join([]string{allow(`"StringEquals":{"%sub":"%cart"}`), open, allow(`"StringLike":{"%sub":["%cart"]}`)}, ","), new: open,
		},
		"the first two statements": {
			doc: doc(allow(`"StringEquals":{"%sub":"%cart"}`), allow(`"StringLike":{"%sub":["%cart"]}`), open), subject: subject,
			old: strings.Join([]string{allow(`"StringEquals":{"%sub":"%cart"}`), allow(`"StringLike":{"%sub":["%cart"]}`), open}, ","), new: open,
		},
		"every time it stands in a list": {
			doc:     doc(allow(`"StringEquals":{"%sub":["%cart","%cart","system:serviceaccount:shop:till","%cart"]}`)),
			subject: subject, old: `["%cart","%cart","system:serviceaccount:shop:till","%cart"]`, new: `["system:serviceaccount:shop:till"]`,
		},
		"a statement that names nobody else, twice": {
			doc:     doc(allow(`"StringEquals":{"%sub":["%cart","%cart"]}`), open),
			subject: subject, old: allow(`"StringEquals":{"%sub":["%cart","%cart"]}`) + ",", new: "",
		},
		"in whatever case the operator takes for the same": {
			doc:     doc(allow(`"StringEqualsIgnoreCase":{"%sub":["System:serviceaccount:shop:cart","system:serviceaccount:shop:till"]}`)),
			subject: subject, old: `"System:serviceaccount:shop:cart",`, new: "",
		},
		"a Deny keeps its subject":                 {doc: doc(open, deny(`"StringEquals":{"%sub":"%cart"}`)), subject: subject},
		"a negated condition keeps its subject":    {doc: doc(open, allow(`"StringNotEquals":{"%sub":"%cart"}`)), subject: subject},
		"another provider's statement is not ours": {doc: strings.ReplaceAll(foreign, "111122223333", "444455556666"), subject: subject},
		"the only statement": {
			doc: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":"%cart"}`)), subject: subject, err: trustpolicy.ErrLastStatement,
		},
		"a statement shared with an account": {
			doc:     doc(open, `{"Effect":"Allow","Principal":{"AWS":"111122223333","Federated":"%provider"},"Action":"*","Condition":{"StringEquals":{"%sub":"%cart"}}}`),
			subject: subject, err: trustpolicy.ErrShared,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			patch, err := trustpolicy.RemoveSubject(parse(t, tc.doc), provider, tc.subject)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			want := tc.doc
			if tc.old != "" {
				if !strings.Contains(tc.doc, words.Replace(tc.old)) {
					t.Fatalf("the document has no %s", tc.old)
				}
				want = strings.Replace(tc.doc, words.Replace(tc.old), words.Replace(tc.new), 1)
			}
			if diff := cmp.Diff(want, apply(t, patch, tc.doc)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRemaining(t *testing.T) {
	tests := map[string]struct {
		doc  string
		want []int // the indexes of the statements that are left
	}{
		"nobody, where it was named once":       {doc: doc(allow(`"StringEquals":{"%aud":"%sts","%sub":["%cart","system:serviceaccount:shop:till"]}`))},
		"the pattern of another statement":      {doc: doc(allow(`"StringEquals":{"%sub":["%cart","x"]}`), allow(`"StringEquals":{"%aud":"%sts"},"StringLike":{"%sub":"system:serviceaccount:shop:*"}`)), want: []int{1}},
		"the pattern beside it":                 {doc: doc(allow(`"StringLike":{"%sub":["%cart","*:cart"]}`)), want: []int{0}},
		"a statement without a subject":         {doc: doc(allow(`"StringEquals":{"%sub":["%cart","x"]}`), open), want: []int{1}},
		"a statement for everybody":             {doc: doc(allow(`"StringEquals":{"%sub":["%cart","x"]}`), `{"Effect":"Allow","Principal":"*","Action":"*"}`), want: []int{1}},
		"nobody, where a Deny keeps it out":     {doc: doc(allow(`"StringLike":{"%sub":["%cart","*:cart"]}`), deny(`"StringEquals":{"%sub":"%cart"}`))},
		"the statement of another provider not": {doc: doc(allow(`"StringEquals":{"%sub":["%cart","x"]}`), strings.ReplaceAll(words.Replace(open), "111122223333", "444455556666"))},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := parse(t, tc.doc)
			patch, err := trustpolicy.RemoveSubject(p, provider, subject)
			if err != nil {
				t.Fatal(err)
			}
			left, err := trustpolicy.Remaining(p, patch, provider, subject)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, trace := range left {
				got = append(got, trace.Index)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRemoveStatement(t *testing.T) {
	p := parse(t, foreign)
	patch, err := trustpolicy.RemoveStatement(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, apply(t, patch, foreign))
	if len(got.Statements) != 1 || got.Statements[0].Sid != "" {
		t.Errorf("left: %+v", got.Statements)
	}
	if _, err := trustpolicy.RemoveStatement(got, 0); !errors.Is(err, trustpolicy.ErrLastStatement) {
		t.Errorf("removing the last one: %v", err)
	}
	if _, err := trustpolicy.RemoveStatement(p, 2); err == nil || err.Error() != "removing statement 3: the trust policy has 2" {
		t.Errorf("removing one that is not there: %v", err)
	}
}

func TestAPatchFitsItsOwnDocumentOnly(t *testing.T) {
	patch, err := trustpolicy.RemoveSubject(parse(t, foreign), provider, subject)
	if err != nil {
		t.Fatal(err)
	}
	_, err = patch.Apply([]byte(" " + foreign))
	if err == nil || !strings.HasPrefix(err.Error(), "changing the trust policy: it is not the document the change was made for") {
		t.Errorf("got %v", err)
	}
	_, err = patch.Apply([]byte(foreign[:100]))
	if err == nil {
		t.Error("a shorter document was changed")
	}
}
