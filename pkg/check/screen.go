package check

import (
	"fmt"
	"slices"
	"strings"
)

// Style says what the screen can show.
type Style struct {
	Width   int  // columns; less than 40 counts as 40, 0 as 80
	Unicode bool // signs and lines beyond ASCII
	Color   bool // ANSI colours
	All     bool // details of what passed, too
}

// Columns is the width to keep to.
func (s Style) Columns() int {
	switch {
	case s.Width == 0:
		return 80
	case s.Width < 40:
		return 40
	}
	return s.Width
}

// Paint gives text an ANSI colour, such as 32 or 31;1, where the style has any.
func (s Style) Paint(color, text string) string {
	if !s.Color || color == "" || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// Mark is the sign of a status, painted.
func (s Style) Mark(status Status) string { return s.Paint(signs[status].color, s.sign(status)) }

func (s Style) sign(status Status) string {
	if s.Unicode {
		return signs[status].unicode
	}
	return signs[status].ascii
}

type sign struct{ unicode, ascii, color string }

var signs = map[Status]sign{
	Pass:    {"✔", "ok", "32"},
	Warn:    {"▲", "!!", "33"},
	Fail:    {"✘", "XX", "31;1"},
	Unknown: {"?", "??", "36"},
	Skip:    {"·", "--", "2"},
}

// screen collects lines that are no wider than the style allows.
type screen struct {
	Style
	b      strings.Builder
	margin int      // width of the column of links
	told   []string // the lines to paste that were shown
}

// Screen draws findings as a chain: the links on the left, and what became of
// each. A link all of whose checks hold is one line, the sentence that sums it
// up; one that does not shows each check, and under what is not well its
// detail, the two strings that differ with a caret under the first wrong
// character, and the lines to paste. A link without a sentence is never summed.
func Screen(findings []Finding, sentences map[string]string, style Style) string {
	s := &screen{Style: style}
	for _, f := range findings {
		s.margin = max(s.margin, Cells(f.Link))
	}
	for rest := findings; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Link == rest[0].Link {
			n++
		}
		s.link(rest[:n], sentences[rest[0].Link])
		rest = rest[n:]
	}
	return s.b.String()
}

// link is all checks of one link.
func (s *screen) link(findings []Finding, sentence string) {
	if sum, ok := sumUp(findings, sentence); ok && !s.All {
		s.line(sum.Link, sum)
		if sum.Status == Unknown {
			s.detail(sum)
		}
		return
	}
	if !s.All {
		findings = gather(findings)
	}
	label, said := findings[0].Link, ""
	for _, f := range findings {
		s.line(label, f)
		label = ""
		if f.Status == Skip || f.Status == Pass && !s.All {
			continue
		}
		if f.Detail == said && f.Compare == nil && f.Status == Unknown {
			continue
		}
		s.detail(f)
		said = f.Detail
	}
}

// gather puts checks that were left out for one reason into one line, where the
// first of them stands.
func gather(findings []Finding) []Finding {
	left := map[string]int{}
	for _, f := range findings {
		if f.Status == Skip {
			left[f.Detail]++
		}
	}
	var kept []Finding
	for _, f := range findings {
		switch n := left[f.Detail]; {
		case f.Status != Skip || n == 1:
			kept = append(kept, f)
		case n > 1:
			f.Title = fmt.Sprintf("%d checks were left out", n)
			kept = append(kept, f)
			left[f.Detail] = 0 // told
		}
	}
	return kept
}

// sumUp is a link in one line: all of it holds, or none of it could be looked at.
func sumUp(findings []Finding, sentence string) (Finding, bool) {
	sum := Finding{Link: findings[0].Link, Title: sentence, Status: Pass}
	n := Count(findings)
	switch {
	case sentence == "":
		return sum, false
	case n[Skip] == len(findings):
		sum.Status, sum.Detail = Skip, findings[0].Detail
		return sum, true
	}
	if n[Unknown] > 0 && n[Unknown]+n[Skip] == len(findings) {
		for _, f := range findings {
			if f.Status == Unknown {
				sum.Status, sum.Detail = Unknown, f.Detail
				return sum, true
			}
		}
	}
	// What was left out since something before it failed does not hold.
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Obstacle != nil }) {
		return sum, false
	}
	return sum, n[Pass]+n[Skip] == len(findings)
}

// line is one check: link, sign, title and, where there is one, the cause at
// the right edge.
func (s *screen) line(label string, f Finding) {
	color := signs[f.Status].color
	pad := strings.Repeat(" ", s.margin-Cells(label))
	head := pad + s.Paint("1", label) + " " + s.rail() + " " + s.Mark(f.Status) + " "
	used := s.margin + 4 + Cells(s.sign(f.Status))
	title, right := f.Title, f.Cause
	if f.Status == Skip {
		right = f.Detail
	}
	if f.Status == Fail && right == "" {
		right = "failed"
	}
	room := s.Columns() - used
	if n := Cells(title) + 2 + Cells(right); right != "" && n <= room {
		gap := strings.Repeat(" ", room-n+2)
		s.b.WriteString(head + s.title(f, title) + gap + s.Paint(color, right) + "\n")
		return
	}
	lines := Wrap(title, room)
	s.b.WriteString(head + s.title(f, lines[0]) + "\n")
	if right != "" {
		lines = append(lines, Wrap("("+right+")", room)...)
	}
	for _, more := range lines[1:] {
		s.b.WriteString(s.indent(used) + s.title(f, more) + "\n")
	}
}

func (s *screen) title(f Finding, text string) string {
	switch f.Status {
	case Fail:
		return s.Paint("1", text)
	case Skip:
		return s.Paint("2", text)
	}
	return text
}

func (s *screen) rail() string {
	if s.Unicode {
		return s.Paint("2", "│")
	}
	return "|"
}

// indent is the left edge down to a column, with the rail in it.
func (s *screen) indent(column int) string {
	return strings.Repeat(" ", s.margin+1) + s.rail() + strings.Repeat(" ", column-s.margin-2)
}

// detail is what stands under a check that is not well.
func (s *screen) detail(f Finding) {
	edge := s.margin + 4 + 2
	if s.Unicode {
		edge = s.margin + 4 + 1
	}
	room := s.Columns() - edge
	if f.Detail != "" {
		for _, paragraph := range strings.Split(f.Detail, "\n") {
			for _, line := range Wrap(Visible(paragraph), room) {
				s.b.WriteString(strings.TrimRight(s.indent(edge)+line, " ") + "\n")
			}
		}
	}
	if f.Compare != nil {
		s.compare(f.Compare, edge)
	}
	if f.Status == Pass {
		return
	}
	s.fix(f, edge)
}

// fix is the lines to paste: an arrow before each that is needed, "or" before one
// that does in place of those above it. What mends two checks is told once, under
// the first of them.
func (s *screen) fix(f Finding, edge int) {
	all := strings.Join(f.Fix, "\n")
	if slices.Contains(s.told, all) {
		return
	}
	s.told = append(s.told, all)
	arrow := "->"
	if s.Unicode {
		arrow = "→"
	}
	for i, fix := range f.Fix {
		lead := arrow
		if f.AnyOf && i > 0 {
			lead = "or"
		}
		// A line to paste is never broken.
		first, rest, more := strings.Cut(fix, "\n")
		s.b.WriteString(s.indent(edge) + s.Paint("36", lead) + " " + s.Paint("1", Visible(first)) + "\n")
		for more {
			first, rest, more = strings.Cut(rest, "\n")
			s.b.WriteString(s.indent(edge) + s.Paint("1", Visible(first)) + "\n")
		}
	}
}

// Summary counts the findings in one line: 17 hold, 1 failed, 2 unknown.
func Summary(findings []Finding) string {
	n := Count(findings)
	words := map[Status]string{Pass: "hold", Warn: "to look at", Fail: "failed", Unknown: "unknown", Skip: "skipped"}
	var parts []string
	for _, s := range Statuses {
		if n[s] > 0 {
			word := words[s]
			if s == Pass && n[s] == 1 {
				word = "holds"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n[s], word))
		}
	}
	if len(parts) == 0 {
		return "nothing was checked"
	}
	return strings.Join(parts, ", ")
}
