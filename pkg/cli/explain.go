package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

type explainCommand struct {
	text    string
	output  string
	factory *Factory
}

func newExplainCommand(f *Factory, run func(*explainCommand, context.Context) error) *cobra.Command {
	o := &explainCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "explain [ERROR | CODE | CHECK | -]",
		Short: "Say what an error of AWS, an SDK or Kubernetes means",
		Long: `Say what an error of AWS, an SDK or Kubernetes means.

Takes the text of an error, a code of the catalogue such as PROV1, the name of a
check such as role-trusts, or - for standard input, where a whole stack trace
may be pasted. Asks nobody.`,
		Example: `  # What an SDK printed
  kubectl irsa explain "InvalidIdentityToken: Incorrect token audience"

  # What a pod printed
  kubectl logs deploy/cart -n shop | kubectl irsa explain -

  # A code that inspect printed, and a check
  kubectl irsa explain PUB7
  kubectl irsa explain role-trusts`,
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
		return usageError{hint.Wrap(errors.New("missing ERROR"), `usage: kubectl irsa explain "TEXT OF THE ERROR"`)}
	}
	if len(args) > 0 && o.text != "-" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(o.factory.Streams.In, maxExplained))
	o.text = string(text)
	return err
}

func (o *explainCommand) run(context.Context) error {
	report := explanation{TypeMeta: typeMeta("Explanation"), Causes: []explainedCause{}, names: explain.NamesIn(o.text), width: o.factory.style().Columns()}
	word := strings.TrimSpace(o.text)
	found := explain.Find(o.text)
	if cause, known := explain.ByCode(word); known {
		found = []explain.Cause{cause}
	}
	if title, known := checkTitles()[word]; known {
		report.Check, report.title = word, title
		found = explain.ByCheck(word)
	}
	for _, c := range found {
		e := explainedCause{c.Code, c.Title, report.names.Fill(c.Meaning), c.Checks, nil}
		for _, next := range c.Next {
			e.Next = append(e.Next, report.names.Fill(next))
		}
		report.Causes = append(report.Causes, e)
	}
	if len(found) == 0 && report.Check == "" {
		if err := unknownName(word); err != nil {
			return err
		}
		return hint.Wrap(errors.New("no known error is in this text"), "to look at the chain of trust itself:", "kubectl irsa inspect sa NAME -n NAMESPACE")
	}
	return o.factory.print(o.output, report)
}

// unknownName is the error of a word that is almost a code or a check, or is
// written as codes are, nil for any other text.
func unknownName(word string) error {
	if strings.ContainsAny(word, " \n\t") {
		return nil
	}
	var all []string
	for _, titles := range []map[string]string{explain.Codes(), checkTitles()} {
		all = slices.AppendSeq(all, maps.Keys(titles))
	}
	slices.Sort(all)
	near := hint.Nearest(word, all)
	switch {
	case len(near) > 0:
		return hint.Wrap(fmt.Errorf("there is no code or check %q", word), "did you mean "+strings.Join(near, " or ")+"?")
	case asCode().MatchString(word):
		return hint.Wrap(fmt.Errorf("there is no code %q", word), "docs/checks.md lists the codes, and so does a shell that completes: kubectl irsa explain <TAB>")
	}
	return nil
}

// asCode is how the codes of the catalogue are written.
var asCode = lazyregexp.New(`^(?i:[a-z]{2,4})[0-9]{1,3}$`)

// checkTitles are the titles of all checks, by their names.
func checkTitles() map[string]string {
	titles := map[string]string{}
	for _, list := range [][]doctor.Check{doctor.ServiceAccountChecks(), doctor.IssuerChecks(), doctor.ProviderChecks(), doctor.RoleChecks()} {
		for _, c := range list {
			titles[c.ID] = c.Title
		}
	}
	for _, c := range doctor.SurveyChecks() {
		titles[c.ID] = c.Title
	}
	for _, c := range doctor.VerifyChecks(doctor.Facts{}) {
		titles[c.ID] = c.Title
	}
	return titles
}

// explainable are the codes and the checks, for a shell to complete.
func explainable(context.Context, *cobra.Command) (all []string) {
	for _, titles := range []map[string]string{explain.Codes(), checkTitles()} {
		for name, title := range titles {
			all = append(all, described(name, title))
		}
	}
	return all
}

// explanation is what explain prints, the likeliest cause first.
type explanation struct {
	TypeMeta
	Check  string           `json:"check,omitempty"`
	Causes []explainedCause `json:"causes"`

	title string // of the check
	names explain.Names
	width int // columns of a line of words
}

type explainedCause struct {
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Meaning string   `json:"meaning"`
	Checks  []string `json:"checks,omitempty"`
	Next    []string `json:"next"`
}

func (e explanation) writeText(w writer) {
	if e.Check != "" {
		e.writeCheck(w)
		return
	}
	c := e.Causes[0]
	w.printf("%s  %s\n\n%s\n", c.Code, c.Title, e.words(c.Meaning))
	if len(c.Checks) > 0 {
		w.printf("  told apart by: %s\n", strings.Join(c.Checks, ", "))
	}
	e.writeNext(w, c.Next)
	if len(e.Causes) < 2 {
		return
	}
	w.printf("\nThe same words are said where:\n\n")
	var rows [][]string
	for _, c := range e.Causes[1:] {
		rows = append(rows, []string{"  " + c.Code, c.Title})
	}
	w.table(rows)
	w.printf("\nTo see which one it is here:\n")
	e.writeNext(w, []string{e.names.Fill("kubectl irsa inspect sa NAME -n NAMESPACE")})
}

// words are a text, indented and broken at the width of the screen.
func (e explanation) words(text string) string {
	return strings.Join(check.Wrap("  "+text, e.width), "\n")
}

// writeNext sets lines to paste apart from words.
func (e explanation) writeNext(w writer, next []string) {
	command := false
	for i, line := range next {
		if now := explain.IsCommand(line); i == 0 || now != command {
			w.printf("\n")
			command = now
		}
		if command {
			w.printf("    %s\n", line)
		} else {
			w.printf("%s\n", e.words(line))
		}
	}
}

// writeCheck says what a check stands for, and what it is where it does not hold.
func (e explanation) writeCheck(w writer) {
	w.printf("%s  %s\n", e.Check, e.title)
	if len(e.Causes) > 0 {
		w.printf("\nWhere that does not hold:\n\n")
	}
	var rows [][]string
	for _, c := range e.Causes {
		rows = append(rows, []string{"  " + c.Code, c.Title})
	}
	w.table(rows)
	w.printf("\nTo look at it here:\n\n    %s --only %s\n", whoRuns(e.Check), e.Check)
}

// whoRuns is the command that runs a check.
func whoRuns(id string) string {
	for command, ids := range map[string][]string{
		"kubectl irsa inspect sa NAME -n NAMESPACE": check.IDs(doctor.ServiceAccountChecks()),
		"kubectl irsa verify NAME -n NAMESPACE":     check.IDs(doctor.VerifyChecks(doctor.Facts{})),
	} {
		if slices.Contains(ids, id) {
			return command
		}
	}
	return "kubectl irsa doctor"
}
