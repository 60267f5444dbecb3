package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// openManifests finds the files that -f names; done removes what was put aside.
func openManifests(names []string, recursive bool, in io.Reader) (sources []manifest, done func(), err error) {
	var remove []string
	removeAll := func() {
		for _, path := range remove {
			_ = os.Remove(path)
		}
	}
	defer func() {
		if err != nil {
			removeAll()
		}
	}()
	for _, name := range names {
		if name == "-" {
			copied, err := putAside(in)
			if copied != "" {
				remove = append(remove, copied)
			}
			if err != nil {
				return nil, nil, err
			}
			sources = append(sources, file("standard input", copied))
			in = strings.NewReader("")
			continue
		}
		paths, err := manifestPaths(name, recursive)
		if err != nil {
			return nil, nil, err
		}
		for _, path := range paths {
			sources = append(sources, file(path, path))
		}
	}
	return sources, removeAll, nil
}

func file(name, path string) manifest {
	return manifest{name, func() (io.ReadCloser, error) { return os.Open(path) }}
}

// putAside copies the standard input to a file that only this user can read, so
// that it can be read twice without being held in memory.
func putAside(in io.Reader) (string, error) {
	aside, err := os.CreateTemp("", "kubectl-irsa-inject-*")
	if err != nil {
		return "", fmt.Errorf("putting the standard input aside: %w", err)
	}
	_, err = io.Copy(aside, in)
	if closeErr := aside.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return aside.Name(), fmt.Errorf("putting the standard input aside: %w", err)
	}
	return aside.Name(), nil
}

// manifestPaths are a file, or the files of a folder that kubectl would read.
func manifestPaths(name string, recursive bool) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var paths []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != name && !recursive:
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)):
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("no .yaml, .yml or .json in %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return paths, nil
}
