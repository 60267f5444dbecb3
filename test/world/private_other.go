//go:build !linux

package main

import "errors"

// private is for Linux.
func private(spec) (code int, reason string, err error) {
	return 1, "it takes Linux's namespaces", nil
}

func firstProcess(string) (int, error) { return 1, errors.New("namespaces are Linux's") }

func dieWithGoRun() {}

func (s spec) clientPrepare(func(error)) func() error { return nil }
