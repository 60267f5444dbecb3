package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPagesAreWhatTheCommandsSay fails when a help text changed and docs/cli did not.
func TestPagesAreWhatTheCommandsSay(t *testing.T) {
	if d := cmp.Diff(read(t, filepath.Join("..", "cli")), pages()); d != "" {
		t.Errorf("docs/cli is stale, run make generate (-there +help):\n%s", d)
	}
}

func TestWriteRemovesThePagesOfCommandsThatAreGone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cli")
	if err := write(folder, map[string]string{"old.md": "old", "login.md": "before"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"login.md": "after"}
	if err := write(folder, want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, read(t, folder)); d != "" {
		t.Error(d)
	}
}

func TestNoPageNamesTheHomeOfWhoeverMadeIt(t *testing.T) {
	dir, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pages() {
		if strings.Contains(text, dir+"/") {
			t.Errorf("%s names %s", name, dir)
		}
	}
}

func read(t *testing.T, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return files
}
