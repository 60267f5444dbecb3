package login

import (
	"os"
	"os/exec"
	"path/filepath"
)

// StableBinary is the path under which this program will still be found after
// an upgrade: the one on PATH where it is the same file, else the one it was
// called by. krew runs plugins through a link to a folder named for their
// version, and removes that folder when it upgrades. stable is false where only
// the file's own path is left.
func StableBinary(argv0 string) (path string, stable bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", false, err
	}
	named := filepath.Base(self)
	if found, err := exec.LookPath(named); err == nil && sameFile(found, self) {
		if path, err = filepath.Abs(found); err == nil {
			return path, true, nil
		}
	}
	if filepath.Base(argv0) != argv0 && sameFile(argv0, self) {
		if path, err = filepath.Abs(argv0); err == nil {
			return path, true, nil
		}
	}
	return self, false, nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
