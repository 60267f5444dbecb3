package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Exit codes. exec passes its child's on instead.
const (
	exitWell    = 0
	exitFailed  = 1 // the work could not be done
	exitUsage   = 2 // wrong command line
	exitVerdict = 3 // a check failed
)

// interrupted reports whether a command that was told to end gave up: it says so,
// or what it says is a judgement of what it had seen until then.
func interrupted(err error) bool {
	_, verdict := errors.AsType[verdictError](err)
	return err == nil || verdict || errors.Is(err, context.Canceled)
}

// usageError is a command line that cannot be meant: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef is a usageError with a text.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// verdictError is a report with a failed check in it, which is printed already.
type verdictError struct{}

func (verdictError) Error() string { return "a check failed" }

// childError carries the exit code of a program that was run.
type childError struct{ code int }

func (e childError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// startError says why a program could not be run, and which exit code says so.
type startError struct {
	error
	code int
}

func (e startError) Unwrap() error { return e.error }

// report is the one place where an error is printed.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitWell
	}
	if child, ok := errors.AsType[childError](err); ok {
		return child.code
	}
	if _, ok := errors.AsType[verdictError](err); ok {
		return exitVerdict
	}
	fmt.Fprintf(w, "error: %s\n", check.VisibleLines(err.Error()))
	for _, line := range hint.Lines(err) {
		fmt.Fprintf(w, "hint: %s\n", check.VisibleLines(line))
	}
	if start, ok := errors.AsType[startError](err); ok {
		return start.code
	}
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

func isUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}
