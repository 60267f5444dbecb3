// Package lazyregexp puts off the compiling of regular expressions that stand in
// variables: every command would wait for all of them at its start.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New is a regular expression that is compiled when it is first asked for; it panics
// then where expression is none, as regexp.MustCompile does. What it gives may be
// called by many goroutines.
func New(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
