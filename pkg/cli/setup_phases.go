package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// steps are the phases that are to be run. Their looks run side by side.
func (o *setupCommand) steps(ctx context.Context) ([]plan.Step, error) {
	var steps []plan.Step
	if o.runs(phasePreflight) {
		steps = append(steps, plan.Step{ID: phasePreflight, Title: "find out whose AWS credentials these are", Look: func(ctx context.Context) (plan.State, string, error) {
			out, err := o.whose.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return plan.Unknown, "", awsapi.Brief(err)
			}
			return plan.Done, aws.ToString(out.Arn), nil
		}})
	}
	if o.runs(phaseIssuer) {
		steps = append(steps, plan.Step{ID: phaseIssuer, Title: "find the cluster's issuer", Look: func(context.Context) (plan.State, string, error) {
			return plan.Done, o.live.Discovery.Issuer, nil
		}})
	}
	if o.runs(phasePublish) {
		publishing, err := o.publishSteps(ctx)
		if err != nil {
			return nil, err
		}
		steps = append(steps, publishing...)
	}
	if o.runs(phaseProvider) {
		steps = append(steps, o.links.provider.Steps()...)
	}
	if o.runs(phaseRole) {
		steps = append(steps, o.links.role.Steps()...)
	}
	if o.runs(phaseServiceAccount) {
		steps = append(steps, o.factory.forgetting(o.links.annotate.Step(), o.cluster.annotated(o.serviceAccount)))
	}
	for i := range steps {
		if apply := steps[i].Apply; apply != nil {
			steps[i].Apply = func(ctx context.Context) error {
				o.changed = true
				return apply(ctx)
			}
		}
	}
	return append(steps, o.entrySteps()...), nil
}

// publishSteps make the documents public. Those of EKS, GKE and AKS are, and
// those outside of S3 are somebody's who knows where they are kept.
func (o *setupCommand) publishSteps(ctx context.Context) ([]plan.Step, error) {
	url := o.live.Discovery.Issuer
	stranger, err := o.factory.stranger()
	if err != nil {
		return nil, err
	}
	_, inS3 := issuer.LocationOf(url)
	if issuer.Managed(url) != "" || !inS3 && o.bucket == "" {
		return []plan.Step{{ID: phasePublish, Title: "publish the issuer's documents", Look: func(ctx context.Context) (plan.State, string, error) {
			c := issuer.Compare(o.live, issuer.Look(ctx, stranger, url))
			switch {
			case c.Service != "":
				return plan.Done, c.Service + " publishes them", nil
			case c.InStep:
				return plan.Done, "anybody can read them", nil
			}
			return plan.Conflict, strings.Join(append(c.Differences, c.Unreachable...), "\n") +
				"\nthe issuer's URL is not one of S3's: name the bucket behind it with --bucket, or publish them yourself:\nkubectl irsa publish --to dir:PATH", nil
		}}}, nil
	}
	var asked *issuer.Target
	if o.bucket != "" {
		target, err := issuer.ParseTarget("s3://" + o.bucket)
		if err != nil {
			return nil, usageError{fmt.Errorf("--bucket: %w", err)}
		}
		asked = &target
	}
	target, err := issuer.TargetFor(url, asked)
	if misfit, ok := err.(*issuer.MisfitError); ok { //nolint:errorlint // TargetFor wraps nothing
		return nil, hint.Wrap(err, fmt.Sprintf("kubectl irsa setup %s -n %s --bucket %s", o.serviceAccount, o.cluster.namespace, misfit.Fits.Bucket))
	}
	if err != nil {
		return nil, err
	}
	o.publish = &issuer.Publisher{
		Live: o.live, Target: target, Stranger: stranger, Now: o.factory.Now, CreateBucket: true, Expected: o.binding.given,
		S3: o.admin.S3, STS: o.whose, Region: o.admin.Region,
	}
	if o.mayMint() {
		core, err := o.cluster.core()
		if err != nil {
			return nil, err
		}
		fresh := o.cluster.freshToken(core)
		token := sync.OnceValues(func() (oidc.Token, error) { return fresh(ctx) })
		o.publish.Token = func(context.Context) (oidc.Token, error) { return token() }
		if o.publish.Expected {
			go token() //nolint:errcheck // it asks once: this only begins early
		}
	}
	return o.publish.Steps(ctx)
}
