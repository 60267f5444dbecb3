package role

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const (
	issuer      = "https://oidc.example.com/blue"
	providerARN = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/blue"
	readOnly    = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
	full        = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
	cart        = "system:serviceaccount:shop:cart"
	theirs      = `{"Version": "2012-10-17",
	"Statement": {"Sid": "Keep",  "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"} }`
)

func start(t *testing.T) (*awstest.Server, *iam.Client) {
	t.Helper()
	server := awstest.New(t)
	server.Account.AddProvider(issuer, "sts.amazonaws.com")
	return server, iam.NewFromConfig(server.Config())
}

func known(arn string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return arn, nil }
}

func ensure(client IAM, spec Spec, subjects ...string) *Ensure {
	return &Ensure{
		IAM: client, STS: nobody{}, Spec: spec, Issuer: issuer, Audience: "sts.amazonaws.com", Subjects: subjects, Provider: known(providerARN),
	}
}

func run(t *testing.T, steps []plan.Step) ([]plan.Outlook, error) {
	t.Helper()
	return plan.Run(t.Context(), steps, plan.Options{})
}

var policy = []byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}`)

func TestEnsureMakesARoleOnceAndSetsRightWhatDiffers(t *testing.T) {
	server, client := start(t)
	spec := Spec{
		Name: "cart", Path: "/team/", Description: "for carts", PolicyARNs: []string{readOnly, full}, Inline: policy,
		Boundary: full, MaxSession: 2 * time.Hour, Tags: map[string]string{"team": "shop"},
	}
	if _, err := run(t, ensure(client, spec, cart, "system:serviceaccount:shop:*").Steps()); err != nil {
		t.Fatal(err)
	}
	want := []string{"iam:CreateRole", "iam:AttachRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePolicy"}
	if diff := cmp.Diff(want, changes(server)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	got, err := Get(t.Context(), client, "cart")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := trustpolicy.Parse(got.Trust)
	if err != nil {
		t.Fatal(err)
	}
	wantGrants := []trustpolicy.Grant{
		{Provider: providerARN, Issuer: "oidc.example.com/blue", Audiences: []string{"sts.amazonaws.com"}, Subjects: []trustpolicy.Subject{{Text: cart}}},
		{Statement: 1, Provider: providerARN, Issuer: "oidc.example.com/blue", Audiences: []string{"sts.amazonaws.com"}, Subjects: []trustpolicy.Subject{{Text: "system:serviceaccount:shop:*", Pattern: true}}},
	}
	if diff := cmp.Diff(wantGrants, trustpolicy.Grants(trust)); diff != "" {
		t.Errorf("who may become it (-want +got):\n%s", diff)
	}
	got.Trust, got.ID, got.Created = nil, "", time.Time{}
	wantRole := &Role{
		ARN: "arn:aws:iam::111122223333:role/team/cart", Name: "cart", Path: "/team/", Description: "for carts", MaxSession: 2 * time.Hour,
		Boundary: full, Tags: map[string]string{"team": "shop", irsa.TagOwned: "true", irsa.TagIssuer: issuer},
	}
	if diff := cmp.Diff(wantRole, got); diff != "" {
		t.Errorf("role (-want +got):\n%s", diff)
	}

	server.ForgetRequests()
	if _, err := run(t, ensure(client, spec, cart, "system:serviceaccount:shop:*").Steps()); err != nil {
		t.Fatal(err)
	}
	if got := changes(server); len(got) > 0 {
		t.Errorf("a second run changes: %v", got)
	}

	spec.Boundary, spec.MaxSession, spec.Tags = readOnly, 3*time.Hour, map[string]string{"cost": "7"}
	spec.Inline = []byte(strings.Replace(string(policy), "ListAllMyBuckets", "GetObject", 1))
	if _, err := run(t, ensure(client, spec, cart).Steps()); err != nil {
		t.Fatal(err)
	}
	want = []string{"iam:PutRolePermissionsBoundary", "iam:UpdateRole", "iam:TagRole", "iam:PutRolePolicy"}
	if diff := cmp.Diff(want, changes(server)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got, _ := Get(t.Context(), client, "cart"); got.Description != "for carts" {
		t.Errorf("the description is %q now", got.Description)
	}
}

// changes are the requests that are no looks.
func changes(server *awstest.Server) []string {
	return slices.DeleteFunc(awstest.Names(server.Requests()), func(name string) bool {
		return strings.HasPrefix(name, "iam:Get") || strings.HasPrefix(name, "iam:List")
	})
}

func TestARoleOfSomebodyElse(t *testing.T) {
	boundTo := func(e *Ensure) *Ensure { e.Foreign, e.Apart = true, true; return e }
	for name, tc := range map[string]struct {
		steps func(IAM) []plan.Step
		want  string // of the error, "" for none
	}{
		"is not taken over": {
			steps: func(c IAM) []plan.Step { return ensure(c, Spec{Name: "theirs"}, cart).Steps() },
			want:  "was not made by kubectl irsa; to let it trust another ServiceAccount:",
		},
		"gets no policy": {
			steps: func(c IAM) []plan.Step {
				return boundTo(ensure(c, Spec{Name: "theirs", PolicyARNs: []string{full}}, cart)).Steps()
			},
			want: "aws iam attach-role-policy --role-name theirs",
		},
		"gets no inline policy": {
			steps: func(c IAM) []plan.Step { return boundTo(ensure(c, Spec{Name: "theirs", Inline: policy}, cart)).Steps() },
			want:  "aws iam put-role-policy --role-name theirs",
		},
		"keeps its settings": {
			steps: func(c IAM) []plan.Step {
				return boundTo(ensure(c, Spec{Name: "theirs", MaxSession: 2 * time.Hour}, cart)).Steps()
			},
			want: "longest session 2h0m0s (was 1h0m0s)",
		},
		"is not deleted": {
			steps: func(c IAM) []plan.Step {
				return []plan.Step{(&Delete{IAM: c, Role: irsa.RoleARN{Name: "theirs"}}).Step(StepDelete)}
			},
			want: "its owner deletes it",
		},
		"can be bound": {steps: func(c IAM) []plan.Step { return boundTo(ensure(c, Spec{Name: "theirs"}, cart)).Steps() }},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Account.AddRole("theirs", theirs)
			_, err := run(t, tc.steps(client))
			switch {
			case tc.want == "" && err != nil:
				t.Fatal(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Fatalf("error %v, want one that says %q", err, tc.want)
			case tc.want != "" && len(changes(server)) > 0:
				t.Errorf("it was changed: %v", changes(server))
			}
		})
	}
}

func TestBindingAndUnbindingLeaveEveryOtherByte(t *testing.T) {
	server, client := start(t)
	server.Account.AddRole("theirs", theirs)
	bind := ensure(client, Spec{Name: "theirs"}, cart)
	bind.Foreign, bind.Apart = true, true
	if _, err := run(t, bind.Steps()); err != nil {
		t.Fatal(err)
	}
	bound, err := Get(t.Context(), client, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(theirs, `{"Sid"`)
	if !strings.HasPrefix(string(bound.Trust), before+`[{"Sid"`) || !strings.HasSuffix(string(bound.Trust), " }") || !strings.Contains(string(bound.Trust), sidPrefix) {
		t.Errorf("%q is not %q with a statement more", bound.Trust, after)
	}
	// What somebody else lets in stays: the same subject in a statement of theirs.
	own, _, err := grown(bound.Trust, trustpolicy.Trust{Provider: providerARN, Audience: "vault", Subject: cart, Sid: "Theirs"}, false)
	if err != nil {
		t.Fatal(err)
	}
	server.Account.AddRole("theirs", string(own))
	if _, err := run(t, []plan.Step{untrust(client, true).Step()}); err != nil {
		t.Fatal(err)
	}
	left, err := Get(t.Context(), client, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(left.Trust), sidPrefix) || !strings.Contains(string(left.Trust), `"Theirs"`) || !strings.Contains(string(left.Trust), `"Keep",  "Effect"`) {
		t.Errorf("left is %s", left.Trust)
	}
}

func untrust(client IAM, own bool) *Untrust {
	return &Untrust{IAM: client, STS: nobody{}, Role: irsa.RoleARN{Name: "theirs"}, Issuer: issuer, Subject: cart, Provider: known(""), Own: own}
}

func TestTheSizeOfATrustPolicyIsCheckedBeforeTheCall(t *testing.T) {
	var many []string
	for n := range 40 {
		many = append(many, irsa.Subject("shop", fmt.Sprintf("a-service-account-%032d", n)))
	}
	server, client := start(t)
	_, err := run(t, ensure(client, Spec{Name: "big"}, many...).Steps())
	if err == nil || !strings.Contains(err.Error(), "and the quota is 2048; let one pattern stand") {
		t.Errorf("error %v", err)
	}
	if got := changes(server); len(got) > 0 {
		t.Errorf("it was tried: %v", got)
	}
	// An account whose quota was raised shows it by a policy over the default.
	large, err := ensure(client, Spec{}, many[:30]...).newTrust(providerARN)
	if err != nil {
		t.Fatal(err)
	}
	if text := tooLarge(large, append(slices.Clone(large), ' ')); trustpolicy.Size(large) <= 2048 || text != "" {
		t.Errorf("%d characters: %s", trustpolicy.Size(large), text)
	}
}

func TestUntrust(t *testing.T) {
	trusts := func(subjects ...string) string { return trusting(t, subjects...) }
	for name, tc := range map[string]struct {
		trust  string
		owned  bool
		own    bool
		state  plan.State
		detail string
	}{
		"one of two goes":                     {trust: trusts(cart, "system:serviceaccount:shop:web"), state: plan.Applied, detail: "no longer trust " + cart},
		"the last one is in the way":          {trust: trusts(cart), owned: true, state: plan.Conflict, detail: "kubectl irsa role delete theirs"},
		"the last one of somebody else's too": {trust: trusts(cart), state: plan.Conflict, detail: "kubectl irsa role trust add theirs --sa NAME -n NAMESPACE"},
		"a pattern is in the way": {
			trust: trusts("system:serviceaccount:shop:*"), state: plan.Conflict,
			detail: "it is still let in by statement 1, by the pattern system:serviceaccount:shop:*:\nkubectl irsa role trust remove theirs --subject-pattern 'system:serviceaccount:shop:*'",
		},
		"a pattern beside it is numbered as the trust policy stands": {
			trust: trusts(cart, "system:serviceaccount:sho?:*"), state: plan.Conflict,
			detail: "it is still let in by statement 2, by the pattern system:serviceaccount:sho?:*:\nkubectl irsa role trust remove theirs --subject-pattern 'system:serviceaccount:sho?:*'",
		},
		"everybody is in the way": {
			trust:  strings.Replace(trusts(cart), `{"Federated": "`+providerARN+`"}`, `"*"`, 1),
			state:  plan.Conflict,
			detail: "it is still let in by statement 1, which whoever wrote it has to change:\nkubectl irsa role get theirs",
		},
		"unbinding leaves a pattern, and tells": {
			trust: trusts(cart, "system:serviceaccount:shop:*"), owned: true, own: true, state: plan.Applied,
			detail: "no longer trust " + cart + " (341 of 2048 characters)\nit is still let in by statement 1, by the pattern system:serviceaccount:shop:*:\n",
		},
		"unbinding leaves what others wrote": {
			trust: trusts(cart, "system:serviceaccount:shop:web"), own: true, state: plan.Done,
			detail: "it is still let in by statement 1:\nkubectl irsa role trust remove theirs --sa cart -n shop",
		},
		"unbinding leaves somebody else's role its last statement": {
			trust: strings.Replace(trusts(cart), `"Effect"`, `"Sid": "`+sid("oidc.example.com/blue", cart)+`", "Effect"`, 1), own: true, state: plan.Conflict,
			detail: "nobody else is trusted, and IAM stores no empty trust policy; its owner deletes it",
		},
		"unbinding deletes a role of ours last": {trust: trusts(cart), owned: true, own: true, state: plan.Applied, detail: "so the role is deleted"},
		"nothing to remove":                     {trust: theirs, state: plan.Done, detail: "it does not"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Account.AddRole("theirs", tc.trust)
			if tc.owned {
				own(t, server, client, "theirs", tc.trust)
			}
			remove := untrust(client, tc.own)
			remove.Provider = known(providerARN)
			outlook, err := run(t, []plan.Step{remove.Step()})
			if (err != nil) != (tc.state == plan.Conflict) || outlook[0].State != tc.state || !strings.Contains(outlook[0].Detail, tc.detail) {
				t.Errorf("%s: %s (%v), want %s: %s", outlook[0].State, outlook[0].Detail, err, tc.state, tc.detail)
			}
		})
	}
}

func TestADenyIsInTheWayOfTrust(t *testing.T) {
	key := trustpolicy.ConditionPrefix(providerARN)
	allow := `{"Effect": "Allow", "Principal": {"Federated": "` + providerARN + `"}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": {"StringEquals": {"` + key + `:aud": "sts.amazonaws.com", "` + key + `:sub": "` + cart + `"}}}`
	deny := `{"Effect": "Deny", "Principal": {"Federated": "` + providerARN + `"}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": {"StringLike": {"` + key + `:sub": "SUBJECT"}}}`
	for name, tc := range map[string]struct {
		denied string
		state  plan.State
		detail string
	}{
		"of the ServiceAccount": {cart, plan.Conflict, "statement 2 of the trust policy denies it to " + cart + ", and a Deny wins over every Allow: whoever wrote it has to change it\nkubectl irsa role get theirs"},
		"of a namespace":        {"system:serviceaccount:shop:*", plan.Conflict, "statement 2 of the trust policy denies it to " + cart + ", and a Deny wins over every Allow: whoever wrote it has to change it\nkubectl irsa role get theirs"},
		"of somebody else":      {"system:serviceaccount:shop:web", plan.Done, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Account.AddRole("theirs", `{"Version": "2012-10-17", "Statement": [`+allow+`, `+strings.Replace(deny, "SUBJECT", tc.denied, 1)+`]}`)
			trust := ensure(client, Spec{Name: "theirs"}, cart)
			trust.Foreign, trust.Existing = true, true
			outlook, _ := run(t, trust.Steps())
			if outlook[0].State != tc.state || outlook[0].Detail != tc.detail || len(changes(server)) > 0 {
				t.Errorf("%s: %s, changed %v; want %s: %s", outlook[0].State, outlook[0].Detail, changes(server), tc.state, tc.detail)
			}
		})
	}
}

func TestEachRefusalNamesThePermission(t *testing.T) {
	spec := Spec{Name: "cart", PolicyARNs: []string{readOnly}, Inline: policy}
	for _, action := range []string{
		"GetRole", "ListAttachedRolePolicies", "GetRolePolicy", "CreateRole", "AttachRolePolicy", "PutRolePolicy",
	} {
		t.Run(action, func(t *testing.T) {
			server, client := start(t)
			server.Faults.Fail(action, "AccessDenied", 0)
			_, err := run(t, ensure(client, spec, cart).Steps())
			if err == nil || !strings.Contains(strings.Join(hint.Lines(err), "\n"), "iam:"+action) {
				t.Errorf("error %v, hints %q", err, hint.Lines(err))
			}
			server.Faults.Clear()
			if _, err := run(t, ensure(client, spec, cart).Steps()); err != nil {
				t.Errorf("once it is allowed: %v", err)
			}
		})
	}
}

func TestAServerWithoutManagedPolicies(t *testing.T) {
	server, client := start(t)
	for _, action := range []string{"ListAttachedRolePolicies", "AttachRolePolicy"} {
		server.Faults.Fail(action, "InvalidAction", 0)
	}
	_, err := run(t, ensure(client, Spec{Name: "cart", PolicyARNs: []string{readOnly}}, cart).Steps())
	if err == nil || !strings.Contains(strings.Join(hint.Lines(err), "\n"), "--policy-file") {
		t.Errorf("error %v, hints %q", err, hint.Lines(err))
	}
	if _, err := run(t, []plan.Step{(&Delete{IAM: client, Role: irsa.RoleARN{Name: "cart"}}).Step(StepDelete)}); err != nil {
		t.Errorf("deleting: %v", err)
	}
}

func TestChecks(t *testing.T) {
	for name, tc := range map[string]struct {
		spec Spec
		want string
	}{
		"all well":              {spec: Spec{Name: "a+=,.@_-9", Path: "/a/b/", MaxSession: 12 * time.Hour, PolicyARNs: []string{readOnly}, Inline: policy}},
		"no name":               {spec: Spec{}, want: "is empty"},
		"a name of 65":          {spec: Spec{Name: strings.Repeat("x", 65)}, want: "has 65 characters, and IAM takes 64"},
		"a slash in the name":   {spec: Spec{Name: "a/b"}, want: "other characters"},
		"a path without slash":  {spec: Spec{Name: "a", Path: "/team"}, want: "begin and end with a slash"},
		"a path of slashes":     {spec: Spec{Name: "a", Path: "//"}, want: "begin and end with a slash"},
		"25 policies":           {spec: Spec{Name: "a", PolicyARNs: slices.Repeat([]string{readOnly}, 25)}},
		"26 policies":           {spec: Spec{Name: "a", PolicyARNs: slices.Repeat([]string{readOnly}, 26)}, want: "at most 25"},
		"letters of Latin-1":    {spec: Spec{Name: "a", Inline: []byte(`{"Statement": "\tKörbe ÿ"}`)}},
		"a curly apostrophe":    {spec: Spec{Name: "a", Inline: []byte(`{"Statement": "cart’s"}`)}, want: `holds the character '’', and IAM takes none beyond U+00FF: write it as \u2019`},
		"half an hour":          {spec: Spec{Name: "a", MaxSession: 30 * time.Minute}, want: "1h to 12h"},
		"a name for an ARN":     {spec: Spec{Name: "a", PolicyARNs: []string{"ReadOnly"}}, want: "no ARN of a policy"},
		"a role for a boundary": {spec: Spec{Name: "a", Boundary: "arn:aws:iam::111122223333:role/x"}, want: "no ARN of a policy"},
		"YAML":                  {spec: Spec{Name: "a", Inline: []byte("Version: 2012")}, want: "not JSON"},
		"no statement":          {spec: Spec{Name: "a", Inline: []byte("{}")}, want: "no Statement"},
		"too long":              {spec: Spec{Name: "a", Inline: []byte(`{"Statement": "` + strings.Repeat("x", 10240) + `"}`)}, want: "IAM takes 10240"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.spec.Check()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	for pattern, want := range map[string]string{
		"system:serviceaccount:shop:*":     "",
		"system:serviceaccount:shop-?:api": "",
		"system:serviceaccount:*:api":      "every namespace",
		"system:serviceaccount:shop:api":   "neither * nor ?",
		"*":                                "does not read",
		"system:serviceaccount:shop*":      "does not read",
	} {
		if err := CheckPattern(pattern); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}
