package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

// The phases of setup, in order.
const (
	phasePreflight      = "preflight"
	phaseIssuer         = "issuer"
	phasePublish        = "publish"
	phaseProvider       = "provider"
	phaseRole           = "role"
	phaseServiceAccount = "serviceaccount"
	phaseVerify         = "verify"
	phaseLogin          = "login"
)

var setupPhases = []string{
	phasePreflight, phaseIssuer, phasePublish, phaseProvider, phaseRole, phaseServiceAccount, phaseVerify, phaseLogin,
}

// setupCommand is everything "setup" needs once flags are out of the way.
type setupCommand struct {
	adminFlags
	planFlags
	confirmFlags
	bindingFlags
	bucket  string
	profile string
	skip    []string
	only    string // of "setup phase"
	factory *Factory

	cluster *cluster
	admin   *awsapi.Admin
	whose   onceSTS
	early   *earlyIAM
	live    issuer.Live
	binding *binding
	links   *chain
	publish *issuer.Publisher
	login   *loginCommand
	entered *entry
	changed bool // something was changed that STS may not know yet
}

func newSetupCommand(f *Factory, run func(*setupCommand, context.Context) error) *cobra.Command {
	o := &setupCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "setup SERVICEACCOUNT",
		Short: "Build the whole chain, from the cluster's issuer to a login that works",
		Long: `Build the whole chain, from the cluster's issuer to a login that works.

` + hanging("Phases: "+strings.Join(setupPhases, ", ")+".", 0) + `

The plan is shown before the first change. What is there already is left as it
is, so that a run that was interrupted goes on where it stopped, and one more
changes nothing. A cluster whose issuer cannot be public gets the flags to paste
for its API server instead.

Signs of the plan: + to be made, - to be taken away, = there already, ! in the
way, ? could not be looked at, x failed.`,
		Example: `  # From nothing to "aws s3 ls"
  kubectl irsa setup cart -n shop \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess

  # See the plan alone
  kubectl irsa setup cart -n shop --policy-file policy.json --dry-run

  # Without a terminal to ask on
  kubectl irsa setup cart -n shop --yes --skip-phases login`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args[0]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.skip, "skip-phases", nil, "Phases to leave out, with commas between")
	someOf(cmd, "skip-phases", func() []string { return setupPhases })
	cmd.AddCommand(newSetupPhaseCommand(f, run))
	return cmd
}

func newSetupPhaseCommand(f *Factory, run func(*setupCommand, context.Context) error) *cobra.Command {
	o := &setupCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "phase NAME SERVICEACCOUNT",
		Short: "Run one phase of setup: " + strings.Join(setupPhases, ", "),
		Example: `  kubectl irsa setup phase publish cart -n shop
  kubectl irsa setup phase role cart -n shop --policy-file policy.json --yes`,
		Args: needs("NAME", "SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.only = args[0]; !slices.Contains(setupPhases, o.only) {
				return usagef("setup has no phase %q: use %s", o.only, strings.Join(setupPhases, ", "))
			}
			if err := o.complete(args[1]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *setupCommand) addFlags(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.bucket, "bucket", "", "Bucket of the issuer's documents; default: the one in the issuer's URL")
	o.bindingFlags.add(cmd)
	cmd.Flags().StringVar(&o.profile, "profile", "", "Name of the profile to write; default: CONTEXT-NAMESPACE-SERVICEACCOUNT")
	o.confirmFlags.add(cmd)
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
}

func (o *setupCommand) complete(serviceAccount string) error {
	if err := o.bindingFlags.complete(serviceAccount); err != nil {
		return err
	}
	for _, phase := range o.skip {
		if !slices.Contains(setupPhases, phase) {
			return usagef("--skip-phases: setup has no phase %q: use %s", phase, strings.Join(setupPhases, ", "))
		}
	}
	if o.bucket != "" {
		if _, err := issuer.ParseTarget("s3://" + o.bucket); err != nil {
			return usageError{fmt.Errorf("--bucket: %w", err)}
		}
	}
	return nil
}

// runs reports whether a phase is to be run.
func (o *setupCommand) runs(phase string) bool {
	if o.only != "" {
		return phase == o.only
	}
	return !slices.Contains(o.skip, phase)
}

func (o *setupCommand) run(ctx context.Context) error {
	if err := o.look(ctx); err != nil {
		return err
	}
	steps, err := o.steps(ctx)
	if err != nil {
		return err
	}
	err = o.factory.runPlan(ctx, steps, planRun{dryRun: o.dryRun, output: o.output, confirm: o.agree})
	if err != nil || o.dryRun != dryRunNone || o.output != "" || o.login == nil {
		return err
	}
	return o.finish()
}

// agree asks, unless all that is left to do is to try.
func (o *setupCommand) agree(ctx context.Context, outlook []plan.Outlook) (bool, error) {
	for _, step := range outlook {
		if step.State == plan.Needed && step.Step.ID != phaseVerify {
			return o.confirm(o.factory)(ctx, outlook)
		}
	}
	return true, nil
}

// look reads what the plan depends on: the cluster's issuer and the
// ServiceAccount, side by side.
func (o *setupCommand) look(ctx context.Context) (err error) {
	var spec role.Spec
	if o.cluster, spec, err = o.bindingFlags.open(o.factory); err != nil {
		return err
	}
	if o.admin, err = o.adminFlags.admin(ctx, o.factory); err != nil {
		return err
	}
	credentials := o.begin(ctx)
	core, err := o.cluster.core()
	if err != nil {
		return err
	}
	reached, wait := abreast.Lead(ctx, func(ctx context.Context) (err error) {
		o.binding, err = o.lookToMake(ctx, o.cluster)
		return err
	})
	if !reached {
		return wait()
	}
	var readErr error
	o.live, readErr = issuer.Read(ctx, core.RESTClient())
	err = wait()
	if err := o.checkIssuer(ctx, readErr); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if err := <-credentials; err != nil {
		return hint.Wrap(err, "setup makes things in IAM and S3; name a profile with --aws-profile, or log in with: aws login")
	}
	o.links = o.binding.chain(o.early, o.whose, o.live.Discovery.Issuer, spec)
	o.links.provider.Existing = !o.runs(phaseProvider)
	o.links.role.Existing, o.links.role.NewProvider = !o.runs(phaseRole), o.runs(phaseProvider)
	return o.prepareEntry()
}

// checkIssuer stops where AWS can never read the issuer's documents, with what
// the API server has to be told.
func (o *setupCommand) checkIssuer(ctx context.Context, readErr error) error {
	if readErr != nil && !errors.Is(readErr, issuer.ErrNoDiscovery) {
		return kubeapi.Unreachable(readErr)
	}
	private := readErr
	if private == nil {
		private = irsa.CheckIssuer(o.live.Discovery.Issuer)
	}
	if private == nil {
		return nil
	}
	recipe := &issuerPlanCommand{factory: o.factory, output: o.output, newBucket: true}
	if o.bucket != "" {
		recipe.issuer, recipe.newBucket = issuer.BucketURL(o.bucket, o.admin.Region), false
	}
	if err := recipe.run(ctx); err != nil {
		return errors.Join(private, err)
	}
	return hint.Wrap(private, "the API server has to be told another issuer, which nobody can do from outside: the steps are above; afterwards run again",
		fmt.Sprintf("kubectl irsa setup %s -n %s", o.serviceAccount, o.cluster.namespace))
}
