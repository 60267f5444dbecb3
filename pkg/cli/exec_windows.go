package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// start runs a program to its end: Windows has no way to replace a process.
// Ctrl-C and Ctrl-Break reach every process of the console, so the program
// decides what they mean and this one only waits for it.
func (f *Factory) start(path string, argv, environ []string) error {
	signal.Reset(os.Interrupt)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	child := &exec.Cmd{
		Path: path, Args: argv, Env: environ,
		Stdin: f.Streams.In, Stdout: f.Streams.Out, Stderr: f.Streams.ErrOut,
	}
	if isBatch(path) {
		interpreter := filepath.Join(f.Getenv("SystemRoot"), "System32", "cmd.exe")
		line, err := batchLine(interpreter, path, argv[1:])
		if err != nil {
			return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
		}
		child.Path, child.SysProcAttr = interpreter, &syscall.SysProcAttr{CmdLine: line}
	}
	err := child.Run()
	var exited *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exited):
		return childError{exited.ExitCode()}
	}
	return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
}
