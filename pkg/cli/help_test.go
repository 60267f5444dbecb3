package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpTree is every command that help shows.
func helpTree() []*cobra.Command {
	root := newRootCommand(newFactory(Process{Getenv: func(string) string { return "" }, Environ: func() []string { return nil }}))
	var shown []*cobra.Command
	for cmd := range tree(root) {
		if !cmd.Hidden {
			shown = append(shown, cmd)
		}
	}
	return shown
}

// TestHelpFitsATerminal leaves out what cannot be broken, as an address.
func TestHelpFitsATerminal(t *testing.T) {
	for _, cmd := range helpTree() {
		var text bytes.Buffer
		cmd.SetOut(&text)
		help(cmd, nil)
		for line := range strings.Lines(text.String()) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > helpColumns && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s --help: a line of %d columns: %s", cmd.CommandPath(), utf8.RuneCountInString(line), line)
			}
		}
	}
}

// TestEveryExampleIsACommand has a shell read the examples of help, and our own
// commands what the shell makes of them.
func TestEveryExampleIsACommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the examples are for a POSIX shell, which Windows does not have")
	}
	bin := t.TempDir()
	const recorder = "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done >\"$(mktemp \"$RECORD/XXXXXX\")\"\n"
	for _, name := range []string{"kubectl", "kubectl-irsa"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(recorder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mktemp, err := exec.LookPath("mktemp")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mktemp, filepath.Join(bin, "mktemp")); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range helpTree() {
		// A line of a file, and cut.
		example := strings.NewReplacer("credential_process = /usr/local/bin/", "", " ...", "").Replace(dedent(cmd.Example))
		if example == "" {
			continue
		}
		t.Run(strings.TrimPrefix(cmd.CommandPath(), "kubectl irsa "), func(t *testing.T) {
			own := 0
			for _, args := range recorded(t, bin, example) {
				meant, err := understood(args)
				if err != nil {
					t.Errorf("kubectl irsa %q: %v", args, err)
				}
				if meant == cmd.CommandPath() {
					own++
				}
			}
			if own == 0 && works(cmd) {
				t.Errorf("no example of %s is one of it:\n%s", cmd.CommandPath(), example)
			}
		})
	}
}

// recorded are the arguments of each kubectl irsa that a script calls, wherever
// in a line it stands. No other program is there.
func recorded(t *testing.T, bin, script string) (calls [][]string) {
	t.Helper()
	record := t.TempDir()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), shell, "-c", script)
	run.Dir = t.TempDir()
	run.Env = []string{"PATH=" + bin, "RECORD=" + record, "HOME=" + run.Dir}
	out, _ := run.CombinedOutput() // of programs that are not there, and files
	if bytes.Contains(out, []byte("syntax error")) {
		t.Errorf("%s", out)
	}
	files, err := os.ReadDir(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		words, err := os.ReadFile(filepath.Join(record, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Split(strings.TrimSuffix(string(words), "\x00"), "\x00")
		if args[0] == "irsa" {
			args = args[1:]
		} else if args[0] == "apply" || args[0] == "logs" {
			continue // kubectl's own
		}
		calls = append(calls, args)
	}
	return calls
}

// understood is the command that a line means, where its flags and arguments are
// what it takes.
func understood(args []string) (string, error) {
	root := newRootCommand(newFactory(Process{Args: append([]string{"kubectl-irsa"}, args...), Getenv: func(string) string { return "" }}))
	cmd, rest, err := root.Find(args)
	if err != nil {
		return "", err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return "", err
	}
	return cmd.CommandPath(), cmd.ValidateArgs(cmd.Flags().Args())
}
