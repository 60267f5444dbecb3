package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

type getRolesCommand struct {
	adminFlags
	all      bool
	dangling bool
	output   string
	factory  *Factory
}

func newGetRolesCommand(f *Factory, run func(*getRolesCommand, context.Context) error) *cobra.Command {
	o := &getRolesCommand{factory: f}
	cmd := &cobra.Command{
		Use:     "roles",
		Aliases: []string{"role"},
		Short:   "List the roles that trust this cluster, and whom they let in",
		Example: `  # Roles whose trust policy names this cluster's issuer
  kubectl irsa get roles

  # Roles that trust any OIDC provider of the account; needs no cluster
  kubectl irsa get roles -A

  # Roles that wait for a provider which is not there
  kubectl irsa get roles -A --dangling`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	cmd.Flags().BoolVarP(&o.all, "all", "A", false, "List the roles of every OIDC provider, not only this cluster's")
	cmd.Flags().BoolVar(&o.dangling, "dangling", false, "List only roles whose OIDC provider is gone")
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml", "name", "wide")
	return cmd
}

func (o *getRolesCommand) run(ctx context.Context) error {
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	host := ""
	if !o.all {
		if host, err = o.factory.issuerHost(ctx); err != nil {
			return err
		}
	}
	report := rolesReport{TypeMeta: typeMeta("Roles"), Items: []roleItem{}}
	pages := iam.NewListRolesPaginator(admin.IAM, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing roles: %w", awsapi.Brief(err))
		}
		for _, role := range page.Roles {
			items, err := grantsOf(aws.ToString(role.Arn), aws.ToString(role.AssumeRolePolicyDocument), host)
			if err != nil {
				o.factory.note("note: the trust policy of %s cannot be read: %v", aws.ToString(role.Arn), err)
			}
			report.Items = append(report.Items, items...)
		}
	}
	if o.dangling {
		if report.Items, err = orphans(ctx, admin.IAM, report.Items); err != nil {
			return err
		}
	}
	if len(report.Items) == 0 {
		o.factory.note("note: no role%s trusts %s", map[bool]string{true: " whose provider is gone"}[o.dangling], orText(host, "any OIDC provider"))
	}
	return o.factory.print(o.output, report)
}

// orphans are the items whose provider the account does not have.
func orphans(ctx context.Context, client *iam.Client, items []roleItem) ([]roleItem, error) {
	list, err := client.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return nil, fmt.Errorf("listing OIDC providers: %w", awsapi.Brief(err))
	}
	there := map[string]bool{}
	for _, provider := range list.OpenIDConnectProviderList {
		there[aws.ToString(provider.Arn)] = true
	}
	left := []roleItem{}
	for _, item := range items {
		if !there[item.provider] && item.provider != trustpolicy.Everybody {
			left = append(left, item)
		}
	}
	return left, nil
}

// issuerHost is the cluster's issuer without https://, as ARNs and condition
// keys have it.
func (f *Factory) issuerHost(ctx context.Context) (string, error) {
	c, err := f.cluster()
	if err != nil {
		return "", err
	}
	core, err := c.core()
	if err != nil {
		return "", err
	}
	issuer, err := issuerOf(core.RESTClient())(ctx)
	return strings.TrimPrefix(issuer, "https://"), err
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// grantsOf is a row for each web identity that a role lets in; host narrows
// them to those that one issuer vouches for.
func grantsOf(arn, trust, host string) (items []roleItem, err error) {
	document, err := trustpolicy.Decode(trust)
	if err != nil {
		return nil, err
	}
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return nil, err
	}
	for _, grant := range trustpolicy.Grants(policy) {
		if host != "" && grant.Issuer != "" && grant.Issuer != host {
			continue
		}
		item := roleItem{provider: grant.Provider, RoleARN: arn, Issuer: grant.Issuer, Audiences: grant.Audiences, Subjects: []string{}, MoreConditions: grant.More}
		for _, subject := range grant.Subjects {
			item.Subjects = append(item.Subjects, subject.Text)
		}
		items = append(items, item)
	}
	return items, nil
}

type rolesReport struct {
	TypeMeta
	Items []roleItem `json:"items"`
}

// roleItem is what one statement of a role's trust policy grants.
type roleItem struct {
	RoleARN        string   `json:"roleArn"`
	Issuer         string   `json:"issuer"` // empty: any
	Audiences      []string `json:"audiences"`
	Subjects       []string `json:"subjects"` // empty: every subject of the issuer
	MoreConditions bool     `json:"moreConditions,omitempty"`

	provider string // its ARN
}

func (r rolesReport) names() []string {
	var names []string
	for _, item := range r.Items {
		name := "role/" + item.RoleARN[strings.LastIndex(item.RoleARN, "/")+1:]
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (r rolesReport) writeText(w writer) { r.write(w, false) }
func (r rolesReport) writeWide(w writer) { r.write(w, true) }

func (r rolesReport) write(w writer, wide bool) {
	if len(r.Items) == 0 {
		return
	}
	header := []string{"ROLE", "SUBJECT", "AUDIENCE"}
	if wide {
		header = append(header, "ISSUER", "OTHER CONDITIONS")
	}
	rows := [][]string{header}
	for _, item := range r.Items {
		subjects := item.Subjects
		if len(subjects) == 0 {
			subjects = []string{"<every subject>"}
		}
		for _, subject := range subjects {
			row := []string{item.RoleARN, strings.TrimPrefix(subject, "system:serviceaccount:"), orText(strings.Join(item.Audiences, ","), "<any>")}
			if wide {
				row = append(row, orText(item.Issuer, "<any>"), map[bool]string{true: "yes", false: "no"}[item.MoreConditions])
			}
			rows = append(rows, row)
		}
	}
	w.table(rows)
}
