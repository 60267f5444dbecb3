//go:build unix

package main

import (
	"os"
	"syscall"
)

// handed are the signals that a world hands on to its command.
var handed = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// fromTerminal is true of the signals that keys send.
func fromTerminal(s os.Signal) bool { return s == syscall.SIGINT || s == syscall.SIGQUIT }

// signalCode is the exit code of a world that a signal ended before its command
// began, as a shell shows it.
func signalCode(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 1
}
