// Package plan shows changes before it makes them. A change is a Step with a
// look and an apply; all looks run before the first apply, a conflict anywhere
// stops the run with nothing changed, and a dry run is the same path halted
// earlier. The package knows no domain: what a step looks at is its own affair.
package plan

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
)

// State is what a look found, or what became of a step.
type State string

const (
	// Needed is a change that is to be made. A look that depends on an earlier
	// step which is itself still needed says Needed too.
	Needed State = "needed"
	// Done is a change that is there already: its step is not applied.
	Done State = "done"
	// Conflict is something in the way that is not ours to change.
	Conflict State = "conflict"
	// Unknown is a look that failed.
	Unknown State = "unknown"
	// Applied is a change that this run made.
	Applied State = "applied"
	// Failed is a change that this run tried to make.
	Failed State = "failed"
)

// A Step is one change.
type Step struct {
	// ID is stable, unique in a plan and kebab-case: it is what JSON and After name.
	ID string
	// Title says the change as an order: "create the bucket shop-oidc".
	Title string
	// Removes says that the change takes something away.
	Removes bool
	// Mends says that the detail of a Needed look is what is amiss: it is over, and
	// not told any more, once the step is applied.
	Mends bool
	// After are the IDs of earlier steps whose looks end before this one's
	// begins, so that it may use what they found. Looks of steps without it run
	// side by side.
	After []string
	// Look says whether the change is Needed, Done or in Conflict, with a detail
	// for people: the difference. Its first line may be broken to fit a screen;
	// further ones are names, or lines to paste, and stay as they are. It changes
	// nothing. An error means that it could not look.
	Look func(context.Context) (State, string, error)
	// Apply makes the change. It may be repeated, also after it was interrupted.
	Apply func(context.Context) error
	// Try asks the server to check the change without making it, for a dry run
	// on the server's side. nil where the server has no such thing.
	Try func(context.Context) error
}

// An Outlook is a step and what became of it.
type Outlook struct {
	Step   Step
	State  State
	Detail string
	Err    error // why the State is Unknown or Failed
}

// atOnce bounds the looks that run side by side. A look that waits for another, or
// for what another one asks, holds its place: there are more of them than requests.
const atOnce = 32

// Look runs every step's look and gives the outlooks in the order of the
// steps. They are complete even when err is not nil: a *LookError where a look
// failed, a *ConflictError where one found something in the way, or both
// joined. Nothing is changed.
func Look(ctx context.Context, steps []Step) ([]Outlook, error) {
	ended, err := order(steps)
	if err != nil {
		return nil, err
	}
	outlook := make([]Outlook, len(steps))
	abreast.Each(len(steps), atOnce, func(i int) {
		defer close(ended[steps[i].ID])
		for _, id := range steps[i].After {
			<-ended[id]
		}
		outlook[i] = look(ctx, steps[i])
	})
	if err := ctx.Err(); err != nil {
		return outlook, fmt.Errorf("looking before the first change: %w", context.Cause(ctx))
	}
	return outlook, verdict(outlook)
}

func look(ctx context.Context, step Step) Outlook {
	state, detail, err := step.Look(ctx)
	if err != nil {
		return Outlook{Step: step, State: Unknown, Detail: err.Error(), Err: err}
	}
	return Outlook{Step: step, State: state, Detail: detail}
}

// order checks that every After names an earlier step, which rules out circles.
func order(steps []Step) (map[string]chan struct{}, error) {
	ended := make(map[string]chan struct{}, len(steps))
	for _, step := range steps {
		if _, twice := ended[step.ID]; twice {
			return nil, fmt.Errorf("the plan has two steps named %q", step.ID)
		}
		for _, id := range step.After {
			if _, earlier := ended[id]; !earlier {
				return nil, fmt.Errorf("step %q comes after %q, which is no earlier step", step.ID, id)
			}
		}
		ended[step.ID] = make(chan struct{})
	}
	return ended, nil
}

// Any reports whether a step is in one of these states.
func Any(outlook []Outlook, states ...State) bool {
	return slices.ContainsFunc(outlook, func(o Outlook) bool { return slices.Contains(states, o.State) })
}

// Count is how many steps are in a state.
func Count(outlook []Outlook, state State) int {
	n := 0
	for _, o := range outlook {
		if o.State == state {
			n++
		}
	}
	return n
}
