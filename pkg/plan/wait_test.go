package plan_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

func TestPausesGrowAndEnd(t *testing.T) {
	const patience = 90 * time.Second
	var sum, last time.Duration
	for wait := range plan.Waits(patience) {
		if wait < last || wait > 5*time.Second {
			t.Errorf("a pause of %v after one of %v", wait, last)
		}
		sum, last = sum+wait, wait
	}
	if sum < patience || sum >= patience+5*time.Second {
		t.Errorf("somebody is given %v", sum)
	}
}

func TestAPauseEndsWithWhoeverEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		if err := plan.Pause(t.Context(), time.Minute); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("it took %s: %v", time.Since(begun), err)
		}
		interrupted := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(interrupted) })
		if err := plan.Pause(ctx, time.Hour); !errors.Is(err, interrupted) {
			t.Errorf("it ended with %v", err)
		}
	})
}
