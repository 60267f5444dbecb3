package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// grace is what a command gets to end by itself after a signal.
const grace = time.Second

var errInterrupted = errors.New("interrupted")

// interruptible gives a context that ends at the first interrupt or SIGTERM. Not
// all that a command waits for heeds a context: an exec plugin of the kubeconfig
// and a read of standard input do not. So after grace, or at a second signal, the
// process ends whatever it is doing. exitCode says of a command that gave up by
// itself what shells say of a signal: 130 or 143. exit is os.Exit.
func interruptible(parent context.Context, exit func(int)) (ctx context.Context, exitCode func(int) int) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var first atomic.Int64
	go func() {
		code := 128 + number(<-signals)
		first.Store(int64(code))
		cancel(errInterrupted)
		select {
		case <-signals:
		case <-time.After(grace):
		}
		exit(code)
	}()
	return ctx, func(code int) int {
		signal.Stop(signals)
		if given := int(first.Load()); given != 0 && code == 1 {
			return given
		}
		return code
	}
}

func number(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return int(n)
	}
	return int(syscall.SIGINT)
}
