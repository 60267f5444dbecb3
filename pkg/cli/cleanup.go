package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/provider"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

type cleanupCommand struct {
	issuerPlanFlags
	confirmFlags
	bucket  string
	factory *Factory
}

func newCleanupCommand(f *Factory, run func(*cleanupCommand, context.Context) error) *cobra.Command {
	o := &cleanupCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Delete what kubectl irsa made at AWS for this cluster",
		Long: `Delete what kubectl irsa made at AWS for this cluster.

The provider goes first, then the roles, the documents, and the bucket last: so
there is never a provider whose bucket somebody else could take. What kubectl
irsa did not make, as the tags say, is not touched, and a role that lets in
others besides this cluster loses only the cluster's statements.`,
		Example: `  # See what would be deleted
  kubectl irsa cleanup --dry-run

  # Of a cluster that is gone
  kubectl irsa cleanup --issuer https://BUCKET.s3.us-east-1.amazonaws.com --yes`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.bucket != "" {
				if _, err := issuer.ParseTarget("s3://" + o.bucket); err != nil {
					return usageError{fmt.Errorf("--bucket: %w", err)}
				}
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.bucket, "bucket", "", "Bucket to delete; default: the one in the issuer's URL")
	o.issuerFlag.add(cmd)
	o.confirmFlags.add(cmd)
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
	return cmd
}

func (o *cleanupCommand) run(ctx context.Context) error {
	url, admin, err := o.open(ctx, o.factory)
	if err != nil {
		return err
	}
	steps, err := o.steps(ctx, admin, url)
	if err != nil {
		return err
	}
	roles := o.removesRoles(steps)
	err = o.factory.runPlan(ctx, steps, planRun{dryRun: o.dryRun, output: o.output, confirm: o.confirm(o.factory)})
	if err == nil && roles && o.dryRun == dryRunNone {
		o.factory.note("note: annotations and profiles that name these roles stay: kubectl irsa unbind SERVICEACCOUNT, kubectl irsa logout --all")
	}
	return err
}

// removesRoles reports whether the plan has a role in it: whoever was bound to one
// has an annotation still, and whoever was logged in a profile.
func (o *cleanupCommand) removesRoles(steps []plan.Step) bool {
	return slices.ContainsFunc(steps, func(s plan.Step) bool {
		return strings.HasPrefix(s.ID, role.StepDelete) || strings.HasPrefix(s.ID, role.StepStrip)
	})
}

// steps are the provider, the roles, the documents and the bucket, in this order.
func (o *cleanupCommand) steps(ctx context.Context, admin *awsapi.Admin, url string) ([]plan.Step, error) {
	withdrawal, err := o.withdrawal(admin, url)
	if err != nil {
		return nil, err
	}
	if withdrawal != nil {
		go withdrawal.Ours(ctx) //nolint:errcheck // it looks once: this only begins early
	}
	roles, err := role.List(ctx, admin.IAM, url)
	if err != nil {
		return nil, err
	}
	steps := []plan.Step{o.providerStep(admin, url, withdrawal)}
	for _, r := range roles {
		step := (&role.Withdraw{IAM: admin.IAM, Issuer: url, Found: r}).Step()
		steps = append(steps, o.factory.forgetting(step, sessionsOf(func() string { return r.ARN })))
	}
	if withdrawal == nil {
		return steps, nil
	}
	return append(steps, withdrawal.Steps()...), nil
}

// providerStep deletes the provider. One of somebody else's stays, and so does
// the bucket behind it then.
func (o *cleanupCommand) providerStep(admin *awsapi.Admin, url string, w *issuer.Withdrawal) plan.Step {
	step := (&provider.Remove{IAM: admin.IAM, Issuer: url}).DeleteStep()
	look := step.Look
	step.Look = func(ctx context.Context) (plan.State, string, error) {
		state, detail, err := look(ctx)
		if err != nil || state != plan.Conflict || w == nil {
			return kept(state), detail, err
		}
		if ours, err := w.Ours(ctx); err != nil || !ours {
			return kept(state), detail, nil // the bucket's own step says what is amiss
		}
		return plan.Conflict, detail + "\nwithout its bucket it would dangle: whoever takes the bucket's name could become every role that trusts it", nil
	}
	return step
}

// kept is the state of what stays because it is not ours.
func kept(state plan.State) plan.State {
	if state == plan.Conflict {
		return plan.Done
	}
	return state
}

// withdrawal is of the bucket in the issuer's URL, or of the one that is named;
// nil where there is none.
func (o *cleanupCommand) withdrawal(admin *awsapi.Admin, url string) (*issuer.Withdrawal, error) {
	var asked *issuer.Target
	if o.bucket != "" {
		target, err := issuer.ParseTarget("s3://" + o.bucket)
		if err != nil {
			return nil, usageError{err}
		}
		asked = &target
	} else if _, inS3 := issuer.LocationOf(url); !inS3 {
		return nil, nil
	}
	target, err := issuer.TargetFor(url, asked)
	if misfit, ok := errors.AsType[*issuer.MisfitError](err); ok {
		return nil, hint.Wrap(err, "kubectl irsa cleanup --bucket "+misfit.Fits.Bucket)
	}
	if err != nil {
		return nil, err
	}
	return &issuer.Withdrawal{
		S3: admin.S3, STS: callerOnce(admin.STS), Issuer: url, Location: target.Location, Region: admin.Region, Named: asked != nil,
	}, nil
}
