package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
)

type issuerPlanCommand struct {
	distro    string
	issuer    string
	newBucket bool
	region    string
	output    string
	factory   *Factory
}

func newIssuerPlanCommand(f *Factory, run func(*issuerPlanCommand, context.Context) error) *cobra.Command {
	o := &issuerPlanCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show how to give the cluster an issuer that can be public",
		Long: `Show how to give the cluster an issuer that can be public.

No tool can change an API server's flags from outside. This prints the file or
the flags for the distribution, in an order in which every token stays valid
where the distribution allows that, what to restart, and how to check. Nothing
is changed.

A cluster whose issuer can be public needs no other: a move away from it is only
planned with --issuer or --new-bucket.`,
		Example: `  # For the cluster of this context, with a bucket name that nobody guesses
  kubectl irsa issuer plan --new-bucket --region eu-central-1

  # For a cluster that is yet to be made
  kubectl irsa issuer plan --distro kind \
    --issuer https://BUCKET.s3.eu-central-1.amazonaws.com`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.distro, "distro", "", strings.Join(issuer.Distributions(), ", ")+"; default: what the cluster looks like")
	flags.StringVar(&o.issuer, "issuer", "", "URL of the new issuer")
	flags.BoolVar(&o.newBucket, "new-bucket", false, "Propose a bucket with a name that nobody guesses (the default where the cluster's issuer cannot be public)")
	flags.StringVar(&o.region, "region", "", "Region of the proposed bucket; default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1")
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

func (o *issuerPlanCommand) check() error {
	switch {
	case o.distro != "" && !slices.Contains(issuer.Distributions(), o.distro):
		return usagef("--distro %q: use %s", o.distro, strings.Join(issuer.Distributions(), ", "))
	case o.issuer != "" && o.newBucket:
		return usagef("give one of --issuer and --new-bucket")
	case o.issuer != "" && o.region != "":
		return usagef("--region is for the bucket that --new-bucket proposes; the issuer's URL names its own")
	}
	if o.issuer != "" {
		if err := irsa.CheckIssuer(o.issuer); err != nil {
			return usageError{fmt.Errorf("--issuer: %w", err)}
		}
	}
	return nil
}

func (o *issuerPlanCommand) run(ctx context.Context) error {
	found, err := o.look(ctx)
	if err != nil {
		return err
	}
	service := found.Service
	if s := issuer.Managed(found.Known.Old); s != "" {
		service = s
	}
	if service != "" && o.distro == "" {
		return o.print(issuerPlanReport{Service: service, Recipe: issuer.Recipe{Issuer: found.Known.Old, Phases: []issuer.Phase{}}})
	}
	distro := issuer.Distribution(o.distro)
	if distro == "" {
		distro = found.Distribution
	}
	if o.stays(found.Known.Old) {
		return o.keep(ctx, distro, found.Known)
	}
	if distro == "" {
		return hint.Wrap(errors.New("the cluster does not show which distribution it is"),
			"kubectl irsa issuer plan --distro "+strings.Join(issuer.Distributions(), "|"))
	}
	url := o.url()
	recipe, err := issuer.NewRecipe(distro, url, found.Known)
	if err != nil {
		return err
	}
	if o.issuer == "" {
		o.factory.note("note: the bucket's name is made up, another one on every run; to keep it: kubectl irsa issuer plan --issuer %s", url)
	}
	return o.print(issuerPlanReport{Recipe: recipe})
}

func (o *issuerPlanCommand) print(r issuerPlanReport) error {
	r.TypeMeta, r.style = typeMeta("IssuerPlan"), o.factory.style()
	return o.factory.print(o.output, r)
}

// stays reports whether no other issuer is wanted than the one that signs now.
func (o *issuerPlanCommand) stays(old string) bool {
	if o.issuer != "" {
		return o.issuer == old
	}
	return old != "" && !o.newBucket && irsa.CheckIssuer(old) == nil
}

// keep is the plan for a cluster whose issuer is good: all that may be missing
// are its documents.
func (o *issuerPlanCommand) keep(ctx context.Context, distro issuer.Distribution, known issuer.Known) error {
	recipe, err := issuer.NewRecipe(distro, known.Old, known)
	if err != nil {
		return err
	}
	compared, err := o.factory.compareIssuer(ctx)
	if err != nil {
		o.factory.note("note: whether its documents are in step is not known: %v", err)
	}
	if err != nil || !compared.InStep {
		recipe.Phases = []issuer.Phase{{
			Title: "Publish its documents", Commands: []string{"kubectl irsa publish --create-bucket", "kubectl irsa issuer show"},
		}}
	}
	return o.print(issuerPlanReport{Recipe: recipe})
}

func (o *issuerPlanCommand) url() string {
	if o.issuer != "" {
		return o.issuer
	}
	region := o.factory.region(o.region, "")
	if region == "" {
		region = irsa.RoleARN{}.Region()
	}
	return issuer.BucketURL(issuer.NewBucketName(), region)
}

// look asks the cluster what it is. With --distro it need not exist yet.
func (o *issuerPlanCommand) look(ctx context.Context) (issuer.Found, error) {
	c, err := o.factory.cluster()
	if err != nil {
		return issuer.Found{}, o.needed(err)
	}
	core, err := c.core()
	if err != nil {
		return issuer.Found{}, o.needed(err)
	}
	found := issuer.Detect(ctx, core.RESTClient(), core.Nodes(), c.config.Host, c.context)
	if o.distro != "" && found.Distribution != "" && string(found.Distribution) != o.distro {
		return issuer.Found{}, nil // the plan is for another cluster than this
	}
	if found.Known.Old, err = c.issuer(ctx, mayMint); err != nil {
		o.factory.note("note: the cluster does not show its issuer: %v", err)
	}
	return found, nil
}

func (o *issuerPlanCommand) needed(err error) error {
	if o.distro != "" {
		return nil
	}
	return err
}

// issuerPlanReport is a recipe, or the service whose issuer is fixed.
type issuerPlanReport struct {
	TypeMeta
	Service string `json:"service,omitempty"`
	issuer.Recipe

	style check.Style
}

const elsewhere = "to move it elsewhere: --new-bucket, or --issuer URL\n"

func (r issuerPlanReport) writeText(w writer) {
	if r.Service != "" {
		w.printf("%s fixes the issuer of its clusters and publishes it: use it as it is\n\n", r.Service)
		if r.Issuer != "" {
			w.printf("  issuer   %s\n\n", r.Issuer)
		}
		w.printf("kubectl irsa provider create\n")
		return
	}
	if r.Issuer == r.Old {
		w.printf("issuer   %s\n\n", r.Issuer)
		if len(r.Phases) == 0 {
			w.printf("it is public, and the cluster signs with it: nothing to do\n%s", elsewhere)
			return
		}
		w.printf("it can be public, and the cluster signs with it: it stays\n%s", elsewhere)
	} else {
		rows := [][]string{{"distribution", string(r.Distribution)}, {"new issuer", r.Issuer}}
		if r.Old != "" {
			rows = append(rows, []string{"old issuer", r.Old})
		}
		w.table(rows)
	}
	for i, phase := range r.Phases {
		r.writePhase(w, i+1, phase)
	}
}

// writePhase prints prose as wide as the screen, and what is to be pasted as it is.
func (r issuerPlanReport) writePhase(w writer, number int, phase issuer.Phase) {
	const indent = "   "
	room := r.style.Columns() - len(indent)
	w.printf("\n%d. %s\n", number, strings.Join(check.Wrap(phase.Title, room), "\n"+indent))
	for _, note := range phase.Notes {
		for i, line := range check.Wrap(note, room-len("#   ")) {
			if i > 0 {
				line = "  " + line
			}
			w.printf(indent+"# %s\n", line)
		}
	}
	commands := func(all []string) {
		for _, command := range all {
			w.printf(indent+"$ %s\n", command)
		}
	}
	commands(phase.Fetch)
	for _, file := range phase.Files {
		if file.Merge {
			w.printf(indent+"merge into %s:\n", file.Path)
		} else {
			w.printf(indent+"%s:\n", file.Path)
		}
		for line := range strings.Lines(file.Text) {
			w.printf(indent+"  %s", line)
		}
	}
	commands(phase.Commands)
}
