package main

import (
	"context"
	"os"
	"os/signal"
)

// notify catches the signals that a world hands on.
func notify() chan os.Signal {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, handed...)
	return signals
}

// forward hands each signal on to p, until signals no longer delivers. A person
// at a terminal has signalled p already.
func forward(signals <-chan os.Signal, p *os.Process, interactive bool) {
	go func() {
		for s := range signals {
			if interactive && fromTerminal(s) {
				continue
			}
			_ = p.Signal(s) // it may have ended
		}
	}()
}

// signalContext ends with the first signal that a world hands on.
func signalContext(parent context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(parent, handed...)
}
