package login

import (
	"os"
	"os/exec"
	"path/filepath"
)

// StableBinary is the path under which this program will still be found after
// an upgrade: the one on PATH where it is the same file, else krew's link to it,
// else the one it was called by. krew runs plugins through a link to a folder
// named for their version, and removes that folder when it upgrades. argv0 is
// what the program was called by. stable is false where only the file's own path
// is left, or one in such a folder.
func StableBinary(argv0 string) (path string, stable bool, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", false, err
	}
	for _, name := range []string{filepath.Base(self), filepath.Base(argv0)} {
		found, err := exec.LookPath(name)
		if err != nil || !sameFile(found, self) {
			continue
		}
		if path, err = filepath.Abs(found); err == nil && krewLink(path) == "" {
			return path, true, nil
		}
	}
	for _, called := range []string{argv0, self} {
		if called, err = filepath.Abs(called); err != nil {
			continue
		}
		if link := krewLink(called); link != "" && sameFile(link, self) {
			return link, true, nil
		}
	}
	if filepath.Base(argv0) != argv0 && sameFile(argv0, self) {
		if path, err = filepath.Abs(argv0); err == nil {
			return path, krewLink(path) == "", nil
		}
	}
	return self, false, nil
}

// krewLink is where krew links to a program in its store, by its layout
// ROOT/store/PLUGIN/VERSION/PROGRAM and ROOT/bin/PROGRAM; empty for a program
// that is not in such a place.
func krewLink(program string) string {
	version := filepath.Dir(program)
	store := filepath.Dir(filepath.Dir(version))
	if filepath.Base(store) != "store" || filepath.Base(filepath.Dir(version)) != "irsa" {
		return ""
	}
	return filepath.Join(filepath.Dir(store), "bin", filepath.Base(program))
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
