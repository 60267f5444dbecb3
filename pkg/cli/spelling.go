package cli

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

// pinnedPath is a path as a profile can say it: absolute, and on Windows by its short
// name where the long one needs quotes (C:\Users\Ann Smith), which not every
// reader of credential_process passes on.
func pinnedPath(path string) string { return speltFor(runtime.GOOS, absolute(path), shortPath) }

// speltFor is path, or its short name where a credential_process cannot hold
// path itself. A path that has no short name stays: writing it says why it cannot be.
func speltFor(goos, path string, short func(string) (string, error)) string {
	if writable(goos, path) {
		return path
	}
	if other, err := short(path); err == nil {
		return other
	}
	return path
}

// writable reports whether a credential_process can hold a path, as a program
// and as an argument.
func writable(goos, path string) bool {
	_, err := awsconfig.CommandLine(goos, []string{path, "x"})
	return err == nil
}

// pinnedBinary is the program's path as a profile can say it, else its bare name
// where PATH leads to the same file.
func pinnedBinary(goos, path string, short func(string) (string, error)) string {
	path = speltFor(goos, path, short)
	name := strings.TrimSuffix(filepath.Base(path), ".exe")
	if found, err := exec.LookPath(name); !writable(goos, path) && err == nil && sameFile(found, path) {
		return name
	}
	return path
}

// absolute is path from this folder on; "" is none, not even this one.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
