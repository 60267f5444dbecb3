package plan

import (
	"context"
	"iter"
	"time"
)

// Waits are the pauses between looks at what another server has yet to take in:
// they grow from a quarter of a second to five, and end when patience is spent.
func Waits(patience time.Duration) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		wait := 250 * time.Millisecond
		for spent := time.Duration(0); spent < patience; {
			if !yield(wait) {
				return
			}
			spent += wait
			wait = min(2*wait, 5*time.Second)
		}
	}
}

// Pause waits that long. Where ctx ends first, its cause is the error.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
