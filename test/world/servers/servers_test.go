package servers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFingerprintChangesWithWhatProgramsAreMadeFrom(t *testing.T) {
	module := func(mod, sum string) string {
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": mod, "go.sum": sum} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	seen := map[string]string{}
	for name, tc := range map[string]struct {
		dir   string
		words []string
	}{
		"as it is":                {module("m", "s"), []string{"go1.26", "-s -w"}},
		"another go.mod":          {module("n", "s"), []string{"go1.26", "-s -w"}},
		"another go.sum":          {module("m", "t"), []string{"go1.26", "-s -w"}},
		"another Go":              {module("m", "s"), []string{"go1.27", "-s -w"}},
		"other flags":             {module("m", "s"), []string{"go1.26", "-s"}},
		"words divided elsewhere": {module("m", "s"), []string{"go1.26 -s", "-w"}},
		"files divided elsewhere": {module("ms", ""), []string{"go1.26", "-s -w"}},
	} {
		hash, err := fingerprint(tc.dir, tc.words...)
		if err != nil {
			t.Fatal(err)
		}
		if other, same := seen[hash]; same {
			t.Errorf("%q and %q have the same fingerprint", name, other)
		}
		seen[hash] = name
	}
	again, err := fingerprint(module("m", "s"), "go1.26", "-s -w")
	if err != nil || seen[again] != "as it is" {
		t.Errorf("the same sources have another fingerprint: %s, %v", again, err)
	}
	if _, err := fingerprint(t.TempDir()); err == nil {
		t.Error("no sources, and no error")
	}
}

// The version that the API server is stamped with is not taken from its go.mod
// by the compiler.
func TestVersionIsTheOneThatIsPinned(t *testing.T) {
	root, err := source()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "kubernetes", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "k8s.io/kubernetes "+Version+" ") {
		t.Errorf("go.mod pins another version than %s", Version)
	}
}

func TestProgressCountsPackagesAndKeepsComplaints(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "etcd")
	for _, chunk := range []string{"internal/goarch\nunico", "de/utf8\n", "# go.etcd.io/etcd\n./main.go:3:1: syntax error\n", "os\n"} {
		if _, err := p.Write([]byte(chunk)); err != nil {
			t.Fatal(err)
		}
	}
	p.stop()
	if got := p.count(); got != 3 {
		t.Errorf("%d packages", got)
	}
	if diff := cmp.Diff("# go.etcd.io/etcd\n./main.go:3:1: syntax error", p.complaints()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("world: building etcd, once; it stays in the cache\nworld: etcd took 0s\n", out.String()); diff != "" {
		t.Error(diff)
	}
}
