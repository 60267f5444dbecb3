package awsconfig

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// rename replaces to. While another program has the file open, Windows refuses:
// readers of a configuration file are short, so it tries for a second.
func rename(from, to string) error {
	const tries, pause = 50, 20 * time.Millisecond
	var err error
	for range tries {
		err = os.Rename(from, to)
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(pause)
	}
	return err
}

func isMountPoint(err error) bool { return errors.Is(err, windows.ERROR_NOT_SAME_DEVICE) }

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

// checkOwner and keepOwner have nothing to do: a new file inherits the access
// rights of its directory, as the old one did.
func checkOwner(fs.FileInfo) error { return nil }

func keepOwner(_ *os.File, like fs.FileInfo) (fs.FileMode, error) { return like.Mode().Perm(), nil }

// syncDir has nothing to do: NTFS logs the rename.
func syncDir(string) error { return nil }
