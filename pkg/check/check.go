// Package check judges facts. A Check states one thing that ought to be true of
// facts that were gathered beforehand; Run holds a list of them against the
// facts, in order, and hides none: what hangs on a failed one is marked as
// skipped. The package knows nothing of clusters or of AWS.
package check

import (
	"fmt"
	"slices"
)

// Status is what became of a check.
type Status string

// The statuses, best first. Unknown means not allowed, or not able, to look;
// Skip that it would be pointless here.
const (
	Pass    Status = "pass"
	Skip    Status = "skip"
	Unknown Status = "unknown"
	Warn    Status = "warn"
	Fail    Status = "fail"
)

// Statuses are all of them, in the order in which a summary counts them.
var Statuses = []Status{Pass, Warn, Fail, Unknown, Skip}

// Check states one thing that ought to be true of F.
type Check[F any] struct {
	ID    string         // stable, kebab-case: JSON, --only, --skip, docs/checks.md
	Link  string         // the link of the chain it belongs to, in a word or two
	Title string         // a true sentence when it passes
	Needs []string       // IDs that must hold first; otherwise this one is skipped
	Aside bool           // its failure breaks nothing that comes after: it explains no other, and is a root cause last
	Run   func(F) Result // pure: the same facts give the same result
}

// Result is what a check found.
type Result struct {
	Status  Status
	Cause   string      // the catalogue's code where it is known: ROLE1, PUB7
	Detail  string      // what was seen, with its values; lines are separated by \n
	Compare *Comparison // two strings that ought to be equal, nil where none do not
	Fix     []string    // lines to paste, in order
	AnyOf   bool        // one line of Fix is enough: the likeliest is the first
	Gist    string      // what is known where no cause is: a clause for the last line of a report
}

// Comparison is two strings that differ, and where. Columns count characters
// from 0; they differ only where Expected has wildcards.
type Comparison struct {
	ExpectedLabel  string `json:"expectedLabel"`
	Expected       string `json:"expected"`
	ActualLabel    string `json:"actualLabel"`
	Actual         string `json:"actual"`
	ExpectedColumn int    `json:"expectedColumn"`
	ActualColumn   int    `json:"actualColumn"`
}

// Compare is where two strings first differ, nil where they do not.
func Compare(expectedLabel, expected, actualLabel, actual string) *Comparison {
	if expected == actual {
		return nil
	}
	a, b := []rune(expected), []rune(actual)
	column := 0
	for column < len(a) && column < len(b) && a[column] == b[column] {
		column++
	}
	return &Comparison{expectedLabel, expected, actualLabel, actual, column, column}
}

// Known is a fact, or why it could not be had. That it does not exist and that
// nobody may look are different errors.
type Known[T any] struct {
	Value T
	Err   error
}

// Know is a fact from the results of a call.
func Know[T any](value T, err error) Known[T] { return Known[T]{value, err} }

// Finding is a check and what it found.
type Finding struct {
	ID      string      `json:"id"`
	Link    string      `json:"link"`
	Title   string      `json:"title"`
	Status  Status      `json:"status"`
	Cause   string      `json:"cause,omitempty"`
	Detail  string      `json:"detail,omitempty"`
	Compare *Comparison `json:"comparison,omitempty"`
	Fix     []string    `json:"fix,omitempty"`
	AnyOf   bool        `json:"-"`
	Gist    string      `json:"-"`

	Aside    bool       `json:"-"`
	Obstacle *RootCause `json:"-"` // of a check that was left out: the failure that stood in its way
}

// Selection narrows a run. The zero value selects everything.
type Selection struct {
	Only []string // IDs to show; none shows all
	Skip []string // IDs to leave out
}

func (s Selection) shows(id string) bool {
	return (len(s.Only) == 0 || slices.Contains(s.Only, id)) && !slices.Contains(s.Skip, id)
}

// Unknown gives the first ID of the selection that is none of ids, "" where all are.
func (s Selection) Unknown(ids []string) string {
	for _, id := range append(slices.Clone(s.Only), s.Skip...) {
		if !slices.Contains(ids, id) {
			return id
		}
	}
	return ""
}

// Run holds the checks against the facts, in order. A check whose need failed,
// or was skipped for another's sake, is skipped and says for whose sake. What
// the selection leaves out is still judged where another check needs it. A need
// has to stand before whoever needs it.
func Run[F any](facts F, checks []Check[F], selection Selection) []Finding {
	findings := []Finding{}
	done := map[string]Finding{}
	for _, c := range checks {
		f := Finding{ID: c.ID, Link: c.Link, Title: c.Title, Aside: c.Aside}
		if f.Obstacle = obstacle(done, c.Needs); f.Obstacle != nil {
			f.Status, f.Detail = Skip, "needs "+f.Obstacle.ID
			f.Obstacle.Waived = slices.Contains(selection.Skip, f.Obstacle.ID)
		} else {
			r := c.Run(facts)
			f.Status, f.Cause, f.Detail, f.Compare, f.Fix, f.AnyOf, f.Gist = r.Status, r.Cause, r.Detail, r.Compare, r.Fix, r.AnyOf, r.Gist
		}
		done[c.ID] = f
		if selection.shows(c.ID) {
			findings = append(findings, f)
		}
	}
	return findings
}

// obstacle is the first need that did not hold, or the first cause that one was
// left out for: the reader wants that, not a chain of skips. What was skipped
// because it is pointless stands in nobody's way.
func obstacle(done map[string]Finding, needs []string) *RootCause {
	for _, id := range needs {
		need, judged := done[id]
		if !judged {
			panic(fmt.Sprintf("check %q is needed before it is judged", id)) // a list in the wrong order
		}
		if need.Status == Fail {
			return need.root()
		}
		if need.Obstacle != nil {
			return need.Obstacle
		}
	}
	return nil
}

// IDs are those of the checks, in order.
func IDs[F any](checks []Check[F]) []string {
	var ids []string
	for _, c := range checks {
		ids = append(ids, c.ID)
	}
	return ids
}

// RootCause is the link that broke first.
type RootCause struct {
	ID    string `json:"id"`
	Cause string `json:"cause,omitempty"`
	Gist  string `json:"-"`

	Waived bool `json:"-"` // it was left out by name: it decides nothing
}

func (f Finding) root() *RootCause { return &RootCause{ID: f.ID, Cause: f.Cause, Gist: f.Gist} }

// Root is the first finding that failed, or for whose failure another was left
// out: that one decides, shown or not, unless it was left out by name. Where none did, and failOn
// is Unknown or Warn, it is the first that bad. An aside comes after the others.
// Nil means that all is well.
func Root(findings []Finding, failOn Status) *RootCause {
	for _, level := range []Status{Fail, Warn, Unknown} {
		var aside *RootCause
		for _, f := range findings {
			switch {
			case !Bad(level, failOn):
			case level == Fail && f.Obstacle != nil && !f.Obstacle.Waived:
				return f.Obstacle
			case f.Status != level:
			case !f.Aside:
				return f.root()
			case aside == nil:
				aside = f.root()
			}
		}
		if aside != nil {
			return aside
		}
	}
	return nil
}

// Bad reports whether a status makes a run fail: Fail always does, Warn where
// failOn is Warn, Unknown and Warn where it is Unknown.
func Bad(s, failOn Status) bool {
	switch s {
	case Fail:
		return true
	case Warn:
		return failOn == Warn || failOn == Unknown
	case Unknown:
		return failOn == Unknown
	}
	return false
}

// Count is the number of findings of each status.
func Count(findings []Finding) map[Status]int {
	n := map[Status]int{}
	for _, s := range Statuses {
		n[s] = 0
	}
	for _, f := range findings {
		n[f.Status]++
	}
	return n
}
