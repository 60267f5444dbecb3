//go:build unix

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// start replaces this process with a program, which thereby has its terminal,
// its signals, its parent and its process ID. It returns only where that failed.
// A signal that was ignored when this process began is ignored by the program too,
// as nohup and background jobs need it. A script without "#!" is the shell's, as it
// is for execvp and for every shell:
// https://pubs.opengroup.org/onlinepubs/9799919799/functions/exec.html.
func (*Factory) start(path string, argv, environ []string) error {
	signal.Reset()
	err := syscall.Exec(path, argv, environ)
	if errors.Is(err, syscall.ENOEXEC) && isScript(path) {
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), environ)
	}
	return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
}

// isScript reports whether the first line of a file is text: a program of another
// machine has a null in it.
func isScript(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, 256)
	n, _ := file.Read(start)
	line, _, _ := bytes.Cut(start[:n], []byte("\n"))
	return !bytes.Contains(line, []byte{0})
}
