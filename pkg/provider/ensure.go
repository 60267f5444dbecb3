package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// The IDs of steps.
const (
	StepProvider  = "provider"
	StepAudiences = "provider-audiences"
)

// Ensure is the provider that an issuer is to have. It is used for one plan;
// its steps share one look.
type Ensure struct {
	IAM         IAM
	Issuer      string
	Audiences   []string
	Thumbprints []string // of a new provider; none: IAM trusts public CAs, and computes one
	Tags        map[string]string
	// Existing refuses to make the provider: it must be there.
	Existing bool

	once    sync.Once
	found   *Provider
	findErr error
}

// Look finds the provider; nil where there is none yet. It asks once.
func (e *Ensure) Look(ctx context.Context) (*Provider, error) {
	e.once.Do(func() { e.found, e.findErr = Find(ctx, e.IAM, e.Issuer) })
	return e.found, e.findErr
}

// ARN is the provider's, "" before it is known: to be read after the looks, or
// after the apply that makes it.
func (e *Ensure) ARN() string {
	if e.found == nil {
		return ""
	}
	return e.found.ARN
}

// Provider is what is known of the provider after the looks or the applies,
// nil where there is none.
func (e *Ensure) Provider() *Provider { return e.found }

// Steps are the changes: the provider, and the audiences that it lacks.
func (e *Ensure) Steps() []plan.Step {
	var steps []plan.Step
	if !e.Existing {
		steps = append(steps, plan.Step{
			ID: StepProvider, Title: "create the OIDC provider " + name(e.Issuer), Look: e.lookProvider, Apply: e.create,
		})
	}
	audiences := plan.Step{
		ID: StepAudiences, Title: "register the audience " + strings.Join(e.Audiences, " and ") + " with the provider",
		Look: e.lookAudiences, Apply: e.addAudiences,
	}
	if !e.Existing {
		audiences.After = []string{StepProvider}
	}
	return append(steps, audiences)
}

func (e *Ensure) lookProvider(ctx context.Context) (plan.State, string, error) {
	switch found, err := e.Look(ctx); {
	case err != nil:
		return plan.Unknown, "", err
	case found != nil && found.Owned():
		return plan.Done, "", nil
	case found != nil:
		return plan.Done, "it was not made by kubectl irsa", nil
	}
	if len(e.Issuer) > maxURL {
		return plan.Conflict, fmt.Sprintf("the issuer's URL has %d characters, and IAM takes %d", len(e.Issuer), maxURL), nil
	}
	return plan.Needed, "", nil
}

func (e *Ensure) lookAudiences(ctx context.Context) (plan.State, string, error) {
	found, err := e.Look(ctx)
	switch {
	case err != nil && !e.Existing:
		return plan.Needed, "", nil // the step before says why
	case err != nil:
		return plan.Unknown, "", err
	case found == nil && e.Existing:
		return plan.Conflict, "the account has no OIDC provider of " + e.Issuer + "\nkubectl irsa provider create", nil
	case found == nil:
		return plan.Needed, "", nil
	}
	missing := found.missing(e.Audiences)
	switch {
	case len(missing) == 0:
		return plan.Done, "", nil
	case len(found.Audiences)+len(missing) > maxAudiences:
		return plan.Conflict, fmt.Sprintf("the provider would have %d audiences, and IAM takes %d", len(found.Audiences)+len(missing), maxAudiences), nil
	}
	return plan.Needed, beside(found.Audiences), nil
}

func beside(audiences []string) string {
	if len(audiences) == 0 {
		return "it has none yet"
	}
	return "beside " + strings.Join(audiences, ", ")
}

// create makes the provider with its audiences. One that somebody else made
// meanwhile does as well.
func (e *Ensure) create(ctx context.Context) error {
	out, err := e.IAM.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: &e.Issuer, ClientIDList: e.Audiences, ThumbprintList: e.Thumbprints, Tags: awsapi.IAMTags(irsa.Mark(e.Tags, e.Issuer)),
	})
	switch awsapi.Code(err) {
	case "EntityAlreadyExists":
		found, err := Find(ctx, e.IAM, e.Issuer)
		if err == nil && found == nil {
			err = fmt.Errorf("IAM says that there is one already, and lists none of %s: its URL may differ in case", e.Issuer)
		}
		e.found = found
		return err
	case "LimitExceeded":
		return hint.Wrap(awsapi.Brief(err), "the account's quota of OIDC providers is used up; which of them lead nowhere:",
			"kubectl irsa get providers --dangling")
	case "OpenIdIdpCommunicationError":
		return hint.Wrap(awsapi.Brief(err), "IAM fetches the issuer's certificate where no thumbprint is given, and could not; is the issuer public?",
			"kubectl irsa issuer show")
	}
	if err != nil {
		return awsapi.Denied(err, "iam:CreateOpenIDConnectProvider and iam:TagOpenIDConnectProvider")
	}
	e.found = &Provider{ARN: aws.ToString(out.OpenIDConnectProviderArn), Issuer: e.Issuer, Audiences: slices.Clone(e.Audiences), Tags: irsa.Mark(e.Tags, e.Issuer)}
	return nil
}

func (e *Ensure) addAudiences(ctx context.Context) error {
	for _, audience := range e.found.missing(e.Audiences) {
		if _, err := e.IAM.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{
			OpenIDConnectProviderArn: &e.found.ARN, ClientID: &audience,
		}); err != nil {
			return fmt.Errorf("registering %s: %w", audience, awsapi.Denied(err, "iam:AddClientIDToOpenIDConnectProvider"))
		}
		e.found.Audiences = append(e.found.Audiences, audience)
	}
	return nil
}
