package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// inspectPartCommand is inspect role, provider and issuer: a part of the chain
// that is looked at without a ServiceAccount.
type inspectPartCommand struct {
	adminFlags
	verdictFlags
	kind, name string
	audience   string
	checks     []doctor.Check
	factory    *Factory
}

func newInspectRoleCommand(f *Factory, run func(*inspectPartCommand, context.Context) error) *cobra.Command {
	o := &inspectPartCommand{factory: f, kind: "Role", checks: doctor.RoleChecks()}
	return o.command(&cobra.Command{
		Use:   "role ARN|NAME",
		Short: "Say what is wrong with a role, whoever wants to become it",
		Long: `Say what is wrong with a role, whoever wants to become it.

Reads the role and its trust policy, and the provider of the cluster's issuer
beside it. That takes AWS credentials.`,
		Example: `  # A role's trust policy: whom it lets in by accident, and how much room it has
  kubectl irsa inspect role arn:aws:iam::111122223333:role/cart`,
		Args: needs("ARN"),
	}, run)
}

func newInspectProviderCommand(f *Factory, run func(*inspectPartCommand, context.Context) error) *cobra.Command {
	o := &inspectPartCommand{factory: f, kind: "Provider", checks: doctor.ProviderChecks()}
	cmd := o.command(&cobra.Command{
		Use:   "provider",
		Short: "Say whether an account knows the cluster's issuer and can read its documents",
		Example: `  # The OIDC provider of this cluster in the account of these credentials
  kubectl irsa inspect provider --aws-profile admin`,
		Args: nothing,
	}, run)
	cmd.Flags().StringVar(&o.audience, "audience", irsa.DefaultAudience, "Audience that the provider should know")
	return cmd
}

func newInspectIssuerCommand(f *Factory, run func(*inspectPartCommand, context.Context) error) *cobra.Command {
	o := &inspectPartCommand{factory: f, kind: "Issuer", checks: doctor.IssuerChecks()}
	return o.command(&cobra.Command{
		Use:   "issuer",
		Short: "Say whether anybody can read what the cluster's issuer publishes",
		Example: `  # What AWS sees of this cluster
  kubectl irsa inspect issuer`,
		Args: nothing,
	}, run)
}

func (o *inspectPartCommand) command(cmd *cobra.Command, run func(*inspectPartCommand, context.Context) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.name = args[0]
		}
		if err := o.verdictFlags.check(); err != nil {
			return err
		}
		return run(o, cmd.Context())
	}
	cmd.Flags().SortFlags = false
	o.verdictFlags.add(cmd, func() []string { return check.IDs(o.checks) }, graphs...)
	if o.kind != "Issuer" {
		o.adminFlags.add(cmd)
	}
	return cmd
}

func (o *inspectPartCommand) run(ctx context.Context) error {
	f := o.factory
	c, err := f.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	w, err := f.world(c, &o.adminFlags, "")
	if err != nil {
		return err
	}
	t := doctor.Target{Namespace: c.namespace, Audience: o.audience, NoSTS: true, Home: o.kind == "Provider", Paste: f.paste(&o.adminFlags)}
	switch o.kind {
	case "Role":
		if t.RoleARN, err = o.roleARN(ctx, &w); err != nil {
			return err
		}
		t.RoleAlone = true
	case "Issuer":
		w.Admin = nil
	}
	o.noteLostProfile(f)
	show, wipe := f.looking()
	w.Progress = show
	facts := w.Collect(ctx, t)
	wipe()
	if err := toldToEnd(ctx); err != nil {
		return err
	}
	if err := unreachable(facts); err != nil && o.kind != "Role" {
		return kubeapi.Unreachable(fmt.Errorf("asking the API server: %w", err))
	}
	findings := check.Run(facts, o.checks, o.selection())
	subject := chainSubject{Kind: o.kind, Name: o.named(facts)}
	r := f.chainReport(c, subject, facts, findings, &o.verdictFlags)
	r.narrowed = true // a part is small enough to show whole
	if o.kind == "Issuer" {
		r.Audience = ""
	}
	if err := r.print(f, o.output); err != nil {
		return err
	}
	return o.verdict(r.RootCause)
}

// named is what stands at the head of the report.
func (o *inspectPartCommand) named(facts doctor.Facts) string {
	if o.kind == "Role" {
		return facts.RoleText
	}
	return facts.Issuer
}

// asked is IAM with what it said of a role already.
type asked struct {
	doctor.IAM
	name string
	role *iam.GetRoleOutput
	err  error
}

func (a asked) GetRole(ctx context.Context, in *iam.GetRoleInput, options ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	if aws.ToString(in.RoleName) == a.name {
		return a.role, a.err
	}
	return a.IAM.GetRole(ctx, in, options...)
}

// roleARN is the ARN of the role that was named; that it is there is asked at
// once, since a role that is not there has no chain. Neither that nor whose
// credentials there are is asked a second time in w.
func (o *inspectPartCommand) roleARN(ctx context.Context, w *doctor.World) (string, error) {
	name := o.name
	if role, err := irsa.ParseRoleARN(o.name, o.factory.customSTS("")); err == nil {
		name = role.Name
	} else if strings.Contains(o.name, ":") {
		return "", usageError{err}
	}
	clients, err := o.factory.inspector(ctx, &o.adminFlags)
	known, lacking := clients, err
	w.Admin = func(context.Context) (doctor.Inspector, error) { return known, lacking }
	if errors.Is(err, doctor.ErrNoCredentials) && strings.Contains(o.name, ":") {
		return o.name, nil // its checks will be unknown
	}
	if err != nil {
		return "", fmt.Errorf("reading role %s: %w", name, err)
	}
	out, err := clients.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	known.IAM = asked{clients.IAM, name, out, err}
	switch {
	case awsapi.Code(err) == "NoSuchEntity":
		return "", o.noRole(ctx, clients, name)
	case strings.Contains(o.name, ":"):
		return o.name, nil
	case err != nil:
		return "", fmt.Errorf("reading role %s: %w", name, awsapi.Brief(err))
	}
	return aws.ToString(out.Role.Arn), nil
}

func (o *inspectPartCommand) noRole(ctx context.Context, clients doctor.Inspector, name string) error {
	gone := fmt.Errorf("there is no role %s", name)
	lister, ok := clients.IAM.(iam.ListRolesAPIClient)
	if !ok {
		return gone
	}
	var names []string
	for pages := iam.NewListRolesPaginator(lister, &iam.ListRolesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			break
		}
		for _, role := range page.Roles {
			names = append(names, aws.ToString(role.RoleName))
		}
	}
	if near := hint.Nearest(name, names); len(near) > 0 {
		return hint.Wrap(gone, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return hint.Wrap(gone, "kubectl irsa get roles")
}
