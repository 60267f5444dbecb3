package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// seen is what a plan's looks say, a line each.
func seen(outlook []plan.Outlook) (lines []string) {
	for _, o := range outlook {
		lines = append(lines, fmt.Sprintf("%s is %s: %s", o.Step.ID, o.State, o.Detail))
	}
	return lines
}

func TestWhatIsInTheWayIsToldBeforeAnythingIsDone(t *testing.T) {
	many := func(n int) (audiences []string) {
		for i := range n {
			audiences = append(audiences, fmt.Sprintf("a%d", i))
		}
		return audiences
	}
	for name, tc := range map[string]struct {
		has    []string
		ensure *Ensure
		want   []string
	}{
		"a provider that must be there is not": {
			ensure: &Ensure{Audiences: []string{"b"}, Existing: true},
			want:   []string{"provider-audiences is conflict: the account has no OIDC provider of " + url + "\nkubectl irsa provider create"},
		},
		"as many audiences as IAM takes": {
			has: many(99), ensure: &Ensure{Audiences: []string{"a1", "b"}, Existing: true},
			want: []string{"provider-audiences is needed: beside a0, a1, a2"},
		},
		"one more than IAM takes": {
			has: many(99), ensure: &Ensure{Audiences: []string{"b", "c"}, Existing: true},
			want: []string{"provider-audiences is conflict: the provider would have 101 audiences, and IAM takes 100"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t, awstest.Options{})
			if tc.has != nil {
				server.Account.AddProvider(url, tc.has...)
			}
			tc.ensure.IAM, tc.ensure.Issuer = client, url
			outlook, _ := plan.Look(t.Context(), tc.ensure.Steps())
			got := seen(outlook)
			for i := range got {
				got[i] = got[i][:min(len(got[i]), len(tc.want[i]))]
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The audiences are looked at with what the step before has found: side by side
// they would be registered twice, or not at all.
func TestTheAudiencesComeAfterTheProvider(t *testing.T) {
	for existing, want := range map[bool][]string{true: nil, false: {StepProvider}} {
		steps := (&Ensure{Issuer: url, Existing: existing}).Steps()
		last := steps[len(steps)-1]
		if diff := cmp.Diff(want, last.After); last.ID != StepAudiences || diff != "" {
			t.Errorf("%s (-want +got):\n%s", last.ID, diff)
		}
	}
}

func TestAProviderThatIAMHidesIsNotTakenForMade(t *testing.T) {
	server, client := start(t, awstest.Options{})
	server.Faults.Fail("CreateOpenIDConnectProvider", "EntityAlreadyExists", 0)
	ensure := &Ensure{IAM: client, Issuer: url, Audiences: []string{"a"}}
	outlook, err := plan.Run(t.Context(), ensure.Steps(), plan.Options{})
	if err == nil || outlook[0].State != plan.Failed ||
		outlook[0].Err.Error() != "IAM says that there is one already, and lists none of "+url+": its URL may differ in case" {
		t.Errorf("%v: %v", seen(outlook), err)
	}
}

func TestAProviderThatIsGoneMeanwhileIsDeleted(t *testing.T) {
	server, client := start(t, awstest.Options{})
	_, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String(url), ClientIDList: []string{"a"}, Tags: awsapi.IAMTags(irsa.Mark(nil, url)),
	})
	if err != nil {
		t.Fatal(err)
	}
	outlook, err := plan.Look(t.Context(), []plan.Step{(&Remove{IAM: client, Issuer: url}).DeleteStep()})
	if err != nil || outlook[0].State != plan.Needed {
		t.Fatalf("%v: %v", seen(outlook), err)
	}
	server.Faults.Fail("DeleteOpenIDConnectProvider", "NoSuchEntity", 1)
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Error(err)
	}
	server.Faults.Fail("DeleteOpenIDConnectProvider", "AccessDenied", 0)
	outlook[0].State = plan.Needed
	if err := plan.Apply(t.Context(), outlook, nil); err == nil {
		t.Error("a refusal is no error")
	}
}

func TestTheLastAudienceIsNamedAsThat(t *testing.T) {
	for name, tc := range map[string]struct {
		has  []string
		want string
	}{
		"one of two":       {[]string{"a", "b"}, "provider-audience-remove is needed: left: b"},
		"the last":         {[]string{"a"}, "provider-audience-remove is needed: no audience is left: no token gets in until one is registered"},
		"one that is none": {[]string{"b"}, "provider-audience-remove is done: it is not registered"},
		"of none":          {nil, "provider-audience-remove is conflict: the account has no OIDC provider of " + url},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t, awstest.Options{})
			if tc.has != nil {
				server.Account.AddProvider(url, tc.has...)
			}
			outlook, _ := plan.Look(t.Context(), []plan.Step{(&Remove{IAM: client, Issuer: url}).RemoveAudienceStep("a")})
			if diff := cmp.Diff([]string{tc.want}, seen(outlook)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
