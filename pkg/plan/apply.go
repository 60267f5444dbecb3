package plan

import (
	"context"
	"fmt"
)

// Progress is told about a step before its apply (State Needed), after it
// (Applied or Failed), and in between whatever its apply notes.
type Progress func(step Step, state State, note string)

type noteKey struct{}

// Note tells the progress of the run that ctx belongs to what an apply is
// doing, such as what it waits for. Outside of Apply it does nothing.
func Note(ctx context.Context, format string, args ...any) {
	if note, ok := ctx.Value(noteKey{}).(func(string)); ok {
		note(fmt.Sprintf(format, args...))
	}
}

// Apply makes the needed changes in order and records in outlook what became of
// each. It stops at the first that fails and when ctx ends, with an
// *ApplyError; the changes made until then stay, and looking and applying again
// goes on behind them. A nil progress is silent.
func Apply(ctx context.Context, outlook []Outlook, progress Progress) error {
	if progress == nil {
		progress = func(Step, State, string) {}
	}
	for i := range outlook {
		o := &outlook[i]
		if o.State != Needed {
			continue
		}
		err := context.Cause(ctx)
		begun := err == nil
		if begun {
			progress(o.Step, Needed, "")
			note := func(text string) { progress(o.Step, Needed, text) }
			err = o.Step.Apply(context.WithValue(ctx, noteKey{}, note))
		}
		if err != nil {
			o.State, o.Err = Failed, err
			progress(o.Step, Failed, "")
			return applyError(outlook, i, begun && ctx.Err() != nil)
		}
		o.State = Applied
		if o.Step.Mends {
			o.Detail = ""
		}
		progress(o.Step, Applied, "")
	}
	return nil
}

// Try asks the servers about the needed changes without making them. Steps
// whose server has no such question stay as they are.
func Try(ctx context.Context, outlook []Outlook) error {
	for i := range outlook {
		o := &outlook[i]
		if o.State != Needed || o.Step.Try == nil {
			continue
		}
		if err := o.Step.Try(ctx); err != nil {
			o.State, o.Err = Failed, err
			return fmt.Errorf("asking whether one may %s: %w", o.Step.Title, err)
		}
	}
	return nil
}

// DryRun says where a run halts.
type DryRun int

// The values of DryRun: run to the end, halt after the looks, or let the
// servers that can check the changes as well.
const (
	No DryRun = iota
	Client
	Server
)

// Options are how a plan is run. The zero value applies it silently.
type Options struct {
	DryRun   DryRun
	Show     func([]Outlook) error                          // called once with all looks done, where nothing is in the way
	Confirm  func(context.Context, []Outlook) (bool, error) // called where something is needed; nil agrees
	Progress Progress
}

// Run looks at every step, shows the outcome, and unless there is a conflict,
// a dry run or a refusal applies what is needed. A refusal is ErrDeclined.
func Run(ctx context.Context, steps []Step, o Options) ([]Outlook, error) {
	outlook, err := Look(ctx, steps)
	if err == nil && o.Show != nil {
		err = o.Show(outlook)
	}
	switch {
	case err != nil || !Any(outlook, Needed) || o.DryRun == Client:
		return outlook, err
	case o.DryRun == Server:
		return outlook, Try(ctx, outlook)
	}
	if o.Confirm != nil {
		agreed, err := o.Confirm(ctx, outlook)
		if err == nil && !agreed {
			err = ErrDeclined
		}
		if err != nil {
			return outlook, err
		}
	}
	return outlook, Apply(ctx, outlook, o.Progress)
}
