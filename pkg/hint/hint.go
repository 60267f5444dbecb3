// Package hint carries advice along with an error: what a person can do about
// it, as lines of which one can be pasted. It knows nothing of terminals;
// whoever prints the error asks for its hints.
package hint

import (
	"errors"
	"slices"
)

// advised is an error with advice. Its text is the error's own.
type advised struct {
	err           error
	before, after []string
}

func (a *advised) Error() string { return a.err.Error() }
func (a *advised) Unwrap() error { return a.err }

// Wrap attaches lines of advice to err; errors.Is and errors.As still see err.
// A nil err stays nil, and no lines leave err as it was.
func Wrap(err error, lines ...string) error {
	if err == nil || len(lines) == 0 {
		return err
	}
	return &advised{err: err, before: lines}
}

// Append is Wrap, with the lines behind the advice that err already has.
func Append(err error, lines ...string) error {
	if err == nil || len(lines) == 0 {
		return err
	}
	return &advised{err: err, after: lines}
}

// Lines are the pieces of advice in err's chain, outermost first, but for those that
// [Append] put behind the others.
func Lines(err error) []string {
	a, ok := errors.AsType[*advised](err)
	if !ok {
		return nil
	}
	return slices.Concat(a.before, Lines(a.err), a.after)
}
