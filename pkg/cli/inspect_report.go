package cli

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
)

// chainReport is what inspect found.
type chainReport struct {
	TypeMeta
	Subject   chainSubject         `json:"subject"`
	Context   string               `json:"context,omitempty"`
	RoleARN   string               `json:"roleArn,omitempty"`
	Audience  string               `json:"audience,omitempty"`
	Issuer    string               `json:"issuer,omitempty"`
	Session   string               `json:"session,omitempty"`
	Checks    []check.Finding      `json:"checks"`
	RootCause *check.RootCause     `json:"rootCause"`
	Summary   map[check.Status]int `json:"summary"`

	style    check.Style
	narrowed bool
}

// chainSubject is where a chain begins.
type chainSubject struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

func (f *Factory) chainReport(c *cluster, subject chainSubject, facts doctor.Facts, findings []check.Finding, v *verdictFlags) chainReport {
	r := chainReport{
		TypeMeta: typeMeta("Chain"), Subject: subject, Context: c.context,
		RoleARN: facts.RoleText, Audience: facts.WantedAudience, Issuer: facts.Issuer,
		Checks: findings, RootCause: check.Root(findings, check.Status(v.failOn)), Summary: check.Count(findings),
		style: f.style(), narrowed: len(v.only) > 0,
	}
	if facts.STS.Err == nil {
		r.Session = facts.STS.Value.ARN
	}
	return r
}

// print writes the report in any format of the chain.
func (r chainReport) print(f *Factory, format string) error {
	switch format {
	case "dot":
		_, err := f.Streams.Out.Write([]byte(check.Dot(r.title(), r.Checks)))
		return err
	case "mermaid":
		_, err := f.Streams.Out.Write([]byte(check.Mermaid(r.title(), r.Checks)))
		return err
	}
	return f.print(format, r)
}

func (r chainReport) title() string {
	name := strings.TrimSpace(r.Subject.Kind + " " + r.Subject.Name) // an issuer may not be known
	if r.Subject.Namespace != "" {
		name = r.Subject.Kind + " " + r.Subject.Namespace + "/" + r.Subject.Name
	}
	if r.Context != "" {
		name += " in " + r.Context
	}
	return name
}

func (r chainReport) writeText(w writer) {
	w.printf("%s\n\n", strings.Join(r.heading(), "\n"))
	w.printf("%s", check.Screen(r.Checks, r.sentences(), r.style))
	w.printf("\n%s\n", conclusion(r.Checks, r.RootCause, r.style))
}

func (r chainReport) writeWide(w writer) {
	r.style.All = true
	r.writeText(w)
}

// sentences sum up links, unless only some checks were asked for.
func (r chainReport) sentences() map[string]string {
	if r.narrowed {
		return nil
	}
	return doctor.Sentences
}

// heading says what is looked at, on one line where it fits.
func (r chainReport) heading() []string {
	arrow := " -> "
	if r.style.Unicode {
		arrow = " → "
	}
	title, role := check.Visible(r.title()), check.Visible(r.RoleARN)
	if role == "" || r.Subject.Kind == "Role" {
		return []string{title}
	}
	one := title + arrow + role
	if check.Cells(one) > r.style.Columns() {
		return []string{title, " " + arrow + role}
	}
	return []string{one}
}

// conclusion is the end of a report: what broke first, and the count.
func conclusion(findings []check.Finding, root *check.RootCause, style check.Style) string {
	summary := check.Summary(findings)
	if root == nil {
		return summary
	}
	cause := "Root cause: " + root.ID
	switch {
	case root.Cause != "":
		cause += " (" + root.Cause + ")"
	case root.Gist != "":
		cause += ": " + root.Gist
	}
	if one := cause + ". " + summary + "."; check.Cells(one) <= style.Columns() {
		return one
	}
	return strings.Join(append(check.Wrap(cause+".", style.Columns()), summary+"."), "\n")
}

// names are the checks that did not hold.
func (r chainReport) names() []string { return failing(r.Checks) }

func failing(findings []check.Finding) []string {
	var names []string
	for _, f := range findings {
		if f.Status == check.Fail || f.Status == check.Warn || f.Status == check.Unknown {
			names = append(names, f.ID+"/"+string(f.Status))
		}
	}
	return names
}

// style is what standard output can show.
func (f *Factory) style() check.Style { return f.styleOf(f.Streams.Out) }

// styleOf is what a stream can show: https://no-color.org, and plain ASCII
// wherever it is no terminal.
func (f *Factory) styleOf(stream any) check.Style {
	s := check.Style{Width: 80}
	if columns, err := strconv.Atoi(f.Getenv("COLUMNS")); err == nil && columns > 0 {
		s.Width = columns
	}
	if !isTerminal(stream) {
		return s
	}
	if file, ok := stream.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			s.Width = width
		}
	}
	plain := f.Getenv("NO_COLOR") != "" || f.Getenv("TERM") == "dumb"
	s.Unicode, s.Color = !plain, !plain
	return s
}

// looking shows on a terminal's stderr what is being looked at, and gives the
// function that wipes it away.
func (f *Factory) looking() (show func(string), wipe func()) {
	if !isTerminal(f.Streams.ErrOut) || f.Getenv("TERM") == "dumb" || f.verbosity > 0 {
		return nil, func() {}
	}
	write := func(text string) { _, _ = f.Streams.ErrOut.Write([]byte("\r\x1b[K" + text)) }
	// A line that is wider than the screen could not be wiped away.
	room := max(f.styleOf(f.Streams.ErrOut).Width-len(" ...")-1, 0)
	return func(what string) {
		runes := []rune(what)
		write(string(runes[:min(room, len(runes))]) + " ...")
	}, func() { write("") }
}
