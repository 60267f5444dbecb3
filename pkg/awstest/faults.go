package awstest

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

// Fault makes some requests go wrong.
type Fault struct {
	// Action is the operation it strikes, such as PutObject, optionally with its
	// service, such as iam:CreateRole; empty strikes every request.
	Action string
	// Skip is how many such requests pass before it strikes.
	Skip int
	// Times is how often it strikes; 0 means until Clear.
	Times int
	// Kind defaults to fault.Error.
	Kind fault.Kind
	// Code, Message and Status of an error; message and status have defaults for
	// the codes that AWS really uses.
	Code, Message string
	Status        int
	Delay         time.Duration // before any answer of this fault
	Struck        func()        // if set, is called when it strikes
}

// Faults is the list of what goes wrong, and the server's clock. Its methods may be
// called while requests are under way.
type Faults struct {
	queue  fault.Queue[Fault]
	mu     sync.Mutex // guards the clock
	now    func() time.Time
	offset time.Duration
	date   time.Duration
}

// Add adds faults. The first one that fits a request strikes.
func (f *Faults) Add(faults ...Fault) {
	for _, add := range faults {
		setDefault(&add.Kind, fault.Error)
		f.queue.Add(add, add.Skip, add.Times)
	}
}

// Throttle refuses the next n calls of an action as AWS does when it is busy.
func (f *Faults) Throttle(action string, n int) {
	code := "Throttling"
	if isS3Action(action) {
		code = "SlowDown"
	}
	f.Add(Fault{Action: action, Times: n, Code: code})
}

// Fail refuses the next n calls of an action with a code; n 0 means all of them.
func (f *Faults) Fail(action, code string, n int) {
	f.Add(Fault{Action: action, Times: n, Code: code})
}

// Clear removes every fault. The clock stays as it is.
func (f *Faults) Clear() { f.queue.Clear() }

// MoveClock moves AWS's clock, and with it the Date header, away from Options.Now.
func (f *Faults) MoveClock(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offset = by
}

// MoveDate moves only the Date header of answers, by that much from AWS's clock.
func (f *Faults) MoveDate(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.date = by
}

func (f *Faults) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now().Add(f.offset)
}

func (f *Faults) dateHeader() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now().Add(f.offset + f.date).UTC().Format(http.TimeFormat)
}

// strike is the fault for a request, nil where it passes unharmed.
func (f *Faults) strike(service, action string) *Fault {
	struck, hit := f.queue.Strike(func(f Fault) bool {
		return f.Action == "" || f.Action == action || f.Action == service+":"+action || f.Action == service+":*"
	})
	if !hit {
		return nil
	}
	if struck.Struck != nil {
		struck.Struck()
	}
	return &struck
}

func isS3Action(action string) bool {
	action, isS3 := strings.CutPrefix(action, "s3:")
	return isS3 || strings.Contains(action, "Bucket") || strings.Contains(action, "Object") ||
		strings.Contains(action, "PublicAccessBlock")
}

// refusal is the error that a fault answers with.
func (struck *Fault) refusal(c *call) *apiError {
	status, message := http.StatusBadRequest, "The request failed on purpose."
	switch struck.Code {
	case "Throttling":
		message = "Rate exceeded"
	case "SlowDown":
		status, message = http.StatusServiceUnavailable, "Please reduce your request rate."
	case "AccessDenied":
		status, message = http.StatusForbidden, deniedText(c)
	case "IDPCommunicationError":
		message = "Failed to contact the identity provider to verify the token"
	case "InternalFailure", "InternalError", "ServiceFailure":
		status, message = http.StatusInternalServerError,
			"We encountered an internal error. Please try again."
	case "ServiceUnavailable":
		status, message = http.StatusServiceUnavailable, "Service is unable to handle request."
	case "RegionDisabledException":
		status, message = http.StatusForbidden,
			"STS is not activated in this region for account. Your account administrator can activate STS in this region using the IAM Console."
	case "IDPRejectedClaim":
		status, message = http.StatusForbidden, "The identity provider rejected the claim"
	case "NotImplemented":
		status, message = http.StatusNotImplemented,
			"A header you provided implies functionality that is not implemented."
	case "LimitExceeded", "ConcurrentModification":
		status = http.StatusConflict
	}
	setDefault(&struck.Status, status)
	setDefault(&struck.Message, message)
	return &apiError{status: struck.Status, code: struck.Code, message: struck.Message}
}
