package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

type explainCommand struct {
	text    string
	output  string
	factory *Factory
}

func newExplainCommand(f *Factory, run func(*explainCommand, context.Context) error) *cobra.Command {
	o := &explainCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "explain [ERROR | CODE | -]",
		Short: "Say what an error of AWS, an SDK or Kubernetes means",
		Long: `Say what an error of AWS, an SDK or Kubernetes means.

Takes the text of an error, a code of the catalogue such as PROV1, or - for
standard input, where a whole stack trace may be pasted. Asks nobody.`,
		Example: `  # What an SDK printed
  kubectl irsa explain "InvalidIdentityToken: Incorrect token audience"

  # What a pod printed
  kubectl logs deploy/cart -n shop | kubectl irsa explain -

  # A code that inspect printed
  kubectl irsa explain PUB7`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

// maxExplained is how much of standard input is read: the end of a long log
// says no more than its beginning.
const maxExplained = 4 << 20

func (o *explainCommand) complete(args []string) error {
	o.text = strings.Join(args, " ")
	if len(args) == 0 && isTerminal(o.factory.Streams.In) {
		return usageError{hint.Wrap(errorText("missing ERROR"), `usage: kubectl irsa explain "TEXT OF THE ERROR"`)}
	}
	if len(args) > 0 && o.text != "-" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(o.factory.Streams.In, maxExplained))
	o.text = string(text)
	return err
}

func (o *explainCommand) run(context.Context) error {
	report := explanation{TypeMeta: typeMeta("Explanation"), Causes: []explainedCause{}}
	found := explain.Find(o.text)
	if cause, known := explain.ByCode(strings.TrimSpace(o.text)); known {
		found = []explain.Cause{cause}
	}
	for _, c := range found {
		report.Causes = append(report.Causes, explainedCause{c.Code, c.Title, c.Meaning, c.Checks, c.Next})
	}
	if len(found) == 0 {
		return hint.Wrap(errorText("no known error is in this text"), "to look at the chain of trust itself:", "kubectl irsa inspect sa NAME -n NAMESPACE")
	}
	return o.factory.print(o.output, report)
}

// explanation is what explain prints, the likeliest cause first.
type explanation struct {
	TypeMeta
	Causes []explainedCause `json:"causes"`
}

type explainedCause struct {
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Meaning string   `json:"meaning"`
	Checks  []string `json:"checks,omitempty"`
	Next    []string `json:"next"`
}

func (e explanation) writeText(w writer) {
	c := e.Causes[0]
	w.printf("%s  %s\n\n  %s\n", c.Code, c.Title, c.Meaning)
	if len(c.Checks) > 0 {
		w.printf("  told apart by: %s\n", strings.Join(c.Checks, ", "))
	}
	w.printf("\n")
	for _, next := range c.Next {
		w.printf("    %s\n", next)
	}
	if len(e.Causes) < 2 {
		return
	}
	w.printf("\nThe same words are said where:\n\n")
	var rows [][]string
	for _, c := range e.Causes[1:] {
		rows = append(rows, []string{"  " + c.Code, c.Title})
	}
	w.table(rows)
	w.printf("\nTo see which one it is here:\n\n    kubectl irsa inspect sa NAME -n NAMESPACE\n")
}
