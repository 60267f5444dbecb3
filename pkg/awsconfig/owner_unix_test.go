//go:build unix

package awsconfig

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const nobody = 65534

// ordinary makes cmd run as a user that permissions apply to, and returns that
// user. It starts a copy of the program: the original is for its owner alone.
func ordinary(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if os.Geteuid() != 0 {
		return os.Geteuid()
	}
	program := filepath.Join(t.TempDir(), "program")
	for _, dir := range []string{filepath.Dir(program), filepath.Dir(filepath.Dir(program))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	from, err := os.Open(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	cmd.Path = program
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return nobody
}

// An edit and its rehearsal refuse alike; only an edit meets its lock.
func TestEditNeedsRightsAndSaysWhich(t *testing.T) {
	tests := map[string]struct {
		file, dir os.FileMode
		foreign   bool // the file and the directory belong to root
		want      string
	}{
		"a file that is write-protected": {
			file: 0o400, dir: 0o700,
			want: "changing PATH: it is write-protected (mode 0400); chmod u+w makes it writable",
		},
		"a directory that is write-protected": {
			file: 0o600, dir: 0o500,
			want: "changing PATH: locking it: open DIR/.config.kubectl-irsa.lock: permission denied; the directory DIR must be writable for you, because the file is replaced as a whole",
		},
		"a file of another user in a directory for all": {
			file: 0o666, dir: 0o777, foreign: true,
			want: "changing PATH: it belongs to another user (uid 0, you are 65534)",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.foreign && os.Geteuid() != 0 {
				t.Skip("only root can make a file that belongs to another user")
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "config")
			writeFile(t, path, []byte("[default]\n"))
			cmd, rehearsal := newChild(t, "login", path, "p"), newChild(t, "rehearse", path, "p")
			user := ordinary(t, cmd)
			ordinary(t, rehearsal)
			for name, mode := range map[string]os.FileMode{path: tc.file, dir: tc.dir} {
				if err := os.Chmod(name, mode); err != nil {
					t.Fatal(err)
				}
				if user != os.Geteuid() && !tc.foreign {
					if err := os.Chown(name, user, user); err != nil {
						t.Fatal(err)
					}
				}
			}
			want := strings.NewReplacer("PATH", path, "DIR", dir).Replace(tc.want)
			if diff := cmp.Diff(want, output(t, cmd)); diff != "" {
				t.Error(diff)
			}
			want = strings.Replace(want, "locking it: open "+dir+"/.config.kubectl-irsa.lock: ", "", 1)
			if diff := cmp.Diff(want, output(t, rehearsal)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff("[default]\n", string(readFile(t, path))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"config"}, entries(t, dir)); diff != "" {
				t.Error(diff)
			}
			_ = os.Chmod(dir, 0o700)
		})
	}
}

func TestRootKeepsTheOwnerOfAFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can replace the file of another user")
	}
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, []byte("[default]\n"))
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := Edit(t.Context(), path, setProfile("p", Setting{"region", "x"})); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != nobody || stat.Gid != nobody || info.Mode() != 0o600 {
		t.Errorf("owner %d:%d, mode %v", stat.Uid, stat.Gid, info.Mode())
	}
}
