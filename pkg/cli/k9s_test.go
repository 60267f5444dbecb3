package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// k9sPlugin is a plugin by the schema of K9s: k9s/internal/config/json/schemas.
type k9sPlugin struct {
	ShortCut        string   `json:"shortCut"`
	Override        bool     `json:"override"`
	Description     string   `json:"description"`
	Confirm         bool     `json:"confirm"`
	Dangerous       bool     `json:"dangerous"`
	Scopes          []string `json:"scopes"`
	Command         string   `json:"command"`
	Background      bool     `json:"background"`
	OverwriteOutput bool     `json:"overwriteOutput"`
	Args            []string `json:"args"`
}

// k9sFile has one key, and K9s refuses others.
type k9sFile struct {
	Plugins map[string]k9sPlugin `json:"plugins"`
}

func k9sPlugins(t *testing.T) map[string]k9sPlugin {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "plugins.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file k9sFile
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Plugins
}

func TestTheK9sPluginsKeepItsRules(t *testing.T) {
	plugins := k9sPlugins(t)
	if len(plugins) != 3 {
		t.Errorf("%d plugins", len(plugins))
	}
	// Keys that the views of ServiceAccounts and Pods have a use for already.
	taken := []string{"Shift-J", "Shift-N", "Shift-A", "Shift-S", "Shift-O", "Shift-F", "Shift-K"}
	key := regexp.MustCompile(`^(Shift|Ctrl)-[A-Z]$`)
	used := map[string]string{}
	for name, p := range plugins {
		if p.ShortCut == "" || p.Description == "" || p.Command == "" || len(p.Scopes) == 0 {
			t.Errorf("%s lacks a shortCut, a description, scopes or a command", name)
		}
		if !key.MatchString(p.ShortCut) || slices.Contains(taken, p.ShortCut) {
			t.Errorf("%s has the key %s", name, p.ShortCut)
		}
		for _, scope := range p.Scopes {
			if other := used[scope+p.ShortCut]; other != "" {
				t.Errorf("%s and %s are both %s in %s", name, other, p.ShortCut, scope)
			}
			used[scope+p.ShortCut] = name
		}
		// What writes files asks first, and is hidden where K9s is read-only.
		if strings.Contains(name, "login") && (!p.Confirm || !p.Dangerous) {
			t.Errorf("%s neither asks nor is called dangerous", name)
		}
	}
}

// k9sSays is a word of args with what K9s puts in for names that it knows; it
// leaves the others, as $1, alone.
func k9sSays(arg string, row map[string]string) string {
	return regexp.MustCompile(`\$[\w-]+`).ReplaceAllStringFunc(arg, func(name string) string {
		if value, ok := row[name[1:]]; ok {
			return value
		}
		return name
	})
}

// TestTheK9sPluginsRunCommandsThatExist runs what K9s would, with a kubectl that
// says what it was given, and has our own commands read it.
func TestTheK9sPluginsRunCommandsThatExist(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the plugins want a POSIX shell, which Windows does not have")
	}
	row := map[string]string{
		"NAME": "cart", "NAMESPACE": "shop",
		"CONTEXT": `arn:aws:eks:us-east-1:1:cluster/it's "$(touch gone)" ; $HOME`,
	}
	context := []string{"--namespace", "shop", "--context", row["CONTEXT"]}
	want := map[string][]string{
		"irsa-inspect-sa":  append([]string{"irsa", "inspect", "sa", "cart"}, context...),
		"irsa-inspect-pod": append([]string{"irsa", "inspect", "pod", "cart"}, context...),
		"irsa-login-sa":    append([]string{"irsa", "login", "cart"}, context...),
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n"
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for name, p := range k9sPlugins(t) {
		var args []string
		for _, arg := range p.Args {
			args = append(args, k9sSays(arg, row))
		}
		if p.Command == "kubectl" {
			p.Command = filepath.Join(dir, "kubectl")
		}
		cmd := exec.CommandContext(t.Context(), p.Command, args...)
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "PAGER=cat"}
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		got[name] = strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%s: the name of a context was run: %v, %v", name, left, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	for name, args := range got {
		root := newRootCommand(newFactory(Process{Getenv: func(string) string { return "" }, Environ: func() []string { return nil }}))
		cmd, rest, err := root.Find(args[1:])
		if err != nil || !cmd.Runnable() || cmd.HasSubCommands() {
			t.Errorf("%s: there is no command %v: %v", name, args, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if value := cmd.Flag("context").Value.String(); value != row["CONTEXT"] {
			t.Errorf("%s: the context is %q", name, value)
		}
	}
}
