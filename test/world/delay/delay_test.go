package delay

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type arrival struct {
	At   time.Duration
	Data string
}

// link is a source that hands out packets at their times, and a sink that notes
// when each arrives.
type link struct {
	began    time.Time
	packets  []arrival
	end      error
	refuse   error
	arrivals []arrival
}

func (l *link) Read(buffer []byte) (int, error) {
	if len(l.packets) == 0 {
		return 0, l.end
	}
	next := l.packets[0]
	l.packets = l.packets[1:]
	time.Sleep(time.Until(l.began.Add(next.At)))
	return copy(buffer, next.Data), nil
}

func (l *link) Write(data []byte) (int, error) {
	if l.refuse != nil {
		return 0, l.refuse
	}
	l.arrivals = append(l.arrivals, arrival{time.Since(l.began), string(data)})
	return len(data), nil
}

func TestCopy(t *testing.T) {
	broken := errors.New("broken")
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		link link
		hold time.Duration
		want []arrival
		err  error
	}{
		"each packet is held for as long, and they keep their order": {
			link: link{packets: []arrival{{0, "a"}, {0, "b"}, {3 * ms, "c"}, {50 * ms, "d"}}, end: io.EOF},
			hold: 10 * ms,
			want: []arrival{{10 * ms, "a"}, {10 * ms, "b"}, {13 * ms, "c"}, {60 * ms, "d"}},
		},
		"no delay is none": {
			link: link{packets: []arrival{{5 * ms, "a"}}, end: io.EOF},
			want: []arrival{{5 * ms, "a"}},
		},
		"what was read before the source broke still arrives": {
			link: link{packets: []arrival{{0, "a"}}, end: broken},
			hold: 10 * ms,
			want: []arrival{{10 * ms, "a"}},
			err:  broken,
		},
		"a sink that refuses ends it with its error": {
			link: link{packets: []arrival{{0, "a"}, {0, "b"}}, end: io.EOF, refuse: broken},
			hold: 10 * ms,
			err:  broken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.link.began = time.Now()
				err := Copy(&tc.link, &tc.link, tc.hold)
				if !errors.Is(err, tc.err) {
					t.Errorf("error %v, want %v", err, tc.err)
				}
				if diff := cmp.Diff(tc.want, tc.link.arrivals); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
