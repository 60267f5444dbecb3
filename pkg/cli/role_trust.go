package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

type roleTrustAddCommand struct {
	adminFlags
	planFlags
	trustFlags
	role    irsa.RoleARN
	factory *Factory
}

func newRoleTrustAddCommand(f *Factory, run func(*roleTrustAddCommand, context.Context) error) *cobra.Command {
	o := &roleTrustAddCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "add NAME --sa SERVICEACCOUNT",
		Short: "Let a role trust a ServiceAccount of this cluster",
		Long: `Let a role trust a ServiceAccount of this cluster.

The role may be anybody's: what its trust policy says otherwise stays byte for
byte as it is. A role that trusts the ServiceAccount already is not changed.`,
		Example: `  kubectl irsa role trust add cart --sa cart -n shop

  # See what would be done
  kubectl irsa role trust add cart --sa cart -n shop --dry-run`,
		Args: needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.role, err = roleNamed(args[0]); err != nil {
				return err
			}
			if err := o.trustFlags.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.trustFlags.add(cmd)
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
	return cmd
}

func (o *roleTrustAddCommand) run(ctx context.Context) error {
	ensure, err := o.trustFlags.ensure(ctx, o.factory, &o.adminFlags, &o.planFlags)
	if err != nil {
		return err
	}
	ensure.Spec.Name, ensure.Named, ensure.Existing, ensure.Foreign = o.role.Name, o.role, true, true
	return o.apply(ctx, o.factory, ensure.Steps())
}

type roleTrustRemoveCommand struct {
	issuerPlanFlags
	role            irsa.RoleARN
	serviceAccounts []string
	patterns        []string
	factory         *Factory
}

func newRoleTrustRemoveCommand(f *Factory, run func(*roleTrustRemoveCommand, context.Context) error) *cobra.Command {
	o := &roleTrustRemoveCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "remove NAME --sa SERVICEACCOUNT",
		Short: "No longer let a role trust a ServiceAccount of this cluster",
		Example: `  kubectl irsa role trust remove cart --sa cart -n shop

  # A pattern is removed as it is spelled
  kubectl irsa role trust remove shop \
    --subject-pattern 'system:serviceaccount:shop:*'`,
		Args: needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.role, err = roleNamed(args[0]); err != nil {
				return err
			}
			if len(o.serviceAccounts)+len(o.patterns) != 1 {
				return usagef("name one ServiceAccount with --sa NAME, or one pattern with --subject-pattern")
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringArrayVar(&o.serviceAccounts, "sa", nil, "ServiceAccount of the namespace (-n) that is trusted no longer")
	cmd.Flags().StringArrayVar(&o.patterns, "subject-pattern", nil, "Pattern that is trusted no longer, spelled as in the trust policy")
	o.issuerPlanFlags.add(cmd)
	return cmd
}

func (o *roleTrustRemoveCommand) run(ctx context.Context) error {
	namespace, err := o.factory.namespace()
	if err != nil {
		return err
	}
	names := trustFlags{serviceAccounts: o.serviceAccounts, patterns: o.patterns}
	subjects, err := names.subjects(namespace)
	if err != nil {
		return err
	}
	issuer, admin, err := o.open(ctx, o.factory)
	if err != nil {
		return err
	}
	untrust := &role.Untrust{
		IAM: admin.IAM, STS: callerOnce(admin.STS), Role: o.role, Issuer: issuer, Subject: subjects[0], Provider: providerOf(admin, issuer),
	}
	return o.apply(ctx, o.factory, []plan.Step{o.factory.forgetting(untrust.Step(), sessionsOf(untrust.ARN))})
}
