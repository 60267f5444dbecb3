//go:build unix

package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// start replaces this process with a program, which thereby has its terminal,
// its signals, its parent and its process ID. It returns only where that failed.
// An interrupt, a hang-up or a stop that was ignored when this process began is
// ignored by the program too, as nohup and background jobs need it. A script
// without "#!" is the shell's, as it is for execvp and for every shell:
// https://pubs.opengroup.org/onlinepubs/9799919799/functions/exec.html.
func (*Factory) start(path string, argv, environ []string) error {
	signal.Reset()
	err := syscall.Exec(path, argv, environ)
	line, isScript := firstLine(path)
	interpreter, named := strings.CutPrefix(line, "#!")
	switch {
	case errors.Is(err, syscall.ENOEXEC) && isScript:
		err = syscall.Exec("/bin/sh", append([]string{"sh", path}, argv[1:]...), environ)
	case errors.Is(err, syscall.ENOENT) && isScript && named:
		err = fmt.Errorf("the interpreter in its first line, %q, is not there", strings.TrimLeft(interpreter, " "))
	case errors.Is(err, syscall.ENOENT):
		err = errors.New("the loader that it asks for is not there: it was built for another system")
	}
	return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
}

// firstLine is that of a script, without its end: a program has a null in it.
func firstLine(path string) (line string, isScript bool) {
	file, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer func() { _ = file.Close() }()
	start := make([]byte, 256)
	n, _ := file.Read(start)
	line, _, _ = strings.Cut(string(start[:n]), "\n")
	return line, !strings.Contains(line, "\x00")
}
