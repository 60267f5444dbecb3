package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
)

type verifyCommand struct {
	chainFlags
	name    string
	probe   bool
	factory *Factory
}

func newVerifyCommand(f *Factory, run func(*verifyCommand, context.Context) error) *cobra.Command {
	o := &verifyCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "verify SERVICEACCOUNT",
		Short: "Prove that a ServiceAccount gets its role and nobody else does",
		Long: `Prove that a ServiceAccount gets its role and nobody else does.

Another ServiceAccount, another namespace and another audience must be refused:
by evaluation of the role's trust policy, which takes AWS credentials, or with
--probe by real exchanges with tokens of ServiceAccounts that are there already.
Nothing is created.`,
		Example: `  # By evaluation
  kubectl irsa verify cart -n shop --aws-profile admin

  # By real exchanges; no AWS credentials are needed
  kubectl irsa verify cart -n shop --probe`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.chainFlags.add(cmd, func() []string { return check.IDs(doctor.VerifyChecks(doctor.Facts{})) })
	cmd.Flags().BoolVar(&o.probe, "probe", false, "Try the exchanges that must be refused")
	return cmd
}

func (o *verifyCommand) complete(args []string) (err error) {
	if o.name, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	if err := o.checkFlags(); err != nil {
		return err
	}
	return o.verdictFlags.check()
}

func (o *verifyCommand) run(ctx context.Context) error {
	f := o.factory
	c, err := f.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	t := o.target(f, c, o.name)
	t.WithPods = false
	facts, err := o.collect(ctx, f, c, t)
	if err != nil {
		return err
	}
	v := doctor.Verification{Facts: facts}
	if o.probe {
		w, err := f.world(c, &o.adminFlags, o.stsEndpointURL)
		if err != nil {
			return err
		}
		all := w.StandIns(ctx, facts)
		var who []string
		for _, s := range all {
			if s.Who != (doctor.Named{}) {
				who = append(who, s.Who.Namespace+"/"+s.Who.Name+" for "+s.Audience)
			}
		}
		f.note("probing: asking STS for %s with tokens of %s", facts.RoleText, strings.Join(who, ", "))
		v.Probes = w.Probe(ctx, facts, all)
	}
	findings := check.Run(v, doctor.VerifyChecks(facts), o.selection())
	return f.reportOn(c, "ServiceAccount "+c.namespace+"/"+o.name, findings, &o.verdictFlags, nil)
}
