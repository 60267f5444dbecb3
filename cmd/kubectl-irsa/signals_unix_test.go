//go:build unix

package main

import (
	"syscall"
	"testing"
	"time"
)

// What is told to end twice does not get its time to end by itself, and says the
// first signal.
func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	ended := make(chan int, 1)
	ctx, exitCode := interruptible(t.Context(), func(code int) { ended <- code })
	defer exitCode(0) // signals are the test's own business again
	begun := time.Now()
	send(t, syscall.SIGTERM)
	<-ctx.Done()
	send(t, syscall.SIGINT)
	code := <-ended
	if took := time.Since(begun); took >= grace {
		t.Errorf("it took %s", took)
	}
	if want := 128 + int(syscall.SIGTERM); code != want {
		t.Errorf("exit code %d, not %d", code, want)
	}
}

// One signal ends what heeds none, too, but leaves it time.
func TestOneSignalLeavesTimeToEnd(t *testing.T) {
	ended := make(chan int, 1)
	ctx, exitCode := interruptible(t.Context(), func(code int) { ended <- code })
	begun := time.Now()
	send(t, syscall.SIGTERM)
	<-ctx.Done()
	for code, want := range map[int]int{0: 0, 1: 143, 3: 3} {
		if got := exitCode(code); got != want {
			t.Errorf("a command that ends with %d says %d, not %d", code, got, want)
		}
	}
	code := <-ended
	if took := time.Since(begun); took < grace {
		t.Errorf("it took %s", took)
	}
	if code != 143 {
		t.Errorf("exit code %d", code)
	}
}

func send(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), signal); err != nil {
		t.Fatal(err)
	}
}
