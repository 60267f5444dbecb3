// Package story is what the scripts of cmd/kubectl-irsa and of test/e2e have in
// common: running a program for its exact exit code, placeholders for what
// differs from run to run, and an eye on secrets.
package story

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// A Stage is where a script plays.
type Stage interface {
	// Plain gives text with placeholders.
	Plain(text string) string
	// Ran is told what a program printed, and says what is wrong with it.
	Ran(argv []string, stdout, stderr string) error
}

// Command is a word of a script.
type Command = func(ts *testscript.TestScript, neg bool, args []string)

// Commands are the words that every script has beside testscript's own.
//
//	exits N PROGRAM ARG...   run it; its exit code must be N. stdout and stderr have
//	                         placeholders for what differs from run to run; what was
//	                         printed is in $WORK/.raw/stdout and $WORK/.raw/stderr
//	show FILE                print a file with placeholders
//	mode FILE MODE           the file's mode must be this, in octal
func Commands(stageOf func(*testscript.TestScript) Stage) map[string]Command {
	return map[string]Command{
		"exits": func(ts *testscript.TestScript, neg bool, args []string) {
			Arguments(ts, neg, args, 2, -1, "exits N PROGRAM ARG...")
			exits(ts, stageOf(ts), args[0], args[1:])
		},
		"show": func(ts *testscript.TestScript, neg bool, args []string) {
			Arguments(ts, neg, args, 1, 1, "show FILE")
			fmt.Fprint(ts.Stdout(), stageOf(ts).Plain(ts.ReadFile(args[0])))
		},
		"mode": mode,
	}
}

// Arguments stops a script that gives a word too few or too many arguments; most
// -1 is as many as it likes.
func Arguments(ts *testscript.TestScript, neg bool, args []string, least, most int, usage string) {
	if neg || len(args) < least || most >= 0 && len(args) > most {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, stage Stage, code string, argv []string) {
	want, err := strconv.Atoi(code)
	ts.Check(err)
	err = ts.Exec(argv[0], argv[1:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	raw := filepath.Join(ts.Getenv("WORK"), ".raw")
	ts.Check(errors.Join(os.MkdirAll(raw, 0o700),
		os.WriteFile(filepath.Join(raw, "stdout"), []byte(stdout), 0o600),
		os.WriteFile(filepath.Join(raw, "stderr"), []byte(stderr), 0o600)))
	fmt.Fprint(ts.Stdout(), stage.Plain(stdout))
	fmt.Fprint(ts.Stderr(), stage.Plain(stderr))
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
	ts.Check(stage.Ran(argv, stdout, stderr))
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	Arguments(ts, neg, args, 2, 2, "mode FILE MODE")
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	info, err := os.Lstat(filepath.Clean(ts.MkAbs(args[0])))
	ts.Check(err)
	if got := info.Mode().Perm(); got != os.FileMode(want) {
		ts.Fatalf("%s has mode %04o, not %04o", args[0], got, want)
	}
}
