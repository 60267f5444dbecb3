package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// The IDs of steps that take something away.
const (
	StepDelete         = "provider-delete"
	StepRemoveAudience = "provider-audience-remove"
)

// Remove takes a provider, or an audience of one, away.
type Remove struct {
	IAM    IAM
	Issuer string

	found *Provider
}

// DeleteStep deletes the provider where this program made it; one that is gone
// is Done, and somebody else's a Conflict.
func (r *Remove) DeleteStep() plan.Step {
	return plan.Step{
		ID: StepDelete, Title: "delete the OIDC provider " + name(r.Issuer), Removes: true, Look: r.lookDelete,
		Apply: func(ctx context.Context) error {
			_, err := r.IAM.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.found.ARN})
			if awsapi.Code(err) == "NoSuchEntity" {
				return nil
			}
			return awsapi.Denied(err, "iam:DeleteOpenIDConnectProvider")
		},
	}
}

func (r *Remove) lookDelete(ctx context.Context) (_ plan.State, _ string, err error) {
	switch r.found, err = Find(ctx, r.IAM, r.Issuer); {
	case err != nil:
		return plan.Unknown, "", err
	case r.found == nil:
		return plan.Done, "there is none", nil
	case !r.found.Owned():
		return plan.Conflict, notOurs(r.found.ARN), nil
	}
	return plan.Needed, account(r.found.ARN), nil
}

func notOurs(arn string) string {
	return "it was not made by kubectl irsa; to delete it all the same:\n" +
		"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn " + arn
}

// RemoveAudienceStep takes one audience away and leaves the others.
func (r *Remove) RemoveAudienceStep(audience string) plan.Step {
	return plan.Step{
		ID: StepRemoveAudience, Title: "remove the audience " + audience + " from the provider", Removes: true,
		Look: func(ctx context.Context) (_ plan.State, _ string, err error) {
			switch r.found, err = Find(ctx, r.IAM, r.Issuer); {
			case err != nil:
				return plan.Unknown, "", err
			case r.found == nil:
				return plan.Conflict, "the account has no OIDC provider of " + r.Issuer, nil
			case !slices.Contains(r.found.Audiences, audience):
				return plan.Done, "it is not registered", nil
			}
			left := slices.DeleteFunc(slices.Clone(r.found.Audiences), func(a string) bool { return a == audience })
			if len(left) == 0 {
				return plan.Needed, "no audience is left: no token gets in until one is registered", nil
			}
			return plan.Needed, "left: " + strings.Join(left, ", "), nil
		},
		Apply: func(ctx context.Context) error {
			_, err := r.IAM.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{
				OpenIDConnectProviderArn: &r.found.ARN, ClientID: &audience,
			})
			return awsapi.Denied(err, "iam:RemoveClientIDFromOpenIDConnectProvider")
		},
	}
}
