package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/provider"
)

func newProviderCommand(f *Factory) *cobra.Command {
	return group("provider", "Make the cluster's issuer an OIDC provider of IAM",
		newProviderCreateCommand(f, (*providerCreateCommand).run),
		newProviderGetCommand(f, (*providerGetCommand).run),
		newProviderDeleteCommand(f, (*providerDeleteCommand).run),
		group("audience", "Change which audiences the OIDC provider takes",
			newProviderAudienceCommand(f, true, (*providerAudienceCommand).run),
			newProviderAudienceCommand(f, false, (*providerAudienceCommand).run),
		),
	)
}

type providerCreateCommand struct {
	issuerPlanFlags
	audiences   []string
	thumbprints []string
	tags        []string
	factory     *Factory
}

func newProviderCreateCommand(f *Factory, run func(*providerCreateCommand, context.Context) error) *cobra.Command {
	o := &providerCreateCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make the cluster's issuer an OIDC provider of the account",
		Long: `Make the cluster's issuer an OIDC provider of the account.

One that exists keeps its audiences and gets those that it lacks. A thumbprint
is not needed: IAM trusts public certificate authorities. It counts only where
the issuer's certificate comes from another one.`,
		Example: `  kubectl irsa provider create

  # See what would be done
  kubectl irsa provider create --dry-run

  # Another audience than sts.amazonaws.com
  kubectl irsa provider create --audience vault`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.issuerFlag.add(cmd)
	cmd.Flags().StringArrayVar(&o.audiences, "audience", []string{irsa.DefaultAudience}, "Audience to register; may be repeated")
	cmd.Flags().StringArrayVar(&o.thumbprints, "thumbprint", nil, "SHA-1 thumbprint of a new provider's certificate authority; may be repeated; default: none")
	tagsFlag(cmd, &o.tags)
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
	return cmd
}

func (o *providerCreateCommand) check() error {
	for _, a := range o.audiences {
		if err := provider.CheckAudience(a); err != nil {
			return usageError{fmt.Errorf("--audience: %w", err)}
		}
	}
	if err := provider.CheckThumbprints(o.thumbprints); err != nil {
		return usageError{fmt.Errorf("--thumbprint: %w", err)}
	}
	_, err := parseTags(o.tags)
	return err
}

func (o *providerCreateCommand) run(ctx context.Context) error {
	issuer, admin, err := o.open(ctx, o.factory)
	if err != nil {
		return err
	}
	tags, err := parseTags(o.tags)
	if err != nil {
		return err
	}
	ensure := &provider.Ensure{IAM: admin.IAM, Issuer: issuer, Audiences: o.audiences, Thumbprints: o.thumbprints, Tags: tags}
	return o.apply(ctx, o.factory, ensure.Steps())
}

type providerGetCommand struct {
	adminFlags
	issuerFlag
	output  string
	factory *Factory
}

func newProviderGetCommand(f *Factory, run func(*providerGetCommand, context.Context) error) *cobra.Command {
	o := &providerGetCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Show the OIDC provider of the cluster's issuer",
		Example: `  kubectl irsa provider get
  kubectl irsa provider get -o jsonpath={.arn}`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	o.issuerFlag.add(cmd)
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml", "name")
	return cmd
}

func (o *providerGetCommand) run(ctx context.Context) error {
	issuer, err := o.find(ctx, o.factory, mayMint)
	if err != nil {
		return err
	}
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	found, err := provider.Find(ctx, admin.IAM, issuer)
	if err != nil {
		return err
	}
	if found == nil {
		return hint.Wrap(fmt.Errorf("the account has no OIDC provider of %s", issuer), "kubectl irsa provider create")
	}
	return o.factory.print(o.output, providerReport{
		TypeMeta: typeMeta("Provider"), ARN: found.ARN, Issuer: found.Issuer, Audiences: append([]string{}, found.Audiences...),
		Thumbprints: found.Thumbprints, Created: found.Created.UTC(), Owned: found.Owned(), Tags: found.Tags,
	})
}

type providerReport struct {
	TypeMeta
	ARN         string            `json:"arn"`
	Issuer      string            `json:"issuer"`
	Audiences   []string          `json:"audiences"`
	Thumbprints []string          `json:"thumbprints,omitempty"`
	Created     time.Time         `json:"created"`
	Owned       bool              `json:"owned"` // made by this program
	Tags        map[string]string `json:"tags,omitempty"`
}

func (r providerReport) names() []string { return []string{r.ARN} }

func (r providerReport) writeText(w writer) {
	rows := [][]string{
		{"arn", r.ARN},
		{"issuer", r.Issuer},
		{"audiences", orNone(strings.Join(r.Audiences, ", "))},
		{"created", r.Created.Format(time.RFC3339) + madeBy(r.Owned)},
	}
	if len(r.Thumbprints) > 0 {
		rows = append(rows, []string{"thumbprints", strings.Join(r.Thumbprints, ", ")})
	}
	w.table(rows)
}

func madeBy(us bool) string {
	if us {
		return " by kubectl irsa"
	}
	return ""
}

type providerDeleteCommand struct {
	issuerPlanFlags
	factory *Factory
}

func newProviderDeleteCommand(f *Factory, run func(*providerDeleteCommand, context.Context) error) *cobra.Command {
	o := &providerDeleteCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete the OIDC provider of the cluster's issuer, where kubectl irsa made it",
		Long: `Delete the OIDC provider of the cluster's issuer, where kubectl irsa made it.

Every role that trusts the provider is shut to the cluster from then on. Delete
it before the issuer's bucket: whoever gets the bucket's name next could
otherwise become those roles.`,
		Example: `  kubectl irsa provider delete

  # Of a cluster that is gone
  kubectl irsa provider delete \
    --issuer https://BUCKET.s3.us-east-1.amazonaws.com`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	o.issuerPlanFlags.add(cmd)
	return cmd
}

func (o *providerDeleteCommand) run(ctx context.Context) error {
	issuer, admin, err := o.open(ctx, o.factory)
	if err != nil {
		return err
	}
	remove := &provider.Remove{IAM: admin.IAM, Issuer: issuer}
	return o.apply(ctx, o.factory, []plan.Step{remove.DeleteStep()})
}

type providerAudienceCommand struct {
	issuerPlanFlags
	audience string
	add      bool
	factory  *Factory
}

func newProviderAudienceCommand(f *Factory, add bool, run func(*providerAudienceCommand, context.Context) error) *cobra.Command {
	o := &providerAudienceCommand{factory: f, add: add}
	cmd := &cobra.Command{
		Use:     "add AUDIENCE",
		Short:   "Register an audience with the OIDC provider, beside those it has",
		Example: `  kubectl irsa provider audience add sts.amazonaws.com`,
		Args:    needs("AUDIENCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := provider.CheckAudience(args[0]); err != nil {
				return usageError{err}
			}
			o.audience = args[0]
			return run(o, cmd.Context())
		},
	}
	if !add {
		cmd.Use, cmd.Short = "remove AUDIENCE", "Remove an audience from the OIDC provider, and leave the others"
		cmd.Example = `  kubectl irsa provider audience remove vault --dry-run`
	}
	o.issuerPlanFlags.add(cmd)
	return cmd
}

func (o *providerAudienceCommand) run(ctx context.Context) error {
	issuer, admin, err := o.open(ctx, o.factory)
	if err != nil {
		return err
	}
	steps := (&provider.Ensure{IAM: admin.IAM, Issuer: issuer, Audiences: []string{o.audience}, Existing: true}).Steps()
	if !o.add {
		steps = []plan.Step{(&provider.Remove{IAM: admin.IAM, Issuer: issuer}).RemoveAudienceStep(o.audience)}
	}
	return o.apply(ctx, o.factory, steps)
}
