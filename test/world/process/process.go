// Package process starts the servers of a world so that none of them outlives
// it: on Linux the kernel kills each child when the thread that started it
// ends, however that happens.
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
)

// A Launcher starts processes from one operating system thread that lives as
// long as the program. Linux sends a child's parent-death signal when the
// thread that forked it ends, and a child inherits the network namespace and
// the ambient capabilities of that thread; so both are the launcher's.
type Launcher struct{ jobs chan func() }

// NewLauncher makes a launcher. prepare, when not nil, runs first on its thread
// and may change what that thread's children inherit.
func NewLauncher(prepare func() error) (*Launcher, error) {
	l := &Launcher{jobs: make(chan func())}
	ready := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is the children's lifeline
		var err error
		if prepare != nil {
			err = prepare()
		}
		ready <- err
		for job := range l.jobs {
			job()
		}
	}()
	return l, <-ready
}

// Do runs f on the launcher's thread.
func (l *Launcher) Do(f func() error) error {
	done := make(chan error)
	l.jobs <- func() { done <- f() }
	return <-done
}

// Start starts cmd bound to the life of this program. With ownGroup it is kept
// from the signals that a terminal sends to the program's process group.
func (l *Launcher) Start(cmd *exec.Cmd, ownGroup bool) error {
	bind(cmd, ownGroup)
	return l.Do(cmd.Start)
}

// A Server is a running server process.
type Server struct {
	// Name says which server it is, in messages.
	Name string
	// Log is the path of the file that holds what it prints.
	Log string

	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Serve starts a server that writes standard output and error to the end of
// the file log. env is its whole environment; argv[0] is the program's path.
func (l *Launcher) Serve(name, log string, env []string, argv ...string) (*Server, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer file.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, file, file
	if err := l.Start(cmd, true); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	s := &Server{Name: name, Log: log, cmd: cmd, done: make(chan struct{})}
	go func() {
		s.err = cmd.Wait()
		close(s.done)
	}()
	return s, nil
}

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Ended says how the server ended and shows the last lines of its log. It may
// be called once Done is closed.
func (s *Server) Ended() error {
	return fmt.Errorf("%s ended early (%w); the end of its log:\n%s", s.Name, s.err, Tail(s.Log, 2000))
}

// Kill ends the server at once, with no time to tidy up (kube-apiserver takes
// five seconds over SIGTERM), and waits until it is gone.
func (s *Server) Kill() {
	if s == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Pause stops the server in its tracks: it stays connected and never answers.
func (s *Server) Pause() error { return pause(s.cmd.Process) }

// Resume lets a paused server go on.
func (s *Server) Resume() error { return resume(s.cmd.Process) }

// Tail is at most the last n bytes of a file, or a note why it cannot be read.
func Tail(path string, n int64) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if end, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, end-n), io.SeekStart)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ExitCode is the exit code a shell would show for a finished command: its own,
// or 128 and the number of the signal that ended it.
func ExitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 1, err
	case exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	}
	return 128 + signalNumber(exit.ProcessState), nil
}
