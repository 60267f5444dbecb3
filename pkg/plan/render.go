package plan

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Report is a plan as JSON and YAML show it.
type Report struct {
	Steps []StepReport `json:"steps"`
}

// StepReport is one step of a Report. Detail is for people; ID and State are
// stable.
type StepReport struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error,omitempty"`
}

// NewReport is the outlook as JSON and YAML show it.
func NewReport(outlook []Outlook) Report {
	r := Report{Steps: []StepReport{}}
	for _, o := range outlook {
		s := StepReport{ID: o.Step.ID, Title: o.Step.Title, State: o.State, Detail: o.Detail}
		if o.Err != nil {
			s.Error = o.Err.Error()
			if s.Detail == s.Error {
				s.Detail = ""
			}
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

var signs = map[State]string{Needed: "+", Applied: "+", Done: "=", Conflict: "!", Unknown: "?", Failed: "x"}

// widestTitle is the width up to which details stand in a column.
const widestTitle = 56

// WriteText writes a line for each step, its sign first (+ to be done, = there
// already, ! in the way, ? could not look, x failed), and the sum of them.
func WriteText(w io.Writer, outlook []Outlook) error {
	width := 0
	for _, o := range outlook {
		if n := utf8.RuneCountInString(o.Step.Title); n <= widestTitle {
			width = max(width, n)
		}
	}
	var b strings.Builder
	for _, o := range outlook {
		line := fmt.Sprintf("  %s %-*s", signs[o.State], width, o.Step.Title)
		head, rest, more := strings.Cut(o.Detail, "\n")
		b.WriteString(strings.TrimRight(line+"  "+head, " ") + "\n")
		if more {
			b.WriteString("      " + strings.ReplaceAll(strings.TrimRight(rest, "\n"), "\n", "\n      ") + "\n")
		}
	}
	b.WriteString(Summary(outlook) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Summary is the plan in one line.
func Summary(outlook []Outlook) string {
	var parts []string
	for _, p := range []struct {
		state State
		text  string
	}{
		{Applied, "done"}, {Failed, "failed"}, {Needed, "to do"}, {Done, "there already"},
		{Conflict, "in the way"}, {Unknown, "could not be looked at"},
	} {
		if n := count(outlook, p.state); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.text))
		}
	}
	if !Any(outlook, Needed, Conflict, Unknown, Failed, Applied) {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
