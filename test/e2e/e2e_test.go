//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubectl-irsa/kubectl-irsa/test/e2e/sdkprogram"
	"github.com/kubectl-irsa/kubectl-irsa/test/story"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sdkprogram": func() {
		if err := sdkprogram.Run(context.Background(), os.Stdout, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}})
}

// TestScripts plays the scripts that share this world.
func TestScripts(t *testing.T) {
	testscript.Run(t, parameters(inside.Here(t), scripts(t, "script")...))
}

// TestScriptsAlone plays, one after the other, the scripts that must have this
// world to themselves.
func TestScriptsAlone(t *testing.T) {
	testscript.RunT(oneByOne{t}, parameters(inside.Here(t), scripts(t, "alone")...))
}

// scriptVariable names the script that a world inside this one is made for.
const scriptVariable = "E2E_SCRIPT"

// TestScriptsInOtherWorlds plays each script in a world of the kind that its
// first line asks for.
func TestScriptsInOtherWorlds(t *testing.T) {
	if os.Getenv(scriptVariable) != "" {
		t.Skip("this is another world")
	}
	inside.Here(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts(t, "worlds") {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			args := append(worldOptions(t, script), "--", self, "-test.run=^TestScriptOfThisWorld$", "-test.v")
			cmd := exec.CommandContext(t.Context(), os.Getenv("IRSA_WORLD_BIN"), args...)
			cmd.Env = append(os.Environ(), scriptVariable+"="+script)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Errorf("the world %v: %v", args, err)
			}
			if !strings.Contains(string(out), "--- PASS: TestScriptOfThisWorld/") {
				t.Error("no script was played in it")
			}
		})
	}
}

// TestScriptOfThisWorld is what TestScriptsInOtherWorlds starts.
func TestScriptOfThisWorld(t *testing.T) {
	script := os.Getenv(scriptVariable)
	if script == "" {
		t.Skip("no world was made for one script: see TestScriptsInOtherWorlds")
	}
	testscript.Run(t, parameters(inside.Here(t), script))
}

func scripts(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts in testdata/%s: %v", folder, err)
	}
	for i, script := range found {
		if found[i], err = filepath.Abs(script); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// worldOptions are the options that the first line of a script asks for.
func worldOptions(t *testing.T, script string) []string {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	options, ok := strings.CutPrefix(first, "# world: ")
	if !ok {
		t.Fatalf("%s does not begin with \"# world: OPTIONS\"", script)
	}
	return strings.Fields(options)
}

// oneByOne is a testing.T whose parts do not run side by side.
type oneByOne struct{ *testing.T }

func (t oneByOne) Parallel()     {}
func (t oneByOne) Verbose() bool { return testing.Verbose() }
func (t oneByOne) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(oneByOne{t}) })
}

// stage is where one script plays.
type stage struct {
	inside.World
	dir  string
	mark inside.Mark
}

type stageKey struct{}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

func parameters(world inside.World, files ...string) testscript.Params {
	commands := story.Commands(func(ts *testscript.TestScript) story.Stage { return stageOf(ts) })
	commands["requests"], commands["control"], commands["same"] = requests, control, same
	return testscript.Params{
		Files:               files,
		Setup:               func(env *testscript.Env) error { return setUp(env, world) },
		Cmds:                commands,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
}

// setUp gives a script the environment of the world, with a HOME of its own.
func setUp(env *testscript.Env, world inside.World) error {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if !slices.Contains([]string{"HOME", "PATH", "TMPDIR", "PWD", "WORK"}, name) {
			env.Setenv(name, value)
		}
	}
	home := filepath.Join(env.WorkDir, "home")
	env.Setenv("HOME", home)
	mark, err := world.Mark()
	env.Values[stageKey{}] = &stage{World: world, dir: env.WorkDir, mark: mark}
	return errors.Join(err, os.MkdirAll(home, 0o700))
}

// Plain gives text with placeholders.
func (s *stage) Plain(text string) string {
	return story.Plain(text, s.dir, "$WORK", s.Dir, "$WORLD")
}

// Ran looks for tokens in what a program told people.
func (s *stage) Ran(argv []string, stdout, stderr string) error {
	if !story.PrintsSecrets(argv) {
		stderr += stdout
	}
	if found := story.Leak(stderr, nil); found != "" {
		return fmt.Errorf("a token is given away: %s", found)
	}
	return nil
}

// requests prints what the servers were asked since the last time.
//
//	requests kube|aws
func requests(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, 1, "requests kube|aws")
	s := stageOf(ts)
	aws, kube, _, err := s.Since(s.mark)
	ts.Check(err)
	var lines []string
	switch args[0] {
	case "kube":
		for _, e := range kube {
			lines = append(lines, fmt.Sprintf("%s %s %d", e.Verb, e.RequestURI, e.ResponseStatus.Code))
		}
	case "aws":
		for _, r := range aws {
			if r.ByServer() { // STS fetches an issuer's documents when it likes
				continue
			}
			line := fmt.Sprintf("%s %s%s %d", r.Method, r.Host, r.Path, r.Status)
			if r.Action != "" {
				line = fmt.Sprintf("%s %s %d", r.Host, r.Action, r.Status)
			}
			if r.Signed {
				line += " signed"
			}
			lines = append(lines, line)
		}
	default:
		ts.Fatalf("requests of kube or aws, not of %q", args[0])
	}
	slices.Sort(lines) // those that went out side by side are answered in any order
	for _, line := range lines {
		fmt.Fprintln(ts.Stdout(), s.Plain(line))
	}
	fmt.Fprint(ts.Stdout())
}

// control changes the world.
//
//	control VERB ARG...
//	control forget         requests are those from now on
func control(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 1, -1, "control VERB ARG...")
	s := stageOf(ts)
	if args[0] != "forget" {
		ts.Check(s.Control(args[0], args[1:]...))
		return
	}
	mark, err := s.Mark()
	ts.Check(err)
	s.mark = mark
}

// same compares files byte for byte, but for one newline at their ends.
//
//	same FILE FILE
func same(ts *testscript.TestScript, neg bool, args []string) {
	story.Arguments(ts, neg, args, 2, 2, "same FILE FILE")
	one, other := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if strings.TrimSuffix(one, "\n") != strings.TrimSuffix(other, "\n") {
		ts.Fatalf("%s and %s differ:\n%q\n%q", args[0], args[1], one, other)
	}
}
