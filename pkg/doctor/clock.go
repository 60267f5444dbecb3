package doctor

import (
	"net/http"
	"sync"
	"time"
)

// Clocks reads other machines' clocks from the Date of their answers (RFC 9110,
// section 6.6.1). The zero value needs its Now set.
type Clocks struct {
	Now func() time.Time

	mu       sync.Mutex
	readings []Reading
}

// Wrap makes a transport that reads the clock of whoever answers through next.
func (c *Clocks) Wrap(whose string, next http.RoundTripper) http.RoundTripper {
	return &clocked{clocks: c, whose: whose, next: next}
}

type clocked struct {
	clocks *Clocks
	whose  string
	next   http.RoundTripper
}

func (t *clocked) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err == nil {
		t.clocks.note(t.whose, response.Header.Get("Date"))
	}
	return response, err
}

// WrappedRoundTripper lets client-go find the transport below.
func (t *clocked) WrappedRoundTripper() http.RoundTripper { return t.next }

func (c *Clocks) note(whose, date string) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return
	}
	c.add(Reading{Whose: whose, Theirs: theirs, Ours: c.Now()})
}

// add keeps the first reading of each clock: later answers may have waited.
func (c *Clocks) add(r Reading) {
	if c == nil || r.Theirs.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.readings {
		if known.Whose == r.Whose {
			return
		}
	}
	c.readings = append(c.readings, r)
}

// Readings are the clocks that were read.
func (c *Clocks) Readings() []Reading {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Reading(nil), c.readings...)
}
