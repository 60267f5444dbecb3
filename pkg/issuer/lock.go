package issuer

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// lockPoll is how often a lock that somebody else holds is tried again.
const lockPoll = 50 * time.Millisecond

// take waits for a lock until ctx is done.
func take(ctx context.Context, lock *flock.Flock) error {
	_, err := lock.TryLockContext(ctx, lockPoll)
	if ctx.Err() != nil {
		_ = lock.Unlock()
		return fmt.Errorf("waiting for another publisher to finish with it: %w", context.Cause(ctx))
	}
	return err
}
