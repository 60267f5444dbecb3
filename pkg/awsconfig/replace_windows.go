package awsconfig

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// isBusy tells whether another program has a file open, or Windows has not yet
// removed it.
func isBusy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

func isMountPoint(err error) bool { return errors.Is(err, windows.ERROR_NOT_SAME_DEVICE) }

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

// checkOwner and keepOwner have nothing to do: a new file inherits the access
// rights of its directory, as the old one did.
func checkOwner(fs.FileInfo) error { return nil }

// writableDir leaves it to the write: access rights are not told by a mode.
func writableDir(string) error { return nil }

func keepOwner(_ *os.File, like fs.FileInfo) (fs.FileMode, error) { return like.Mode().Perm(), nil }

// syncDir has nothing to do: NTFS logs the rename.
func syncDir(string) error { return nil }
