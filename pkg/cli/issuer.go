package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

func newIssuerCommand(f *Factory) *cobra.Command {
	return group("issuer", "See and plan who signs the cluster's tokens",
		newIssuerShowCommand(f, (*issuerShowCommand).run),
		newIssuerPlanCommand(f, (*issuerPlanCommand).run),
	)
}

type issuerShowCommand struct {
	output  string
	factory *Factory
}

func newIssuerShowCommand(f *Factory, run func(*issuerShowCommand, context.Context) error) *cobra.Command {
	o := &issuerShowCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what the cluster says of its issuer, what is public, and what differs",
		Example: `  kubectl irsa issuer show
  kubectl irsa issuer show -o jsonpath={.inStep}`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	outputFlag(cmd, &o.output, "json", "yaml", "name")
	return cmd
}

func (o *issuerShowCommand) run(ctx context.Context) error {
	compared, err := o.factory.compareIssuer(ctx)
	if err != nil {
		return err
	}
	return o.factory.print(o.output, issuerReport{typeMeta("Issuer"), compared})
}

// compareIssuer holds what the cluster says of its issuer against what is public.
func (f *Factory) compareIssuer(ctx context.Context) (issuer.Comparison, error) {
	c, err := f.cluster()
	if err != nil {
		return issuer.Comparison{}, err
	}
	core, err := c.core()
	if err != nil {
		return issuer.Comparison{}, err
	}
	live, err := issuer.Read(ctx, core.RESTClient())
	if err != nil {
		return issuer.Comparison{}, kubeapi.Unreachable(err)
	}
	stranger, err := f.stranger()
	if err != nil {
		return issuer.Comparison{}, err
	}
	var outside issuer.Outside
	if irsa.CheckIssuer(live.Discovery.Issuer) == nil {
		outside = issuer.Look(ctx, stranger, live.Discovery.Issuer)
	}
	return issuer.Compare(live, outside), nil
}

type issuerReport struct {
	TypeMeta
	issuer.Comparison
}

func (r issuerReport) names() []string { return []string{r.Issuer} }

func (r issuerReport) writeText(w writer) {
	rows := [][]string{{"", "CLUSTER", "PUBLIC"}}
	for _, d := range r.Documents {
		rows = append(rows, []string{d.Member, d.Cluster, orDash(d.Public)})
	}
	for _, k := range r.Keys {
		rows = append(rows, []string{"key " + k.Algorithm, shownOrDash(k.Cluster, k.ID), shownOrDash(k.Public, k.ID)})
	}
	w.table(rows)
	w.printf("\n")
	switch {
	case r.Private != "":
		w.printf("%s\nkubectl irsa issuer plan --new-bucket\n", r.Private)
		return
	case r.Service != "" && r.InStep:
		w.printf("%s publishes this issuer itself: there is nothing to publish\n", r.Service)
		return
	case r.InStep:
		w.printf("public and cluster are in step\n")
		return
	}
	for _, line := range append(r.Unreachable, r.Differences...) {
		w.printf("%s\n", line)
	}
	switch {
	case r.NoBucket:
		w.printf("kubectl irsa publish --create-bucket\n")
	case r.Service == "":
		w.printf("kubectl irsa publish --dry-run\n")
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func shownOrDash(shown bool, id string) string {
	if !shown {
		return "-"
	}
	return id
}
