package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

type bindCommand struct {
	issuerPlanFlags
	bindingFlags
	factory *Factory
}

func newBindCommand(f *Factory, run func(*bindCommand, context.Context) error) *cobra.Command {
	o := &bindCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "bind SERVICEACCOUNT",
		Short: "Bind a ServiceAccount to a role: trust on one side, annotation on the other",
		Long: `Bind a ServiceAccount to a role: trust on one side, annotation on the other.

A role that is missing is made. One of somebody else's keeps its trust policy
and gets one statement more; what it may do is left to its owner. Binding again
changes nothing, and "unbind" takes back what binding did.`,
		Example: `  # Make the role shop-cart and bind the ServiceAccount to it
  kubectl irsa bind cart -n shop \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess

  # Bind to a role that exists
  kubectl irsa bind cart -n shop --role cart

  # Have IAM left alone, and the cluster asked whether it would agree
  kubectl irsa bind cart -n shop --dry-run=server`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.bindingFlags.complete(args[0]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.bindingFlags.add(cmd)
	o.issuerPlanFlags.add(cmd)
	return cmd
}

func (o *bindCommand) run(ctx context.Context) error {
	c, spec, err := o.bindingFlags.open(o.factory)
	if err != nil {
		return err
	}
	b, issuer, err := o.lookAtBoth(ctx, c, o.lookToMake)
	if err != nil {
		return err
	}
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	links := b.chain(admin.IAM, callerOnce(admin.STS), issuer, spec)
	links.provider.Existing = true
	steps := append(links.provider.Steps(), links.role.Steps()...)
	return o.apply(ctx, o.factory, append(steps, o.factory.forgetting(links.annotate.Step(), c.annotated(o.serviceAccount))))
}

// lookAtBoth reads the ServiceAccount, with look, and the issuer side by side.
func (i *issuerPlanFlags) lookAtBoth(ctx context.Context, c *cluster,
	look func(context.Context, *cluster) (*binding, error)) (bound *binding, issuer string, err error) {
	reached, wait := abreast.Lead(ctx, func(ctx context.Context) (err error) {
		bound, err = look(ctx, c)
		return err
	})
	if !reached {
		return nil, "", wait()
	}
	issuer, issuerErr := i.findIn(ctx, c, i.mayMint())
	err = cmp.Or(wait(), issuerErr)
	return bound, issuer, err
}

type unbindCommand struct {
	issuerPlanFlags
	bindingFlags
	factory *Factory
}

func newUnbindCommand(f *Factory, run func(*unbindCommand, context.Context) error) *cobra.Command {
	o := &unbindCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "unbind SERVICEACCOUNT",
		Short: "Take back what bind did",
		Long: `Take back what bind did.

The annotation goes where bind wrote it, and the trust. A role that kubectl irsa
made goes with the last ServiceAccount that it trusts. What somebody else wrote
stays, and so does the ServiceAccount.`,
		Example: `  kubectl irsa unbind cart -n shop --dry-run
  kubectl irsa unbind cart -n shop`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.bindingFlags.complete(args[0]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.role, "role", "", "Name or ARN of the role; default: the one that the ServiceAccount is annotated with, else NAMESPACE-SERVICEACCOUNT")
	o.issuerPlanFlags.add(cmd)
	return cmd
}

func (o *unbindCommand) run(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	b, issuer, err := o.lookAtBoth(ctx, c, o.look)
	if err != nil {
		return err
	}
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	untrust := &role.Untrust{
		IAM: admin.IAM, STS: callerOnce(admin.STS), Role: b.role, Issuer: issuer, Subject: b.subject, Provider: providerOf(admin, issuer), Own: true,
		Instead: "; or leave that role as it is, and remove the annotation alone:\nkubectl annotate sa " + o.serviceAccount + " -n " + c.namespace + " " + irsa.AnnotationRoleARN + "-",
	}
	unannotate := &role.Unannotate{Account: b.account, Role: untrust}
	// The annotation goes last: it is what a second run knows the role by.
	return o.apply(ctx, o.factory, []plan.Step{
		o.factory.forgetting(untrust.Step(), sessionsOf(untrust.ARN)),
		o.factory.forgetting(unannotate.Step(), c.annotated(o.serviceAccount)),
	})
}
