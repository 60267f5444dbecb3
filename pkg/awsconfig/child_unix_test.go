//go:build unix

package awsconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// The test binary is also the program that the tests start several times, kill,
// and take the disk away from.
const childVariable = "AWSCONFIG_TEST_CHILD"

var background = context.Background()

var children = map[string]func(t *testing.M, args []string) error{
	"login": func(_ *testing.M, args []string) error { return childLogin(args[0], args[1]) },
	"rehearse": func(_ *testing.M, args []string) error {
		return Rehearse(args[0], setProfile(args[1], Setting{"region", "x"}))
	},
	"toggle": func(_ *testing.M, args []string) error {
		for i := 0; ; i++ {
			if err := Edit(background, args[0], toggle(i)); err != nil {
				return err
			}
			if i == 0 {
				fmt.Println("ready")
			}
		}
	},
	"argv": func(_ *testing.M, args []string) error {
		return json.NewEncoder(os.Stdout).Encode(args)
	},
	// No more than 4 KiB in one file: what a quota, and nearly what a full disk is.
	"limited": func(_ *testing.M, args []string) error {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 4096, Max: 4096}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		return childLogin(args[0], args[1])
	},
}

func childLogin(path, profile string) error {
	return Edit(background, path, setProfile(profile, Setting{"region", "x"}, Setting{"kubectl_irsa", profile}))
}

func TestMain(m *testing.M) {
	mode := os.Getenv(childVariable)
	if mode == "" {
		os.Exit(m.Run())
	}
	if err := children[mode](m, os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// newChild prepares a process that runs children[mode] with args.
func newChild(t *testing.T, mode string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+mode)
	return cmd
}

// output runs cmd and returns what it printed, which is its error if it failed.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	text := strings.TrimSuffix(out.String(), "\n")
	if err != nil && text == "" {
		t.Fatal(err)
	}
	return text
}
