package awsapi

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// How long a call may take: AWS answers in well under a second, and whoever waits
// is a person at a prompt, or an SDK that gives a credential_process one minute.
const (
	attempts        = 3
	maxBackoff      = 3 * time.Second
	defaultPatience = 20 * time.Second // with one attempt; silence is not asked again
	callPatience    = 35 * time.Second // with all of them
)

// Silence is the error of a server that took too long.
type Silence struct {
	Host  string
	After time.Duration
	Err   error // how that came to light
}

func (s *Silence) Error() string { return fmt.Sprintf("%s did not answer within %s", s.Host, s.After) }
func (s *Silence) Unwrap() error { return s.Err }

// patient is a client that gives each request so long, and whose error is a
// [*Silence] where that was not enough.
type patient struct {
	aws.HTTPClient // which gives up after that time

	patience time.Duration
}

func (p patient) Do(r *http.Request) (*http.Response, error) {
	response, err := p.HTTPClient.Do(r)
	if err != nil && r.Context().Err() == nil && timedOut(err) {
		err = &Silence{Host: r.URL.Host, After: p.patience, Err: err}
	}
	return response, err
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
