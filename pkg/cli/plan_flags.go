package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

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

// apply runs a plan and prints what became of it, also beside an error.
func (p *planFlags) apply(ctx context.Context, f *Factory, steps []plan.Step) error {
	outlook, err := f.runPlan(ctx, steps, plan.Options{DryRun: dryRunOf(p.dryRun)})
	if outlook != nil && ctx.Err() == nil {
		err = errors.Join(err, f.print(p.output, planReportOf(outlook, p.dryRun)))
	}
	return err
}
