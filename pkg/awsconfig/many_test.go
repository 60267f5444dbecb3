package awsconfig

import (
	"fmt"
	"testing"
	"time"
)

// Generated configurations have a profile for each role of each account. Eight
// times as many may take eight times as long, not sixty-four.
func TestTheTimeOfAnEditGrowsAsTheFileDoes(t *testing.T) {
	few, many := profiles(2_000), profiles(16_000)
	for name, work := range map[string]func(data []byte) error{
		"looking up a profile": func(data []byte) error {
			f, err := Parse(data)
			if err == nil {
				f.Profile("p7")
			}
			return err
		},
		"listing the profiles": func(data []byte) error {
			f, err := Parse(data)
			if err == nil {
				f.Profiles()
			}
			return err
		},
		"reading as the Go SDK does": func(data []byte) error {
			readLikeGoSDK(data)
			return nil
		},
		"changing a profile": func(data []byte) error {
			f, err := Parse(data)
			if err == nil {
				_, err = f.Apply(Change{Profile: "p", Set: someSettings})
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			short, long := fastest(t, few, work), fastest(t, many, work)
			if ratio := long.Seconds() / short.Seconds(); ratio > 28 {
				t.Errorf("%s for %d bytes, %s for %d: %.0f times as long", short, len(few), long, len(many), ratio)
			}
		})
	}
}

func profiles(n int) (data []byte) {
	for i := range n {
		data = fmt.Appendf(data, "[profile p%d]\nregion = us-east-1\ncredential_process = /usr/bin/tool --x=%d\n\n", i, i)
	}
	return data
}

func fastest(t *testing.T, data []byte, work func([]byte) error) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		start := time.Now()
		if err := work(data); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return best
}
