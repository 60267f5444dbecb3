//go:build unix

package login

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

// A file that others may read is told before keys are put into it.
func TestAFileThatOthersReadIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		mode  fs.FileMode
		login Mode
		goos  string
		want  bool
	}{
		"its owner's alone":        {0o600, Static, "linux", false},
		"a group reads it":         {0o640, Static, "linux", true},
		"everybody reads it":       {0o644, Static, "linux", true},
		"a process needs no keys":  {0o644, Process, "linux", false},
		"Windows has other rights": {0o644, Static, "windows", false},
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tc.mode); err != nil {
			t.Fatal(err)
		}
		l := &Login{Mode: tc.login, GOOS: tc.goos, ConfigPath: path}
		if got := l.exposed(); (len(got) > 0) != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestATokenIsItsOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokens")
	l := &Login{Profile: "a", TokenDir: dir}
	path, err := l.keepToken(creds.Session{})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]fs.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(at)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", at, info.Mode(), err)
		}
	}
}
