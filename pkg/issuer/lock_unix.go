//go:build unix

package issuer

import (
	"os"

	"github.com/gofrs/flock"
)

// lockDir waits until nobody else publishes to a directory. The directory itself is
// what is locked: a web server shows whatever stands in it.
func lockDir(dir string) (unlock func(), err error) {
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	return func() { _ = lock.Unlock() }, lock.Lock()
}
