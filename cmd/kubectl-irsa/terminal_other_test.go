//go:build !linux

package main

// terminal is for Linux only: other systems open pseudo-terminals in ways of
// their own.
func terminal() { panic("no story opens a terminal here") }
