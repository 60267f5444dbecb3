// Package workspace gives each world a directory of its own and removes those
// of worlds that ended without doing so.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const (
	prefix   = "irsa-world-"
	lockName = "lock"
)

// A Workspace is the directory of a living world. A lock on a file in it says
// that it lives; the kernel lets go of the lock when its process ends.
type Workspace struct {
	// Dir is its absolute path, readable by its owner only.
	Dir string

	lock *flock.Flock
}

// New makes a workspace below parent.
func New(parent string) (*Workspace, error) {
	// The sweep of another process must not see the directory before it is locked:
	// it is made and locked under a name that no sweep looks for.
	hidden, err := os.MkdirTemp(parent, "."+prefix)
	if err != nil {
		return nil, fmt.Errorf("making a directory for the world: %w", err)
	}
	lock := flock.New(filepath.Join(hidden, lockName))
	if err := lock.Lock(); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the world's directory: %w", err), os.RemoveAll(hidden))
	}
	dir := filepath.Join(parent, strings.TrimPrefix(filepath.Base(hidden), "."))
	if err := os.Rename(hidden, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("naming the world's directory: %w", err), lock.Close(), os.RemoveAll(hidden))
	}
	return &Workspace{Dir: dir, lock: lock}, nil
}

// Remove deletes the workspace with everything in it.
func (w *Workspace) Remove() error {
	err := os.RemoveAll(w.Dir)
	return errors.Join(err, w.lock.Close())
}

// Sweep deletes the workspaces below parent whose worlds are gone and returns
// their paths. What belongs to somebody else, or lives, it leaves alone.
func Sweep(parent string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("looking for worlds left over: %w", err)
	}
	var removed []string
	var failed []error
	for _, dir := range found {
		lock := flock.New(filepath.Join(dir, lockName), flock.SetFlag(os.O_RDWR))
		if free, err := lock.TryLock(); err != nil || !free {
			continue
		}
		if err := errors.Join(os.RemoveAll(dir), lock.Close()); err != nil {
			failed = append(failed, fmt.Errorf("removing %s, left over by a world: %w", dir, err))
			continue
		}
		removed = append(removed, dir)
	}
	return removed, errors.Join(failed...)
}
