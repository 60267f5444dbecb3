package awsconfig

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestABusyFileIsTriedAgain(t *testing.T) {
	busy, other := errors.New("busy"), errors.New("other")
	type outcome struct {
		Err    string
		Tries  int
		Waited time.Duration
	}
	for name, tc := range map[string]struct {
		errs []error // the last stays
		want outcome
	}{
		"at once":                 {[]error{nil}, outcome{"<nil>", 1, 0}},
		"until it is free":        {[]error{busy, busy, nil}, outcome{"<nil>", 3, 2 * busyPause}},
		"not where it is final":   {[]error{busy, other}, outcome{"other", 2, busyPause}},
		"no longer than a second": {[]error{busy}, outcome{"busy", busyTries, (busyTries - 1) * busyPause}},
	} {
		t.Run(name, func(t *testing.T) {
			var got outcome
			err := patiently(func() error {
				got.Tries++
				return tc.errs[min(got.Tries, len(tc.errs))-1]
			}, func(err error) bool { return errors.Is(err, busy) }, func(d time.Duration) { got.Waited += d })
			if got.Err = "<nil>"; err != nil {
				got.Err = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
