//go:build e2e

package trustpolicy_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// What a server makes of a policy.
const (
	letsIn  = "lets in"
	refuses = "refuses"
	rejects = "rejects the policy" // and keeps the role as it was
)

// TestAServerAgrees gives each policy of the tables to a real IAM and STS, and
// a real token of the subject. Where the server judges otherwise than AWS's
// documentation says, the difference and the page stand in serverDiffers.
func TestAServerAgrees(t *testing.T) {
	world := inside.Here(t)
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"),
		config.WithSharedCredentialsFiles([]string{world.Admin}), config.WithSharedConfigProfile("admin"))
	if err != nil {
		t.Fatal(err)
	}
	roles, tokens := iam.NewFromConfig(cfg), sts.New(sts.Options{Region: cfg.Region, HTTPClient: cfg.HTTPClient})
	token, err := exec.CommandContext(t.Context(), "kubectl", "create", "token", "cart", "-n", "shop", "--audience", audience).Output()
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(world.Issuer, "https://")
	here := strings.NewReplacer(provider, irsa.ProviderARN("aws", "000000000000", world.Issuer), issuer, host, "111122223333", "000000000000")
	const role = "verdicts"
	template, err := trustpolicy.New(trustpolicy.Trust{Provider: here.Replace(provider), Audience: audience, Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(role), AssumeRolePolicyDocument: aws.String(string(template))}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String(role)}) })
	asked, agreed := 0, 0
	for name, tc := range verdicts(t) {
		if tc.with != nil || tc.action != "" || tc.principal != "" || tc.want == unknown {
			continue // another request than a token of this cluster can make, or one that nobody can judge from here
		}
		asked++
		t.Run(name, func(t *testing.T) {
			want := refuses
			if tc.want == yes {
				want = letsIn
			}
			got := ask(t, roles, tokens, role, here.Replace(tc.policy), string(token))
			difference, listed := serverDiffers[name]
			switch {
			case got == want && listed:
				t.Errorf("the server %s, as documented: the difference listed for it is none", got)
			case got == want:
				agreed++
			case !listed:
				t.Errorf("the server %s, the documentation (%s) has it that IAM %s\n%s", got, tc.rule, want, tc.policy)
			case difference.does != got:
				t.Errorf("the server %s, the list says that it %s", got, difference.does)
			case !strings.HasPrefix(tc.rule, guide):
				t.Errorf("no page settles the difference: %q", tc.rule)
			}
		})
	}
	t.Logf("%d policies, %d judged alike", asked, agreed)
	if asked < 80 {
		t.Errorf("%d policies were asked about, want at least 80", asked)
	}
}

func ask(t *testing.T, roles *iam.Client, tokens *sts.Client, role, policy, token string) string {
	t.Helper()
	_, err := roles.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(role), PolicyDocument: aws.String(policy)})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "MalformedPolicyDocument" {
		return rejects
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = tokens.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/" + role), RoleSessionName: aws.String("verdict"), WebIdentityToken: aws.String(token),
	})
	if err == nil {
		return letsIn
	}
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "AccessDenied" && e.ErrorCode() != "InvalidIdentityToken" {
		t.Fatal(err)
	}
	return refuses
}

// differs is what a server does instead of what the verdict's page says, and why.
type differs struct{ does, why string }

// serverDiffers are the verdicts in which VersityGW 1.8.0 is stricter than IAM or
// knows less of the language; the page that settles each is the verdict's rule.
var serverDiffers = map[string]differs{
	"NotAction in a Deny":                                                 {rejects, "it knows no NotAction"},
	"NotPrincipal denies everybody else":                                  {rejects, "it knows no NotPrincipal"},
	"NotPrincipal spares the one it names":                                {rejects, "it knows no NotPrincipal"},
	"NotPrincipal with Allow does not allow the one it names":             {rejects, "it knows no NotPrincipal"},
	"a policy without statements allows nothing":                          {rejects, "it wants a statement, as IAM may too"},
	"a principal map without entries names nobody":                        {rejects, "it wants a principal"},
	"a principal that is a star is everybody":                             {rejects, "it takes principals in the form of a map"},
	"a service is no web identity":                                        {rejects, "it knows no Service principals"},
	"a wildcard in any case":                                              {rejects, "it minds the case of actions"},
	"an action in any case":                                               {rejects, "it minds the case of actions"},
	"every action":                                                        {rejects, "it takes actions of STS by their names, not a bare star"},
	"no action at all":                                                    {rejects, "it wants an action"},
	"Null with ForAllValues is always true":                               {refuses, "it takes the set operator off Null"},
	"a default stands in for an absent key":                               {refuses, "it knows no default of a policy variable"},
	"names of keys have no case, the claim's included":                    {refuses, "it minds the case of keys"},
	"ForAnyValue fails for a negated operator too when the key is absent": {letsIn, "it judges the negation before the absence"},
	"Null with ForAnyValue is always false":                               {letsIn, "it takes the set operator off Null"},
}
