package control

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	dir, err := os.MkdirTemp("", "c") // t.TempDir's name is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	listener, err := Listen(path, func(r Request) (string, error) {
		if r.Verb == "fail" {
			return "", errors.New("cannot " + strings.Join(r.Args, " "))
		}
		return r.Verb + "ed " + strings.Join(r.Args, " "), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
		t.Errorf("others may connect: %v, %v", info.Mode(), err)
	}
	if out, err := Ask(path, "restart", "aws", "now"); err != nil || out != "restarted aws now" {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := Ask(path, "fail", "at", "this"); err == nil || err.Error() != "cannot at this" {
		t.Errorf("got %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(path, "restart"); err == nil || !strings.HasPrefix(err.Error(), "asking the world to restart: ") {
		t.Errorf("a world that is gone: %v", err)
	}
}
