package plan

import (
	"errors"
	"strings"
)

// ErrDeclined means that whoever was asked did not agree; nothing is changed.
var ErrDeclined = errors.New("not confirmed: nothing was changed")

// A ConflictError lists what is in the way. Nothing is changed.
type ConflictError struct{ Conflicts []Outlook }

func (e *ConflictError) Error() string {
	var b strings.Builder
	b.WriteString("nothing was changed, since something is in the way")
	for _, c := range e.Conflicts {
		b.WriteString("\n  cannot " + c.Step.Title + ": " + indent(c.Detail))
	}
	return b.String()
}

// A LookError lists the looks that failed. Nothing is changed.
type LookError struct{ Failures []Outlook }

func (e *LookError) Error() string {
	if len(e.Failures) == 1 {
		f := e.Failures[0]
		return "looking whether to " + f.Step.Title + ": " + f.Err.Error() + " (nothing was changed)"
	}
	var b strings.Builder
	b.WriteString("nothing was changed, since these could not be looked at")
	for _, f := range e.Failures {
		b.WriteString("\n  " + f.Step.Title + ": " + indent(f.Err.Error()))
	}
	return b.String()
}

// Unwrap gives the causes, so that errors.Is and errors.As see them.
func (e *LookError) Unwrap() []error {
	causes := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		causes[i] = f.Err
	}
	return causes
}

// An ApplyError is a change that could not be made, with what was done before
// it and what is left. Its text is the change and the cause.
type ApplyError struct {
	Step Step
	Err  error
	Made []string // titles of the changes this run made
	Left []string // titles of the changes not made, the failed one first

	// UnderWay is true where the run was told to end while the failed change was
	// under way: it may have been made, and Left begins with it nevertheless.
	UnderWay bool
}

func (e *ApplyError) Error() string { return e.Step.Title + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ApplyError) Unwrap() error { return e.Err }

// The advice after a change that could not be made, and after a run that was told to end.
const (
	GoOn    = "once the cause is gone, " + goOn
	GoOnNow = goOn

	goOn = "the same command goes on from here"
)

// Progress says what was done and what was not: lines for hint.Wrap, before the
// cause's own advice, behind which GoOn stands. A change whose answer nobody waited
// for may have been made.
func (e *ApplyError) Progress() (lines []string) {
	left := e.Left
	if len(e.Made) > 0 {
		lines = append(lines, "done: "+strings.Join(e.Made, "; "))
	} else if !e.UnderWay {
		lines = append(lines, "done: nothing")
	}
	if e.UnderWay {
		lines, left = append(lines, "under way, so it may have been done: "+e.Step.Title), left[1:]
	}
	if len(left) > 0 {
		lines = append(lines, "not done: "+strings.Join(left, "; "))
	}
	return lines
}

func applyError(outlook []Outlook, at int, underWay bool) error {
	e := &ApplyError{Step: outlook[at].Step, Err: outlook[at].Err, UnderWay: underWay}
	for _, o := range outlook[:at] {
		if o.State == Applied {
			e.Made = append(e.Made, o.Step.Title)
		}
	}
	for _, o := range outlook[at:] {
		if o.State == Failed || o.State == Needed {
			e.Left = append(e.Left, o.Step.Title)
		}
	}
	return e
}

// verdict is what the looks mean for the run.
func verdict(outlook []Outlook) error {
	var failures, conflicts []Outlook
	for _, o := range outlook {
		switch o.State {
		case Unknown:
			failures = append(failures, o)
		case Conflict:
			conflicts = append(conflicts, o)
		}
	}
	switch {
	case failures != nil && conflicts != nil:
		return errors.Join(&ConflictError{conflicts}, &LookError{failures})
	case failures != nil:
		return &LookError{failures}
	case conflicts != nil:
		return &ConflictError{conflicts}
	}
	return nil
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
