package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// planFlags are what every command that changes IAM or the cluster can be told.
type planFlags struct{ dryRun, output string }

func (p *planFlags) add(cmd *cobra.Command) {
	dryRunFlag(cmd, &p.dryRun)
	outputFlag(cmd, &p.output, "json", "yaml")
}

// mayMint says whether a real token may be asked for.
func (p *planFlags) mayMint() bool { return p.dryRun == dryRunNone }

// apply runs a plan, asks nobody, and prints what became of it, also beside an error.
func (p *planFlags) apply(ctx context.Context, f *Factory, steps []plan.Step) error {
	return f.runPlan(ctx, steps, planRun{dryRun: p.dryRun, output: p.output})
}

// issuerPlanFlags are those of a command that changes what the account holds of
// one issuer.
type issuerPlanFlags struct {
	issuerFlag
	adminFlags
	planFlags
}

func (i *issuerPlanFlags) add(cmd *cobra.Command) {
	i.issuerFlag.add(cmd)
	i.adminFlags.add(cmd)
	i.planFlags.add(cmd)
}

// open finds the issuer and makes the clients.
func (i *issuerPlanFlags) open(ctx context.Context, f *Factory) (issuer string, clients *awsapi.Admin, err error) {
	if issuer, err = i.find(ctx, f, i.mayMint()); err != nil {
		return "", nil, err
	}
	clients, err = i.admin(ctx, f)
	return issuer, clients, err
}
