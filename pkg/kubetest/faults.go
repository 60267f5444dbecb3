package kubetest

import (
	"math"
	"slices"
	"sync"
	"time"
)

// FaultKind is the way in which a request goes wrong.
type FaultKind string

// The kinds of fault.
const (
	FaultStatus FaultKind = "status" // an error answer with Status: 401, 403, 404, 409, 429, 500, 503
	FaultHang   FaultKind = "hang"   // never answers
	FaultReset  FaultKind = "reset"  // the connection is cut before anything is done
	FaultLost   FaultKind = "lost"   // the request is carried out, then the connection is cut
	FaultHTML   FaultKind = "html"   // a proxy's page with status 200
	FaultDelay  FaultKind = "delay"  // answers after Delay
)

// Fault makes some requests go wrong.
type Fault struct {
	Verb     string // get, list, create, ...; empty fits every verb
	Resource string // such as serviceaccounts/token, or a path; empty fits everything
	Skip     int    // how many such requests pass before it strikes
	Times    int    // how often it strikes; 0 means until Clear
	Kind     FaultKind
	Status   int           // of FaultStatus
	Message  string        // of FaultStatus; a default is made from the status
	Delay    time.Duration // before any answer
}

// Faults is the list of what goes wrong. Its methods may be called while requests
// are under way.
type Faults struct {
	mu     sync.Mutex
	list   []*Fault
	offset time.Duration
}

// Add adds faults. The first one that fits a request strikes.
func (f *Faults) Add(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		if fault.Times == 0 {
			fault.Times = math.MaxInt
		}
		if fault.Kind == "" {
			fault.Kind = FaultStatus
		}
		f.list = append(f.list, &fault)
	}
}

// Clear removes every fault. The Date header stays as it is.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

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

func (f *Faults) strike(a attributes) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		if fault.Verb != "" && fault.Verb != a.verb ||
			fault.Resource != "" && fault.Resource != a.resource && fault.Resource != a.path {
			continue
		}
		if fault.Skip > 0 {
			fault.Skip--
			continue
		}
		hit := *fault
		if fault.Times--; fault.Times <= 0 {
			f.list = slices.Delete(f.list, i, i+1)
		}
		return &hit
	}
	return nil
}
