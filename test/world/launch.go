package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/servers"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/workspace"
)

// A spec is what the first process tells the others, in a file of the world's
// directory.
type spec struct {
	Options     options
	Servers     servers.Set
	Dir         string   // the world's directory
	Program     string   // this program
	Environment []string // of the command, before the world adds its own
	// Interactive says that a person types: the command must stay in the
	// terminal's process group, where it gets the terminal's signals itself.
	Interactive bool
	Private     bool // in a network of its own, rather than on loopback
}

const (
	specFile      = "spec.json"
	hostsFile     = "hosts"
	unsupported   = "unsupported" // a file: why there can be no namespaces
	controlSocket = "control.sock"
	caFile        = "aws-ca.pem"        // the authority of AWS's certificates
	adminFile     = "admin-credentials" // a shared credentials file with profile admin
)

// launch makes a world, waits for its end, and removes it.
func launch(o options) (int, error) {
	dieWithGoRun()
	ctx, stop := interruptible()
	set, err := builder().Ensure(ctx)
	stop()
	if err != nil {
		return 1, err
	}
	parent := temporary()
	if _, err := workspace.Sweep(parent); err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
	}
	space, err := workspace.New(parent)
	if err != nil {
		return 1, err
	}
	code, err := inhabit(o, set, space.Dir)
	if o.Keep {
		fmt.Fprintln(os.Stderr, "world: left in", space.Dir)
		return code, err
	}
	return code, errors.Join(err, space.Remove())
}

// inhabit runs the world in dir: privately where that works.
func inhabit(o options, set servers.Set, dir string) (int, error) {
	program, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("finding this program: %w", err)
	}
	s := spec{
		Options: o, Servers: set, Dir: dir, Program: program,
		Environment: inherited(os.Environ(), goEnvironment()),
		Interactive: term.IsTerminal(int(os.Stdin.Fd())),
		Private:     !o.NoNamespace,
	}
	if s.Private {
		code, reason, err := private(s)
		if reason == "" {
			return code, err
		}
		fmt.Fprintf(os.Stderr, "world: no private network here (%s)\n", reason)
		s.Private = false
	}
	fmt.Fprintln(os.Stderr, "world: the API server is real and listens on loopback; AWS is a double inside this program")
	return supervise(s)
}

// save writes the spec where the other processes look for it.
func (s spec) save() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, specFile), text, 0o600)
}

func load(dir string) (spec, error) {
	var s spec
	text, err := os.ReadFile(filepath.Join(dir, specFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// temporary is where worlds have their directories. A socket's path has 108
// bytes at most, so a long $TMPDIR will not do.
func temporary() string {
	if dir := os.TempDir(); len(dir) <= 50 {
		return dir
	}
	return "/tmp"
}

// goEnvironment keeps the go command's caches where they are, although HOME
// changes: NAME=value each, and nothing where there is no go command.
func goEnvironment() []string {
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOENV"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil
	}
	values := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(values) != len(names) {
		return nil
	}
	var env []string
	for i, name := range names {
		env = append(env, name+"="+values[i])
	}
	return env
}
