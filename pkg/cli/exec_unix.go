//go:build unix

package cli

import (
	"fmt"
	"os/signal"
	"syscall"
)

// start replaces this process with a program, which thereby has its terminal,
// its signals, its parent and its process ID. It returns only where that failed.
// A signal that was ignored when this process began is ignored by the program too,
// as nohup and background jobs need it.
func (*Factory) start(path string, argv, environ []string) error {
	signal.Reset()
	err := syscall.Exec(path, argv, environ)
	return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
}
