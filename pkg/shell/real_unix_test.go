//go:build unix

package shell_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// awkward are values that a careless quoting changes.
var awkward = map[string]string{
	"a session token":           "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJ+/a+b==",
	"nothing":                   "",
	"blanks at both ends":       "  a  b  ",
	"a quote":                   "it's",
	"quotes only":               "'''",
	"quotes at both ends":       "'a'",
	"double quotes":             `say "a"`,
	"backslashes":               `a\b\\c\n\`,
	"a backslash and a quote":   `\'`,
	"what a shell would run":    "$(touch pwned)`touch pwned`; touch pwned & | > pwned",
	"what a shell would fill":   "$HOME ${HOME} ~ * ? [a] {a,b} !! !x %PATH%",
	"new lines":                 "a\nb\n\nc\n",
	"a tab and a carriage":      "a\tb\rc",
	"a comment":                 "# a",
	"other alphabets":           "ключ 鍵 \u2018\u2019",
	"a context of a kubeconfig": "arn:aws:eks:eu-west-1:111122223333:cluster/a@b c",
}

// TestRealShellsReadWhatWasMeant evaluates the text in each shell that is
// installed and reads the variable from the environment of a program it starts.
func TestRealShellsReadWhatWasMeant(t *testing.T) {
	t.Parallel()
	shells := map[string]struct {
		kind     shell.Kind
		argv     []string
		required bool
	}{
		"sh":             {shell.Bash, []string{"sh"}, true},
		"bash":           {shell.Bash, []string{"bash", "--norc"}, false},
		"dash":           {shell.Bash, []string{"dash"}, false},
		"ksh":            {shell.Bash, []string{"ksh"}, false},
		"zsh":            {shell.Zsh, []string{"zsh", "-f"}, false},
		"zsh with quirk": {shell.Zsh, []string{"zsh", "-f", "-o", "rcquotes", "-o", "banghist", "-o", "extendedglob"}, false},
		"fish":           {shell.Fish, []string{"fish", "--no-config"}, false},
	}
	for name, sh := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(sh.argv[0]); err != nil {
				if sh.required {
					t.Fatal(err)
				}
				t.Skipf("%s is not installed: the tables of TestText hold its quoting", sh.argv[0])
			}
			for about, value := range awkward {
				t.Run(about, func(t *testing.T) {
					t.Parallel()
					got, set := evaluate(t, sh.kind, sh.argv, value)
					if diff := cmp.Diff([]any{value, true}, []any{got, set}); diff != "" {
						t.Errorf("value as the shell has it (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

// evaluate runs the changes in a shell and gives what its children see.
func evaluate(t *testing.T, kind shell.Kind, argv []string, value string) (string, bool) {
	t.Helper()
	text, err := kind.Text([]shell.Change{
		shell.Unset("ABSENT"), shell.Unset("RIVAL"), shell.Set("VALUE", "before"), shell.Set("VALUE", value),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), argv[0], append(argv[1:], "-c", text+"exec "+os.Args[0])...)
	child.Dir = dir
	child.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "RIVAL=there", dumpVariable + "=" + filepath.Join(dir, "dump")}
	if out, err := child.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%s: %v\n%s", argv[0], err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("the shell ran what the value holds")
	}
	dump, err := os.ReadFile(filepath.Join(dir, "dump"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dump.rival")); err == nil {
		t.Error("the rival was not taken away")
	}
	_, err = os.Stat(filepath.Join(dir, "dump.unset"))
	return string(dump), err != nil
}

// dumpVariable turns this test's own binary into a program that writes down
// what it finds in its environment.
const dumpVariable = "SHELL_TEST_DUMP"

func init() {
	path := os.Getenv(dumpVariable)
	if path == "" {
		return
	}
	value, set := os.LookupEnv("VALUE")
	write := func(suffix, text string) {
		if err := os.WriteFile(path+suffix, []byte(text), 0o600); err != nil {
			os.Exit(1)
		}
	}
	write("", value)
	if !set {
		write(".unset", "")
	}
	if _, there := os.LookupEnv("RIVAL"); there {
		write(".rival", "")
	}
	os.Exit(0)
}

// TestFishKeepsItsUniversalVariables takes away, twice, what a later session has a
// value of its own for.
func TestFishKeepsItsUniversalVariables(t *testing.T) {
	t.Parallel()
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("fish is not installed: the tables of TestText hold what is written for it")
	}
	text, err := shell.Fish.Text([]shell.Change{shell.Set("VALUE", "ours"), shell.Unset("VALUE"), shell.Unset("VALUE")})
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	var said []string
	for _, script := range []string{"set -Ux VALUE mine", text, "echo $VALUE"} {
		child := exec.CommandContext(t.Context(), fish, "-c", script)
		child.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said = append(said, string(out))
	}
	stays := "VALUE is universal and stays: set -eU VALUE\n"
	if diff := cmp.Diff([]string{"", stays + stays, "mine\n"}, said); diff != "" {
		t.Errorf("what fish said (-want +got):\n%s", diff)
	}
}
