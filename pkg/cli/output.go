package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// TypeMeta says what a report is, as it stands in JSON and YAML.
type TypeMeta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// apiVersion is the version of every report. Fields are added within it, never
// renamed or removed.
const apiVersion = "irsa.kubectl/v1alpha1"

func typeMeta(kind string) TypeMeta { return TypeMeta{APIVersion: apiVersion, Kind: kind} }

// printable is what a command prints: a struct that marshals to JSON and writes
// itself for people.
type printable interface{ writeText(writer) }

// named is a report that -o name can print.
type named interface{ names() []string }

// wide is a report with more columns for -o wide.
type wide interface{ writeWide(writer) }

// outputFlag adds -o with these formats; jsonpath goes along with json.
func outputFlag(cmd *cobra.Command, into *string, formats ...string) {
	if slices.Contains(formats, "json") {
		formats = append(slices.Clone(formats), "jsonpath=…")
	}
	cmd.Flags().StringVarP(into, "output", "o", "", "Output format: "+strings.Join(formats, ", "))
	pre := cmd.PreRunE
	cmd.PreRunE = func(c *cobra.Command, args []string) error {
		if err := checkOutput(*into, formats); err != nil {
			return err
		}
		if pre != nil {
			return pre(c, args)
		}
		return nil
	}
}

func checkOutput(format string, formats []string) error {
	if format == "" || slices.Contains(formats, format) {
		return nil
	}
	if template, is := strings.CutPrefix(format, "jsonpath="); is && slices.Contains(formats, "json") {
		_, err := parseJSONPath(template)
		return err
	}
	return usagef("unknown output format %q: use %s", format, strings.Join(formats, ", "))
}

// print writes a report to stdout in the format that -o names.
func (f *Factory) print(format string, r printable) error {
	switch {
	case format == "":
		w := &lines{to: f.Streams.Out}
		r.writeText(w)
		return w.err
	case format == "wide":
		w := &lines{to: f.Streams.Out}
		r.(wide).writeWide(w)
		return w.err
	case format == "name":
		for _, name := range r.(named).names() {
			if _, err := fmt.Fprintln(f.Streams.Out, name); err != nil {
				return err
			}
		}
		return nil
	case format == "json":
		encoder := json.NewEncoder(f.Streams.Out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(r)
	case format == "yaml":
		text, err := yaml.Marshal(r)
		if err != nil {
			return err
		}
		_, err = f.Streams.Out.Write(text)
		return err
	}
	return printJSONPath(f.Streams.Out, strings.TrimPrefix(format, "jsonpath="), r)
}

// parseJSONPath reads a template as kubectl does: a field that is not there
// prints nothing.
func parseJSONPath(template string) (*jsonpath.JSONPath, error) {
	if !strings.Contains(template, "{") {
		template = "{." + strings.TrimPrefix(template, ".") + "}"
	}
	path := jsonpath.New("output").AllowMissingKeys(true)
	if err := path.Parse(template); err != nil {
		return nil, usageError{fmt.Errorf("jsonpath %q: %w", template, err)}
	}
	return path, nil
}

func printJSONPath(w io.Writer, template string, r any) error {
	path, err := parseJSONPath(template)
	if err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	if err := path.Execute(w, plain); err != nil {
		return fmt.Errorf("jsonpath %q: %w", template, err)
	}
	_, err = fmt.Fprintln(w)
	return err
}

// writer is where a report writes itself.
type writer interface {
	printf(format string, args ...any)
	table(rows [][]string)
}

// lines remembers the first error, so that a report can be a list of prints.
type lines struct {
	to  io.Writer
	err error
}

func (l *lines) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.to, format, args...)
	}
}

// table aligns rows in columns three blanks apart, as kubectl does. Cells hold
// what others wrote into clusters and accounts: they cannot steer a terminal.
func (l *lines) table(rows [][]string) {
	var widths []int
	shown := make([][]string, len(rows))
	for n, row := range rows {
		for i, cell := range row {
			cell = check.Visible(cell)
			shown[n] = append(shown[n], cell)
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], check.Cells(cell))
		}
	}
	for _, row := range shown {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-check.Cells(cell)+3))
			}
		}
		l.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }
