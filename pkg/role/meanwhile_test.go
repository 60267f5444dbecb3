package role

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const web = "system:serviceaccount:shop:web"

// Between the look and the apply others work on the account: nothing of theirs is
// taken over or lost.
func TestWhatHappensBetweenLookAndApply(t *testing.T) {
	for name, tc := range map[string]struct {
		before    string // the trust policy of a role of ours, "" where there is none
		change    func(*testing.T, *awstest.Server, *iam.Client)
		prepare   func(*Ensure)
		err       string
		trusted   []string // whom the role trusts in the end
		unchanged bool     // by us
	}{
		"somebody else makes a role of the name": {
			change: func(_ *testing.T, s *awstest.Server, _ *iam.Client) { s.Account.AddRole("theirs", theirs) },
			err:    "somebody else made a role arn:aws:iam::111122223333:role/theirs meanwhile", unchanged: true,
		},
		"another run makes it for another ServiceAccount": {
			change: func(t *testing.T, s *awstest.Server, c *iam.Client) {
				t.Helper()
				own(t, s, c, "theirs", trusting(t, web))
			},
			prepare: func(e *Ensure) { e.MadeUp = true },
			err:     "theirs was made for " + web + "; name another with --role", trusted: []string{web}, unchanged: true,
		},
		"another run makes it for the same": {
			change: func(t *testing.T, s *awstest.Server, c *iam.Client) {
				t.Helper()
				own(t, s, c, "theirs", trusting(t, cart))
			},
			prepare: func(e *Ensure) { e.MadeUp = true }, trusted: []string{cart}, unchanged: true,
		},
		"somebody adds another ServiceAccount": {
			before: trusting(t, "system:serviceaccount:shop:old"),
			change: func(t *testing.T, _ *awstest.Server, c *iam.Client) {
				t.Helper()
				update(t, c, trusting(t, "system:serviceaccount:shop:old", web))
			},
			trusted: []string{"system:serviceaccount:shop:old", web, cart},
		},
		"somebody adds the same": {
			before: trusting(t, "system:serviceaccount:shop:old"),
			change: func(t *testing.T, _ *awstest.Server, c *iam.Client) {
				t.Helper()
				update(t, c, trusting(t, cart))
			},
			trusted: []string{cart}, unchanged: true,
		},
		"somebody deletes it": {
			before: trusting(t, web),
			change: func(t *testing.T, _ *awstest.Server, c *iam.Client) {
				t.Helper()
				if _, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("theirs")}); err != nil {
					t.Fatal(err)
				}
			},
			err: "the role theirs is gone since it was looked at", unchanged: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			if tc.before != "" {
				own(t, server, client, "theirs", tc.before)
			}
			e := ensure(client, Spec{Name: "theirs"}, cart)
			if tc.prepare != nil {
				tc.prepare(e)
			}
			outlook, err := plan.Look(t.Context(), e.Steps())
			if err != nil {
				t.Fatal(err)
			}
			tc.change(t, server, client)
			server.ForgetRequests()
			err = plan.Apply(t.Context(), outlook, nil)
			if text := errorText(err); tc.err == "" && err != nil || !strings.Contains(text, tc.err) {
				t.Errorf("error %q\nwant  %q", text, tc.err)
			}
			done := changes(server)
			if len(done) > 0 && done[0] == "iam:CreateRole" {
				done = done[1:] // IAM said that there is one already
			}
			if (len(done) == 0) != tc.unchanged {
				t.Errorf("changes %v", done)
			}
			found, err := Get(t.Context(), client, "theirs")
			if err != nil {
				t.Fatal(err)
			}
			var trusted []string
			if found != nil && string(found.Trust) != theirs {
				policy, err := trustpolicy.Parse(found.Trust)
				if err != nil {
					t.Fatal(err)
				}
				for _, grant := range trustpolicy.Grants(policy) {
					for _, s := range grant.Subjects {
						trusted = append(trusted, s.Text)
					}
				}
			}
			if diff := cmp.Diff(tc.trusted, trusted); diff != "" {
				t.Errorf("trusted (-want +got):\n%s", diff)
			}
		})
	}
}

func update(t *testing.T, client *iam.Client, trust string) {
	t.Helper()
	if err := putTrust(t.Context(), client, "theirs", []byte(trust)); err != nil {
		t.Fatal(err)
	}
}

func TestTheQuotaIsWhatIAMCounts(t *testing.T) {
	sized := func(n int) []byte {
		text := `{"Statement":[]}`
		return []byte(text[:14] + `"` + strings.Repeat("x", n-len(text)-2) + `"` + text[14:])
	}
	const quota, most = trustpolicy.QuotaSize, trustpolicy.QuotaSizeMax
	for name, tc := range map[string]struct {
		before, after int
		refused       int // the quota that it names
	}{
		"below the quota":              {100, quota - 1, 0},
		"the quota itself":             {100, quota, 0},
		"one more":                     {100, quota + 1, quota},
		"of a role that is at it":      {quota, quota + 1, quota},
		"of a role that is beyond it":  {quota + 1, quota + 2, 0},
		"beyond what it can be raised": {quota + 1, most + 1, most},
	} {
		got := tooLarge(sized(tc.before), sized(tc.after))
		if (got != "") != (tc.refused > 0) || tc.refused > 0 && !strings.Contains(got, fmt.Sprintf("would have %d characters, and the quota is %d;", tc.after, tc.refused)) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestALargeTrustPolicyIsNotSent(t *testing.T) {
	server, client := start(t)
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("system:serviceaccount:shop-%d:%s", i, strings.Repeat("a", 60)))
	}
	e := ensure(client, Spec{Name: "new"}, many...)
	if err := e.create(t.Context()); err == nil || !strings.Contains(err.Error(), "and the quota is 2048") || len(changes(server)) > 0 {
		t.Errorf("error %v, changed %v", err, changes(server))
	}
}

// A statement's Sid tells both whom and of which issuer it lets in.
func TestASidIsOneSubjectOfOneIssuer(t *testing.T) {
	seen := map[string]bool{}
	for _, issuer := range []string{"oidc.example.com/blue", "oidc.example.com/green"} {
		for _, subject := range []string{cart, web} {
			seen[sid(issuer, subject)] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d Sids for two subjects of two issuers", len(seen))
	}
}

func TestAPathIsNotChanged(t *testing.T) {
	for path, want := range map[string]plan.State{"": plan.Done, "/": plan.Done, "/team/": plan.Conflict} {
		server, client := start(t)
		own(t, server, client, "theirs", trusting(t, cart))
		server.ForgetRequests()
		outlook, _ := run(t, ensure(client, Spec{Name: "theirs", Path: path}, cart).Steps())
		if outlook[0].State != want || len(changes(server)) > 0 {
			t.Errorf("path %q is %s: %s, changed %v", path, outlook[0].State, outlook[0].Detail, changes(server))
		}
	}
}

func TestATagThatSaysOtherwiseIsLacking(t *testing.T) {
	have := map[string]string{"team": "shop", "cost": "7", "stays": "here"}
	got := lacking(have, map[string]string{"team": "shop", "cost": "8", "new": ""})
	if diff := cmp.Diff(map[string]string{"cost": "8", "new": ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// In a role of our own binding makes no statement apart.
func TestOnlyInARoleOfSomebodyElseAStatementStandsApart(t *testing.T) {
	for _, ours := range []bool{true, false} {
		server, client := start(t)
		if ours {
			own(t, server, client, "theirs", trusting(t, web))
		} else {
			server.Account.AddRole("theirs", theirs)
		}
		e := ensure(client, Spec{Name: "theirs"}, cart)
		e.Apart, e.Foreign = true, true
		if _, err := run(t, e.Steps()); err != nil {
			t.Fatal(err)
		}
		found, err := Get(t.Context(), client, "theirs")
		if err != nil {
			t.Fatal(err)
		}
		if apart := strings.Contains(string(found.Trust), sidPrefix); apart == ours {
			t.Errorf("ours %v: %s", ours, found.Trust)
		}
	}
}

// What somebody adds between the look and the apply is not lost with what is taken
// out.
func TestUntrustTakesOutOfWhatIsThere(t *testing.T) {
	server, client := start(t)
	own(t, server, client, "theirs", trusting(t, cart, web))
	remove := untrust(client, false)
	remove.Provider = known(providerARN)
	outlook, err := plan.Look(t.Context(), []plan.Step{remove.Step()})
	if err != nil {
		t.Fatal(err)
	}
	const late = "system:serviceaccount:shop:late"
	update(t, client, trusting(t, cart, web, late))
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	found, err := Get(t.Context(), client, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	if trust := string(found.Trust); strings.Contains(trust, cart) || !strings.Contains(trust, web) || !strings.Contains(trust, late) {
		t.Errorf("left %s", trust)
	}
}
