package cli

import (
	"testing"
	"time"
)

func TestOnlyAStepThatTookItsTimeSaysHowLong(t *testing.T) {
	for took, want := range map[time.Duration]string{
		0:                       "",
		999 * time.Millisecond:  "",
		time.Second:             " (1s)",
		1260 * time.Millisecond: " (1.3s)",
		75 * time.Second:        " (1m15s)",
	} {
		if got := duration(took); got != want {
			t.Errorf("%s: %q, want %q", took, got, want)
		}
	}
}
