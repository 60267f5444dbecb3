package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Everything we put beside the configuration file starts with this, after a dot
// and the file's name, and is gone when we are done.
const mark = ".kubectl-irsa"

// beside returns the name of a file of ours in target's directory.
func beside(target, suffix string) string {
	return filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+mark+suffix)
}

// fileLock is an exclusive lock on a file of our own: the configuration file
// itself is replaced, so that a lock on it would hold for the old one. The lock
// file is removed with the lock; whoever gets a lock on a file that is no longer
// there tries again.
type fileLock struct{ flock *flock.Flock }

// acquire waits for the lock until ctx is done, and creates the directory, for
// its owner alone, when it is missing.
func acquire(ctx context.Context, target string) (fileLock, error) {
	const pause = 5 * time.Millisecond
	path := beside(target, ".lock")
	for {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fileLock{}, err
		}
		lock := fileLock{flock.New(path)}
		_, err := lock.flock.TryLockContext(ctx, pause)
		switch {
		case ctx.Err() != nil:
			_ = lock.flock.Unlock()
			return fileLock{}, fmt.Errorf("waiting for another login to finish with it: %w", context.Cause(ctx))
		case errors.Is(err, fs.ErrNotExist):
			continue // the directory went away: its creator had nothing to write
		case err != nil && isBusy(err) && exists(path):
			// A lock file that is being deleted cannot be opened.
			if err := sleep(ctx, pause); err != nil {
				return fileLock{}, err
			}
			continue
		case err != nil:
			return fileLock{}, fmt.Errorf("locking it: %w", err)
		}
		held, err := lock.flock.Stat()
		if err != nil {
			_ = lock.flock.Unlock()
			return fileLock{}, fmt.Errorf("locking it: %w", err)
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(held, there) {
			return lock, nil
		}
		_ = lock.flock.Unlock()
	}
}

// release removes the lock file while it is locked. Windows does not remove a
// file that is open, nor one that the next holder has opened already.
func (l fileLock) release() {
	if runtime.GOOS == "windows" {
		_ = l.flock.Unlock()
		_ = os.Remove(l.flock.Path())
		return
	}
	_ = os.Remove(l.flock.Path())
	_ = l.flock.Unlock()
}

// sweep removes what killed runs have left. Under the lock no other run of ours
// has a temporary file here.
func sweep(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return
	}
	prefix := filepath.Base(beside(target, "-"))
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) && strings.HasSuffix(entry.Name(), ".tmp") {
			_ = os.Remove(filepath.Join(filepath.Dir(target), entry.Name()))
		}
	}
}

// exists takes a file that cannot be looked at, since it is being deleted, for
// one that is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil || isBusy(err)
}

func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pause):
		return nil
	}
}
