package creds

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
)

// tempPrefix begins the name of a file that WritePrivate has not yet renamed.
const tempPrefix = ".new-"

// abandoned is the age at which a file that is being written is one that a
// killed run has left: writing takes milliseconds.
const abandoned = time.Minute

// Sweep removes what serves nobody any more: sessions that have ended, and the
// files, with secrets in them, that killed runs left half written.
func (c Cache) Sweep() error {
	now := c.Now()
	return errors.Join(
		SweepTemps(c.Dir, now),
		c.Forget(func(k Kept) bool { return !k.Expiration.After(now) }),
	)
}

// SweepTemps removes what WritePrivate began to write in a folder and never
// finished, and refusals that have been told: nobody is at work on a file that is
// a minute old. A folder that is not there, or named "", is empty.
func SweepTemps(dir string, now time.Time) error {
	if dir == "" {
		return nil
	}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), tempPrefix) && !strings.HasSuffix(file.Name(), refusalSuffix) {
			continue
		}
		if info, err := file.Info(); err != nil || info.ModTime().After(now.Add(-abandoned)) {
			continue // gone, or another run's that is at work
		}
		if err := awsconfig.Remove(filepath.Join(dir, file.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
