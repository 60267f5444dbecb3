package login_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// whereVariable makes this test binary say what StableBinary gives, and nothing
// else: TestStableBinary runs copies of it.
const whereVariable = "IRSA_TEST_WHERE"

func TestStableBinary(t *testing.T) {
	if os.Getenv(whereVariable) != "" {
		path, stable, err := login.StableBinary(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("answer: %s %t", path, stable)
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows that a test may not have")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	place := func(name string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	store, bin := place("krew/store/irsa/v0.1.0/kubectl-irsa"), place("krew/bin/kubectl-irsa")
	plain, renamed := place("plain/kubectl-irsa"), place("renamed/kubectl-irsa")
	if err := os.Link(self, store); err != nil { // another file system has no such links
		content, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(store, content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{bin: "../store/irsa/v0.1.0/kubectl-irsa", renamed: self} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(plain, []byte("another program"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ argv0, path, want string }{
		"krew's link on PATH":                     {bin, filepath.Dir(bin), bin + " true"},
		"the file in the store, the link on PATH": {store, filepath.Dir(bin), bin + " true"},
		"the file in the store, nothing on PATH":  {store, "", bin + " true"},
		"the link, and nothing on PATH":           {bin, "", bin + " true"},
		"the link, and another program on PATH":   {bin, filepath.Dir(plain), bin + " true"},
		"the folder of the version on PATH":       {store, filepath.Dir(store), bin + " true"},
		"a link of another name on PATH":          {renamed, filepath.Dir(renamed), renamed + " true"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), tc.argv0, "-test.run=^TestStableBinary$", "-test.v")
			cmd.Env = append(os.Environ(), whereVariable+"=1", "PATH="+tc.path)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "answer: "+tc.want+"\n") {
				t.Errorf("got %v\n%s\nwant %s", err, out, tc.want)
			}
		})
	}
}
