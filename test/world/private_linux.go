package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/netns"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/process"
)

// private runs the world in namespaces of its own. Where there can be none it
// says why, and the world has not begun.
func private(s spec) (code int, reason string, err error) {
	if err := s.save(); err != nil {
		return 1, "", fmt.Errorf("preparing the world: %w", err)
	}
	hostname, _ := os.Hostname()
	hosts := netns.Hosts(hostname, s.Options.names())
	if err := os.WriteFile(filepath.Join(s.Dir, hostsFile), []byte(hosts), 0o644); err != nil {
		return 1, "", fmt.Errorf("preparing the world: %w", err)
	}
	launcher, err := process.NewLauncher(nil)
	if err != nil {
		return 1, "", err
	}
	cmd := exec.Command(s.Program, initVerb, s.Dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = netns.Private()
	signals := notify()
	// A person's terminal signals its whole process group; any other sender
	// reaches this process, and the rest of the world hears it from here.
	if err := launcher.Start(cmd, !s.Interactive); err != nil {
		signal.Stop(signals)
		return 1, err.Error(), nil
	}
	forward(signals, cmd.Process, s.Interactive)
	code, err = process.ExitCode(cmd.Wait())
	signal.Stop(signals)
	if why, readErr := os.ReadFile(filepath.Join(s.Dir, unsupported)); readErr == nil {
		return 1, string(why), nil
	}
	return code, "", err
}

// firstProcess is process 1 of the namespaces: it furnishes them, starts the
// supervisor, and reaps orphans until that ends. What then still runs, the
// kernel ends with the namespaces.
func firstProcess(dir string) (int, error) {
	s, err := load(dir)
	if err != nil {
		return 1, fmt.Errorf("starting the world: %w", err)
	}
	if err := netns.Furnish(filepath.Join(dir, hostsFile)); err != nil {
		return 1, os.WriteFile(filepath.Join(dir, unsupported), []byte(err.Error()), 0o600)
	}
	launcher, err := process.NewLauncher(nil)
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(s.Program, superviseVerb, dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := notify()
	if err := launcher.Start(cmd, false); err != nil {
		return 1, fmt.Errorf("starting the world: %w", err)
	}
	forward(signals, cmd.Process, s.Interactive)
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("waiting for the world: %w", err)
		case pid == cmd.Process.Pid && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == cmd.Process.Pid && status.Exited():
			return status.ExitStatus(), nil
		}
	}
}

// dieWithGoRun has a SIGTERM sent to this process when a `go run` that started
// it is killed, which the go command does not do.
func dieWithGoRun() {
	parent := os.Getppid()
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", parent))
	if err != nil || strings.TrimSpace(string(name)) != "go" {
		return
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return
	}
	if os.Getppid() != parent { // it died in between
		os.Exit(1)
	}
}

// clientPrepare is what the thread that starts the command does first.
func (s spec) clientPrepare(report func(error)) func() error {
	if !s.Private {
		return nil
	}
	return func() error {
		if s.Options.RoundTrip > 0 {
			if err := netns.Link(s.Options.RoundTrip, report); err != nil {
				return err
			}
		}
		return netns.DropCapabilities()
	}
}
