package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

const (
	url = "https://cluster-issuer.s3.us-east-1.amazonaws.com"
	arn = "arn:aws:iam::111122223333:oidc-provider/cluster-issuer.s3.us-east-1.amazonaws.com"
)

func start(t *testing.T, o awstest.Options) (*awstest.Server, *iam.Client) {
	t.Helper()
	server := awstest.New(t, o)
	return server, iam.NewFromConfig(server.Config())
}

func TestEnsure(t *testing.T) {
	const thumbprint = "0123456789abcdef0123456789abcdef01234567"
	for name, tc := range map[string]struct {
		has      []string // audiences of a provider that somebody else made
		ensure   *Ensure
		requests []string
		want     *Provider
	}{
		"a new provider has the audiences, our tags and no thumbprint that was asked for": {
			ensure:   &Ensure{Audiences: []string{"sts.amazonaws.com", "vault"}, Tags: map[string]string{"team": "shop"}},
			requests: []string{"iam:ListOpenIDConnectProviders", "s3:ListObjects", "iam:CreateOpenIDConnectProvider"},
			want: &Provider{ARN: arn, Issuer: url, Audiences: []string{"sts.amazonaws.com", "vault"},
				Tags: map[string]string{"team": "shop", irsa.TagOwned: "true", irsa.TagIssuer: url}},
		},
		"a thumbprint goes along where it is asked for": {
			ensure:   &Ensure{Audiences: []string{"a"}, Thumbprints: []string{thumbprint}},
			requests: []string{"iam:ListOpenIDConnectProviders", "iam:CreateOpenIDConnectProvider"},
			want: &Provider{ARN: arn, Issuer: url, Audiences: []string{"a"}, Thumbprints: []string{thumbprint},
				Tags: map[string]string{irsa.TagOwned: "true", irsa.TagIssuer: url}},
		},
		"an audience is added beside the others": {
			has: []string{"other"}, ensure: &Ensure{Audiences: []string{"sts.amazonaws.com"}},
			requests: []string{"iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider", "iam:AddClientIDToOpenIDConnectProvider"},
			want:     &Provider{ARN: arn, Issuer: url, Audiences: []string{"other", "sts.amazonaws.com"}, Tags: map[string]string{}},
		},
		"what is there is left alone": {
			has: []string{"sts.amazonaws.com"}, ensure: &Ensure{Audiences: []string{"sts.amazonaws.com"}, Existing: true},
			requests: []string{"iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider"},
			want:     &Provider{ARN: arn, Issuer: url, Audiences: []string{"sts.amazonaws.com"}, Tags: map[string]string{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t, awstest.Options{})
			server.Account.AddBucket("cluster-issuer", "us-east-1")
			if tc.has != nil {
				server.Account.AddProvider(url, tc.has...)
			}
			tc.ensure.IAM, tc.ensure.Issuer = client, url
			if _, err := plan.Run(t.Context(), tc.ensure.Steps(), plan.Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.requests, awstest.Names(server.Requests())); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if tc.ensure.ARN() != arn {
				t.Errorf("ARN %q", tc.ensure.ARN())
			}
			got, err := Find(t.Context(), client, url)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want.Thumbprints == nil {
				got.Thumbprints = nil // computed by IAM
			}
			got.Created = tc.want.Created
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("provider (-want +got):\n%s", diff)
			}
			server.ForgetRequests()
			again := &Ensure{IAM: client, Issuer: url, Audiences: tc.ensure.Audiences}
			outlook, err := plan.Run(t.Context(), again.Steps(), plan.Options{})
			if err != nil || plan.Any(outlook, plan.Needed, plan.Applied) {
				t.Errorf("a second run changes something: %v, %v", outlook, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		action, code string
		says, hint   string
	}{
		"no right to look":               {"ListOpenIDConnectProviders", "AccessDenied", "nothing was changed", "the permission iam:ListOpenIDConnectProviders"},
		"no right to create":             {"CreateOpenIDConnectProvider", "AccessDenied", "create the OIDC provider " + name(url), "iam:CreateOpenIDConnectProvider and iam:TagOpenIDConnectProvider"},
		"the quota is used up":           {"CreateOpenIDConnectProvider", "LimitExceeded", "LimitExceeded", "kubectl irsa get providers --dangling"},
		"IAM cannot reach the issuer":    {"CreateOpenIDConnectProvider", "OpenIdIdpCommunicationError", "OpenIdIdpCommunicationError", "kubectl irsa issuer show"},
		"throttling beyond all patience": {"CreateOpenIDConnectProvider", "Throttling", "Throttling: Rate exceeded", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t, awstest.Options{})
			server.Faults.Fail(tc.action, tc.code, 0)
			ensure := &Ensure{IAM: client, Issuer: url, Audiences: []string{"sts.amazonaws.com"}}
			_, err := plan.Run(t.Context(), ensure.Steps(), plan.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(strings.Join(hint.Lines(err), "\n"), tc.hint) {
				t.Errorf("error %v, hints %q", err, hint.Lines(err))
			}
		})
	}
}

func TestAProviderThatAppearsMeanwhileIsTaken(t *testing.T) {
	server, client := start(t, awstest.Options{})
	ensure := &Ensure{IAM: client, Issuer: url, Audiences: []string{"sts.amazonaws.com"}}
	outlook, err := plan.Look(t.Context(), ensure.Steps())
	if err != nil {
		t.Fatal(err)
	}
	server.Account.AddProvider(url, "other")
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Find(t.Context(), client, url)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"other", "sts.amazonaws.com"}, got.Audiences); diff != "" {
		t.Errorf("audiences (-want +got):\n%s", diff)
	}
}

func TestRemove(t *testing.T) {
	server, client := start(t, awstest.Options{})
	server.Account.AddProvider(url, "a", "b")
	run := func(step plan.Step) ([]plan.Outlook, error) {
		return plan.Run(t.Context(), []plan.Step{step}, plan.Options{})
	}
	if _, err := run((&Remove{IAM: client, Issuer: url}).RemoveAudienceStep("a")); err != nil {
		t.Fatal(err)
	}
	if outlook, err := run((&Remove{IAM: client, Issuer: url}).RemoveAudienceStep("a")); err != nil || outlook[0].State != plan.Done {
		t.Errorf("removing it twice: %v, %v", outlook, err)
	}
	got, err := Find(t.Context(), client, url)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b"}, got.Audiences); diff != "" {
		t.Errorf("audiences (-want +got):\n%s", diff)
	}
	if outlook, err := run((&Remove{IAM: client, Issuer: url}).DeleteStep()); err == nil || outlook[0].State != plan.Conflict {
		t.Errorf("somebody else's provider is deleted: %v, %v", outlook, err)
	}
	if got, err = Find(t.Context(), client, url); got == nil || err != nil {
		t.Fatalf("it is gone: %v", err)
	}
	if outlook, err := run((&Remove{IAM: client, Issuer: url + "/other"}).DeleteStep()); err != nil || outlook[0].State != plan.Done {
		t.Errorf("deleting none: %v, %v", outlook, err)
	}
}

func TestChecks(t *testing.T) {
	if err := CheckAudience(strings.Repeat("a", 256)); err == nil {
		t.Error("an audience of 256 characters passes")
	}
	if err := CheckThumbprints([]string{"a", "b", "c", "d", "e", "f"}); err == nil {
		t.Error("six thumbprints pass")
	}
	if err := CheckThumbprints([]string{strings.Repeat("Ab", 20)}); err != nil {
		t.Error(err)
	}
	_, client := start(t, awstest.Options{})
	ensure := &Ensure{IAM: client, Issuer: "https://example.com/" + strings.Repeat("x", 255), Audiences: []string{"a"}}
	if _, err := plan.Run(t.Context(), ensure.Steps(), plan.Options{}); err == nil || !strings.Contains(err.Error(), "IAM takes 255") {
		t.Errorf("a URL that is too long: %v", err)
	}
}
