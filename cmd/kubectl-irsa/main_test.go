package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/cli"
	"github.com/kubectl-irsa/kubectl-irsa/test/e2e/sdkprogram"
)

// TestMain makes this test binary be the plugin, and the little programs that
// stories need beside it, where it is called by their names.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kubectl-irsa":          plugin,
		"kubectl_complete-irsa": plugin,
		"terminal":              terminal,
		"aws":                   fakeAWSCLI,
		"sdkprogram":            sdkProgram,
	})
}

// sdkProgram uses the profile that its argument names.
func sdkProgram() {
	if err := sdkprogram.Run(context.Background(), os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestScripts plays every story of testdata/script: what a person types, and
// what comes of it. UPDATE=1 rewrites what a story expects.
func TestScripts(t *testing.T) {
	t.Cleanup(func() { comparePolicies(t) })
	testscript.Run(t, parameters(false))
}

// TestScriptsLeakNothing plays them again with every command at -v=10, and
// looks for secrets in what the client of Kubernetes logs then.
func TestScriptsLeakNothing(t *testing.T) {
	if os.Getenv("UPDATE") != "" {
		t.Skip("UPDATE=1 rewrites what TestScripts expects")
	}
	testscript.Run(t, parameters(true))
}

func parameters(verbose bool) testscript.Params {
	return testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               func(env *testscript.Env) error { return setUp(env, verbose) },
		Cmds:                commands(),
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
}

// What a story's environment tells the plugin about the test it is in.
const (
	logVariable   = "IRSA_TEST_LOG"   // the folder for logs of -v=10; none: no -v
	clockVariable = "IRSA_TEST_CLOCK" // how far this process's clock is ahead, as 50m
)

// plugin is main with a clock that a story can move, and with the client's log
// at -v=10 in a file of its own where the story is played for it.
func plugin() {
	ctx, exitCode := interruptible(context.Background(), os.Exit)
	p := cli.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		Getenv: os.Getenv, Setenv: os.Setenv, Unsetenv: os.Unsetenv, Environ: os.Environ, Now: time.Now,
		Build: cli.Build{Version: "v1.2.3", Commit: "0123abc", Date: "2026-11-23"},
	}
	if ahead, err := time.ParseDuration(os.Getenv(clockVariable)); err == nil {
		p.Now = func() time.Time { return time.Now().Add(ahead) }
	}
	if dir := os.Getenv(logVariable); dir != "" {
		log, err := os.CreateTemp(dir, "log-*")
		if err != nil {
			panic(err)
		}
		p.Args = append([]string{p.Args[0], "-v=10"}, p.Args[1:]...)
		p.ErrOut = &split{log: log, rest: os.Stderr}
	}
	code := cli.Main(ctx, p)
	os.Exit(exitCode(code))
}

// split sends the client's log one way and what people are told another. klog
// writes an entry at once, and begins each with its level and the date.
type split struct{ log, rest io.Writer }

func (s *split) Write(p []byte) (int, error) {
	if logEntry.Match(p) {
		return s.log.Write(p)
	}
	if _, err := s.rest.Write(bytes.ReplaceAll(p, []byte(" -v=10"), nil)); err != nil { // of hints that repeat the command line
		return 0, err
	}
	return len(p), nil
}
