package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

func newRoleCommand(f *Factory) *cobra.Command {
	return group("role", "Make roles, and say which ServiceAccounts they trust",
		newRoleCreateCommand(f, (*roleCreateCommand).run),
		newRoleGetCommand(f, (*roleGetCommand).run),
		newRoleDeleteCommand(f, (*roleDeleteCommand).run),
		group("trust", "Change which ServiceAccounts a role trusts",
			newRoleTrustAddCommand(f, (*roleTrustAddCommand).run),
			newRoleTrustRemoveCommand(f, (*roleTrustRemoveCommand).run),
		),
	)
}

type roleCreateCommand struct {
	adminFlags
	planFlags
	trustFlags
	roleFlags
	name    string
	factory *Factory
}

func newRoleCreateCommand(f *Factory, run func(*roleCreateCommand, context.Context) error) *cobra.Command {
	o := &roleCreateCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a role that ServiceAccounts can become",
		Long: `Make a role that ServiceAccounts can become.

Its trust policy asks for the audience and the subject of a token, always. A
role that kubectl irsa made before gets what it lacks; one of somebody else is
left alone.`,
		Example: `  # A role that may read S3
  kubectl irsa role create cart --sa cart -n shop \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess

  # Permissions from a file
  kubectl irsa role create cart --sa cart -n shop --policy-file policy.json

  # Every ServiceAccount of a namespace
  kubectl irsa role create shop --subject-pattern 'system:serviceaccount:shop:*'`,
		Args: needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.name = args[0]; role.CheckName(o.name) != nil {
				return usageError{role.CheckName(o.name)}
			}
			if err := o.trustFlags.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.trustFlags.add(cmd)
	o.roleFlags.add(cmd)
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
	return cmd
}

func (o *roleCreateCommand) run(ctx context.Context) error {
	spec, err := o.spec(o.factory, o.name)
	if err != nil {
		return err
	}
	ensure, err := o.trustFlags.ensure(ctx, o.factory, &o.adminFlags, &o.planFlags)
	if err != nil {
		return err
	}
	ensure.Spec = spec
	return o.apply(ctx, o.factory, ensure.Steps())
}

// ensure is the trust that the flags ask for, of a role yet to be named.
func (t *trustFlags) ensure(ctx context.Context, f *Factory, admin *adminFlags, p *planFlags) (*role.Ensure, error) {
	namespace, err := f.namespace()
	if err != nil {
		return nil, err
	}
	subjects, err := t.subjects(namespace)
	if err != nil {
		return nil, err
	}
	issuer, err := t.find(ctx, f, p.mayMint())
	if err != nil {
		return nil, err
	}
	clients, err := admin.admin(ctx, f)
	if err != nil {
		return nil, err
	}
	return &role.Ensure{
		IAM: clients.IAM, STS: clients.STS, Issuer: issuer, Audience: t.audience, Subjects: subjects, Provider: providerOf(clients, issuer),
	}, nil
}

type roleGetCommand struct {
	adminFlags
	role    irsa.RoleARN
	output  string
	factory *Factory
}

func newRoleGetCommand(f *Factory, run func(*roleGetCommand, context.Context) error) *cobra.Command {
	o := &roleGetCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Show a role: who may become it, and which policies it has",
		Example: `  kubectl irsa role get cart
  kubectl irsa role get cart -o json`,
		Args: needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.role, err = roleNamed(args[0]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.adminFlags.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml", "name")
	return cmd
}

func (o *roleGetCommand) run(ctx context.Context) error {
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	type answer struct {
		policies role.Policies
		err      error
	}
	policies := make(chan answer, 1)
	go func() {
		p, err := role.GetPolicies(ctx, admin.IAM, o.role.Name, true)
		policies <- answer{p, err}
	}()
	found, err := role.Find(ctx, admin.IAM, admin.STS, o.role)
	if elsewhere, ok := errors.AsType[*role.ElsewhereError](err); ok {
		return hint.Wrap(err, elsewhere.Remedy())
	}
	if err != nil {
		return err
	}
	if found == nil {
		return hint.Wrap(fmt.Errorf("the account has no role %s", o.role.Name),
			fmt.Sprintf("kubectl irsa role create %s --sa NAME -n NAMESPACE", o.role.Name))
	}
	got := <-policies
	if got.err != nil {
		o.factory.note("note: %v", got.err)
	}
	return o.factory.print(o.output, roleReportOf(found, got.policies))
}

// roleReport is a role as "role get" prints it.
type roleReport struct {
	TypeMeta
	ARN            string                     `json:"arn"`
	Name           string                     `json:"name"`
	Created        time.Time                  `json:"created"`
	Owned          bool                       `json:"owned"` // made by this program
	MaxSession     int64                      `json:"maxSessionSeconds"`
	Boundary       string                     `json:"permissionsBoundary,omitempty"`
	Policies       []string                   `json:"policies"`
	InlinePolicies map[string]json.RawMessage `json:"inlinePolicies"`
	Tags           map[string]string          `json:"tags,omitempty"`
	Trusts         []roleTrust                `json:"trusts"` // web identities that the trust policy lets in
	TrustSize      int                        `json:"trustPolicySize"`
	TrustPolicy    json.RawMessage            `json:"trustPolicy"`
}

type roleTrust struct {
	Provider       string   `json:"provider"`
	Audiences      []string `json:"audiences"`
	Subjects       []string `json:"subjects"`
	MoreConditions bool     `json:"moreConditions,omitempty"`
}

func roleReportOf(r *role.Role, p role.Policies) roleReport {
	report := roleReport{
		TypeMeta: typeMeta("Role"), ARN: r.ARN, Name: r.Name, Created: r.Created.UTC(), Owned: r.Owned(""),
		MaxSession: int64(r.MaxSession / time.Second), Boundary: r.Boundary, Policies: append([]string{}, p.Attached...),
		InlinePolicies: map[string]json.RawMessage{}, Tags: r.Tags, Trusts: []roleTrust{},
		TrustSize: trustpolicy.Size(r.Trust), TrustPolicy: r.Trust,
	}
	for name, document := range p.Inline {
		report.InlinePolicies[name] = document
	}
	policy, err := trustpolicy.Parse(r.Trust)
	if err != nil {
		return report
	}
	for _, grant := range trustpolicy.Grants(policy) {
		t := roleTrust{Provider: grant.Provider, Audiences: append([]string{}, grant.Audiences...), Subjects: []string{}, MoreConditions: grant.More}
		for _, subject := range grant.Subjects {
			t.Subjects = append(t.Subjects, subject.Text)
		}
		report.Trusts = append(report.Trusts, t)
	}
	return report
}

func (r roleReport) names() []string { return []string{"role/" + r.Name} }

func (r roleReport) writeText(w writer) {
	w.table([][]string{
		{"arn", r.ARN},
		{"created", r.Created.Format(time.RFC3339) + madeBy(r.Owned)},
		{"longest session", (time.Duration(r.MaxSession) * time.Second).String()},
		{"boundary", orNone(r.Boundary)},
		{"policies", orNone(strings.Join(r.Policies, ", "))},
		{"inline policies", orNone(strings.Join(slices.Sorted(maps.Keys(r.InlinePolicies)), ", "))},
		{"trust policy", fmt.Sprintf("%d of %d characters", r.TrustSize, max(r.TrustSize, trustpolicy.QuotaSize))},
	})
	rows := [][]string{{"SUBJECT", "AUDIENCE", "PROVIDER"}}
	for _, t := range r.Trusts {
		more := ""
		if t.MoreConditions {
			more = " (and more conditions)"
		}
		subjects := t.Subjects
		if len(subjects) == 0 {
			subjects = []string{"any"}
		}
		for _, subject := range subjects {
			rows = append(rows, []string{subject, orText(strings.Join(t.Audiences, ","), "any"), t.Provider + more})
		}
	}
	w.printf("\n")
	if len(r.Trusts) > 0 {
		w.table(rows)
		w.printf("\n")
	}
	w.printf("%s\n", strings.TrimSpace(string(r.TrustPolicy)))
}

type roleDeleteCommand struct {
	adminFlags
	planFlags
	role    irsa.RoleARN
	factory *Factory
}

func newRoleDeleteCommand(f *Factory, run func(*roleDeleteCommand, context.Context) error) *cobra.Command {
	o := &roleDeleteCommand{factory: f}
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a role with its policies, where kubectl irsa made it",
		Example: `  kubectl irsa role delete cart --dry-run`,
		Args:    needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.role, err = roleNamed(args[0]); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.adminFlags.add(cmd)
	o.planFlags.add(cmd)
	return cmd
}

func (o *roleDeleteCommand) run(ctx context.Context) error {
	admin, err := o.admin(ctx, o.factory)
	if err != nil {
		return err
	}
	remove := &role.Delete{IAM: admin.IAM, STS: admin.STS, Role: o.role}
	return o.apply(ctx, o.factory, []plan.Step{o.factory.forgetting(remove.Step(role.StepDelete), sessionsOf(remove.ARN))})
}
