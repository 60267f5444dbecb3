package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
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

// sign is what stands before a step, and its colour.
func (o Outlook) sign() (text, color string) {
	switch o.State {
	case Done:
		return "=", "2"
	case Conflict:
		return "!", "31;1"
	case Unknown:
		return "?", "36"
	case Failed:
		return "x", "31;1"
	}
	if o.Step.Removes {
		return "-", "31"
	}
	return "+", "32"
}

const (
	margin = "    "   // before a title: its sign, and blanks
	below  = "      " // before what stands below a title
	gap    = 2        // blanks between a title and a detail beside it
)

// WriteText writes a line for each step, its sign first (+ to be made, - to be
// taken away, = there already, ! in the way, ? could not look, x failed), and
// the sum of them. Details stand in a column beside the titles, and those that
// do not fit there below; only the first line of a detail is ever broken.
func WriteText(w io.Writer, outlook []Outlook, style check.Style) error {
	var b strings.Builder
	column := beside(outlook, style.Columns())
	for _, o := range outlook {
		sign, color := o.sign()
		head, rest, _ := strings.Cut(check.VisibleLines(o.Detail), "\n")
		title := strings.Join(check.Wrap(o.Step.Title, style.Columns()-len(margin)), "\n"+margin)
		b.WriteString("  " + style.Paint(color, sign) + " " + title)
		if o.fits(column, style.Columns()) {
			b.WriteString(strings.Repeat(" ", column-check.Cells(title)+gap) + head)
		} else if head != "" {
			b.WriteString("\n" + below + strings.Join(check.Wrap(head, style.Columns()-len(below)), "\n"+below))
		}
		b.WriteString("\n")
		for line := range strings.Lines(rest) {
			b.WriteString(below + strings.TrimRight(line, "\n") + "\n")
		}
	}
	b.WriteString(Summary(outlook) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// beside is the width of the column of titles that has the most details beside
// it, on a screen of this width; the narrowest of them.
func beside(outlook []Outlook, width int) (column int) {
	most := 0
	for _, c := range outlook {
		n, candidate := 0, check.Cells(c.Step.Title)
		for _, o := range outlook {
			if o.fits(candidate, width) {
				n++
			}
		}
		if n > most || n == most && candidate < column {
			most, column = n, candidate
		}
	}
	return column
}

// fits reports whether a step's detail stands beside a title of column characters.
func (o Outlook) fits(column, width int) bool {
	head, _, _ := strings.Cut(check.VisibleLines(o.Detail), "\n")
	return head != "" && check.Cells(o.Step.Title) <= column &&
		len(margin)+column+gap+check.Cells(head) <= width
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
		if n := Count(outlook, p.state); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.text))
		}
	}
	if !Any(outlook, Needed, Conflict, Unknown, Failed, Applied) {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
