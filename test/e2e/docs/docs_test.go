//go:build e2e

package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// TestPagesPrintWhatTheyShow plays each page in a world of its own.
func TestPagesPrintWhatTheyShow(t *testing.T) {
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, path := range append([]string{root + "/README.md"}, pages...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(string(text))
		if len(p.commands()) == 0 {
			continue
		}
		played++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) { play(t, path, p) })
	}
	if played == 0 {
		t.Error("no page shows a command")
	}
}

func play(t *testing.T, path string, p page) {
	outputs := run(t, p)
	if os.Getenv("UPDATE") != "" {
		for _, i := range p.commands() {
			if alike(p.parts[i].output) == alike(outputs[i]) {
				outputs[i] = p.parts[i].output // another time of day is no news
			}
			if strings.HasPrefix(outputs[i], "error:") && p.parts[i].output != outputs[i] {
				t.Errorf("$ %sprints an error, which the page shows now:\n%s", p.parts[i].command, outputs[i])
			}
		}
		if err := os.WriteFile(path, []byte(p.with(outputs)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, i := range p.commands() {
		if d := cmp.Diff(alike(p.parts[i].output), alike(outputs[i])); d != "" {
			t.Errorf("$ %s(-shown +printed)\n%s", p.parts[i].command, d)
		}
	}
}

// mark separates the outputs of commands in the one stream of a page.
const mark = "\x1e--------\n"

// run plays the commands of a page, and gives what each printed by its index.
func run(t *testing.T, p page) map[int]string {
	t.Helper()
	outputs := map[int]string{}
	for world, options := range p.worlds {
		var at []int
		for _, i := range p.commands() {
			if p.parts[i].world == world {
				at = append(at, i)
			}
		}
		runWorld(t, p, options, at, outputs)
	}
	return outputs
}

// runWorld plays the commands at the given indexes as one shell in a fresh world.
func runWorld(t *testing.T, p page, options []string, at []int, outputs map[int]string) {
	t.Helper()
	script := &bytes.Buffer{}
	fmt.Fprintln(script, `cd "$HOME"`)
	for _, i := range at {
		fmt.Fprintf(script, "{ %s\n} 2>&1\nprintf '\\036--------\\n'\n", strings.TrimRight(p.parts[i].command, "\n"))
	}
	file := filepath.Join(t.TempDir(), "page.sh")
	if err := os.WriteFile(file, script.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := pluginDir(t)
	args := append(append([]string{"--plugin", bin}, options...), "--", "bash", file)
	cmd := exec.CommandContext(t.Context(), os.Getenv("IRSA_WORLD_BIN"), args...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "COLUMNS=100")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	pieces := strings.Split(string(out), mark)
	if len(pieces) != len(at)+1 {
		t.Fatalf("the world ended before the page did (%v):\n%s%s", err, out, stderr.Bytes())
	}
	for n, i := range at {
		outputs[i] = asShown(t, bin, pieces[n])
	}
}

// pluginDir is where kubectl-irsa lies: IRSA_PLUGIN_DIR, or what "make build" made.
func pluginDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("IRSA_PLUGIN_DIR")
	if dir == "" {
		dir = root + "/bin"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// asShown gives the paths and the user of this run the names that the pages use.
func asShown(t *testing.T, bin, output string) string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	output = worldDir.ReplaceAllString(output, "")
	if output = strings.TrimRight(output, "\n"); output != "" {
		output += "\n"
	}
	return strings.NewReplacer(
		"/home/.aws", "/home/ann/.aws", "/home/.kube", "/home/ann/.kube", "=/kubeconfig", "=/home/ann/.kube/config",
		bin+"/", "/usr/local/bin/",
		me.Username+"-shop-", "ann-shop-", me.Username+"-default-", "ann-default-",
	).Replace(output)
}

// worldDir is where a world keeps its files.
var worldDir = regexp.MustCompile(`[^\s="':]*/irsa-world-[0-9]+`)
