//go:build unix

package awsconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// isBusy is never so: here a file may be replaced while it is open.
func isBusy(error) bool { return false }

// isMountPoint tells whether a rename failed because the target is a mount.
func isMountPoint(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV)
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// checkOwner refuses a file of somebody else: replacing it would make it ours.
func checkOwner(info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if me := os.Geteuid(); me != 0 && int(stat.Uid) != me {
		return fmt.Errorf("it belongs to another user (uid %d, you are %d)", stat.Uid, me)
	}
	return nil
}

// writableDir refuses a directory that no file can be put into, or one that is
// missing where it cannot be made.
func writableDir(dir string) error {
	const write, search = 2, 1 // W_OK and X_OK of access(2)
	for {
		err := syscall.Access(dir, write|search)
		parent := filepath.Dir(dir)
		if !errors.Is(err, syscall.ENOENT) || parent == dir {
			return err
		}
		dir = parent
	}
}

// keepOwner gives file the owner and group of like and returns its mode. Where
// the group cannot be kept, the mode leaves the new group nothing.
func keepOwner(file *os.File, like fs.FileInfo) (fs.FileMode, error) {
	mode := like.Mode().Perm()
	want, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return mode, nil
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if have, ok := info.Sys().(*syscall.Stat_t); ok && have.Uid == want.Uid && have.Gid == want.Gid {
		return mode, nil
	}
	uid := -1
	if os.Geteuid() == 0 {
		uid = int(want.Uid)
	}
	if err := file.Chown(uid, int(want.Gid)); err != nil {
		return mode &^ 0o070, nil
	}
	return mode, nil
}

// syncDir makes the new name of a file last. Not every file system can.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer file.Close()
	_ = file.Sync()
	return nil
}
