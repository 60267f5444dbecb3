package kubetest

import (
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

// Fault makes some requests go wrong.
type Fault struct {
	Verb     string        // get, list, create, ...; empty fits every verb
	Resource string        // such as serviceaccounts/token, or a path; empty fits everything
	Skip     int           // how many such requests pass before it strikes
	Times    int           // how often it strikes; 0 means until Clear
	Kind     fault.Kind    // fault.Error by default
	Status   int           // of fault.Error: 401, 403, 404, 409, 429, 500, 503
	Message  string        // of fault.Error; a default is made from the status
	Delay    time.Duration // before any answer
	Struck   func()        // if set, is called when it strikes
}

// Faults is the list of what goes wrong. Its methods may be called while requests
// are under way.
type Faults struct {
	queue  fault.Queue[Fault]
	mu     sync.Mutex // guards offset
	offset time.Duration
}

// Add adds faults. The first one that fits a request strikes.
func (f *Faults) Add(faults ...Fault) {
	for _, add := range faults {
		if add.Kind == "" {
			add.Kind = fault.Error
		}
		f.queue.Add(add, add.Skip, add.Times)
	}
}

// Clear removes every fault. The Date header stays as it is.
func (f *Faults) Clear() { f.queue.Clear() }

// MoveDate moves the Date header of answers, by that much from the cluster's clock.
func (f *Faults) MoveDate(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offset = by
}

func (f *Faults) dateOffset() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.offset
}

// strike is the fault for a request, nil where it passes unharmed.
func (f *Faults) strike(a attributes) *Fault {
	struck, hit := f.queue.Strike(func(f Fault) bool {
		return (f.Verb == "" || f.Verb == a.verb) &&
			(f.Resource == "" || f.Resource == a.resource || f.Resource == a.path)
	})
	if !hit {
		return nil
	}
	if struck.Struck != nil {
		struck.Struck()
	}
	return &struck
}
