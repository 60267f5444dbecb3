package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAPathIsSpeltSoThatAProfileCanHoldIt(t *testing.T) {
	short := func(path string) (string, error) {
		if path != `C:\Users\Ann Smith\.kube\config` {
			return "", errors.New("no such file")
		}
		return `C:\Users\ANNSMI~1\.kube\config`, nil
	}
	for name, tc := range map[string]struct{ goos, path, want string }{
		"a plain one stays":              {"windows", `C:\Users\ann\.kube\config`, `C:\Users\ann\.kube\config`},
		"a blank needs the short name":   {"windows", `C:\Users\Ann Smith\.kube\config`, `C:\Users\ANNSMI~1\.kube\config`},
		"one without a short name stays": {"windows", `C:\Users\Bob Jones\.kube\config`, `C:\Users\Bob Jones\.kube\config`},
		"elsewhere quotes do":            {"linux", "/home/ann smith/.kube/config", "/home/ann smith/.kube/config"},
	} {
		if got := speltFor(tc.goos, tc.path, short); got != tc.want {
			t.Errorf("%s: %s, not %s", name, got, tc.want)
		}
	}
}

func TestAProgramThatCannotBeSpeltIsCalledByItsName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a b")
	program := filepath.Join(folder, "kubectl-irsa")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(program, nil, 0o700)); err != nil {
		t.Fatal(err)
	}
	none := func(string) (string, error) { return "", errors.New("no short names here") }
	t.Setenv("PATH", "")
	if got := pinnedBinary("windows", program, none); got != program {
		t.Errorf("%s off PATH, not %s", got, program)
	}
	t.Setenv("PATH", folder)
	t.Setenv("PATHEXT", "") // on Windows the file has no extension that makes it a program
	if got := pinnedBinary("windows", program, none); got != "kubectl-irsa" {
		t.Errorf("%s on PATH", got)
	}
	if got := pinnedBinary("linux", program, none); got != program {
		t.Errorf("%s where quotes do", got)
	}
}
