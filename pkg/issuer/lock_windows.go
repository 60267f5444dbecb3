package issuer

import (
	"context"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockDir waits until nobody else publishes to a directory. Windows locks files only:
// the last who had this one open removes it.
func lockDir(ctx context.Context, dir string) (unlock func(), err error) {
	path := filepath.Join(dir, ".kubectl-irsa.lock")
	lock := flock.New(path)
	return func() {
		_ = lock.Unlock()
		_ = os.Remove(path)
	}, take(ctx, lock)
}
