package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
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
	var err error
	if isBatch(path) {
		err = interpreted(child)
	}
	if err == nil {
		err = child.Run()
	}
	var exited *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exited):
		return childError{exited.ExitCode()}
	}
	return startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", argv[0], err)}
}

// interpreted has cmd.exe run a batch file: the system's, wherever variables of the
// environment lead to.
func interpreted(child *exec.Cmd) error {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return fmt.Errorf("looking for cmd.exe: %w", err)
	}
	script := child.Path
	child.Path = filepath.Join(system, "cmd.exe")
	line, err := batchLine(child.Path, script, child.Args[1:])
	child.SysProcAttr = &syscall.SysProcAttr{CmdLine: line}
	return err
}
