package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSweep(t *testing.T) {
	parent := t.TempDir()
	living, err := New(parent)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := New(parent)
	if err != nil {
		t.Fatal(err)
	}
	// What the kernel does when the process of a world ends.
	if err := dead.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead.Dir, "kubeconfig"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"irsa-world-notours", "unrelated"} {
		if err := os.Mkdir(filepath.Join(parent, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Sweep(parent)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dead.Dir}, removed); diff != "" {
		t.Error(diff)
	}
	for path, there := range map[string]bool{
		living.Dir: true, dead.Dir: false,
		filepath.Join(parent, "irsa-world-notours"): true, filepath.Join(parent, "unrelated"): true,
	} {
		if _, err := os.Stat(path); there != (err == nil) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestRemove(t *testing.T) {
	parent := t.TempDir()
	space, err := New(parent)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(space.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if err := space.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(space.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left over: %v (%v)", left, err)
	}
}
