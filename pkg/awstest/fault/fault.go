// Package fault is what goes wrong on purpose in the servers for tests: how often,
// and in which way. Which request a fault fits, and what an error looks like, is
// the server's own business.
package fault

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Kind is the way in which a request goes wrong.
type Kind string

// The kinds of fault.
const (
	Error Kind = "error" // an error answer, as the server words it
	Reset Kind = "reset" // the connection is cut before anything is done
	Lost  Kind = "lost"  // the request is carried out, then the connection is cut
	Hang  Kind = "hang"  // never answers
	HTML  Kind = "html"  // a proxy's page: Page
	Delay Kind = "delay" // answers, only later
)

// Page is what a proxy puts in an answer's place.
const Page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in to continue</body></html>\n"

// Queue holds the faults that have yet to strike; its zero value holds none. Its
// methods may be called while requests are under way.
type Queue[F any] struct {
	mu      sync.Mutex
	waiting []waiting[F]
}

type waiting[F any] struct {
	fault       F
	skip, times int
}

// Add lets a fault strike times requests that fit it, after skip of them have
// passed; times 0 means until Clear.
func (q *Queue[F]) Add(fault F, skip, times int) {
	if times == 0 {
		times = math.MaxInt
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, waiting[F]{fault, skip, times})
}

// Clear removes every fault.
func (q *Queue[F]) Clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = nil
}

// Strike is the first fault that fits a request and whose turn it is; false where
// the request passes unharmed.
func (q *Queue[F]) Strike(fits func(F) bool) (F, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiting {
		w := &q.waiting[i]
		if !fits(w.fault) {
			continue
		}
		if w.skip > 0 {
			w.skip--
			continue
		}
		struck := w.fault
		if w.times--; w.times <= 0 {
			q.waiting = slices.Delete(q.waiting, i, i+1)
		}
		return struck, true
	}
	var none F
	return none, false
}

// Wait waits that long, or until ctx is done; it tells whether it waited to the end.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
