//go:build unix

package issuer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// lockDir waits until nobody else publishes to a directory. The directory itself is
// what is locked: a web server shows whatever stands in it. NFS locks only what can be
// opened for writing, a file beside the documents, which stays.
// https://man7.org/linux/man-pages/man2/flock.2.html#NOTES
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	if err = take(ctx, lock); errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EBADF) {
		lock = flock.New(filepath.Join(dir, ".kubectl-irsa.lock"))
		err = take(ctx, lock)
	}
	return func() { _ = lock.Unlock() }, err
}
