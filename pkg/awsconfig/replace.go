package awsconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replace puts data in the place of old, as a whole or not at all.
func (e editor) replace(target string, old state, data []byte) error {
	if err := replaceable(old); err != nil {
		return err
	}
	temp, err := writeTemp(target, old.info, data)
	if err != nil {
		return err
	}
	defer func() {
		if temp != "" {
			_ = os.Remove(temp)
		}
	}()
	now, err := readState(target)
	if err != nil {
		return err
	}
	if !now.same(old) {
		return errChanged
	}
	err = e.rename(temp, target)
	switch {
	case err != nil && old.info != nil && isMountPoint(err):
		// A file that is mounted (docker run -v .../config) cannot be replaced.
		return overwrite(target, old.data, data)
	case err != nil:
		return err
	}
	temp = ""
	return syncDir(filepath.Dir(target))
}

// replaceable refuses a file that its owner, or who that is, protects.
func replaceable(old state) error {
	if old.info == nil {
		return nil
	}
	if err := checkOwner(old.info); err != nil {
		return err
	}
	if old.info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("it is write-protected (mode %#o); chmod u+w makes it writable", old.info.Mode().Perm())
	}
	return nil
}

// writeTemp writes data to a new file beside target, on the disk, with the mode
// and the owner of the file it shall replace.
func writeTemp(target string, like fs.FileInfo, data []byte) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(target), filepath.Base(beside(target, "-*.tmp"))) // mode 0600
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if like != nil {
		mode, err := keepOwner(file, like)
		if err != nil {
			return "", err
		}
		if err := file.Chmod(mode); err != nil {
			return "", err
		}
	}
	if _, err := file.Write(data); err != nil {
		return "", err
	}
	if err := file.Sync(); err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

// overwrite changes the file in place. What is new in length goes first: where
// the disk is full the old bytes are still there, and come back.
func overwrite(target string, old, data []byte) (err error) {
	file, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, file.Close())
	}()
	if len(data) > len(old) {
		_, err := file.WriteAt(data[len(old):], int64(len(old)))
		if err == nil {
			err = file.Sync()
		}
		if err != nil {
			return errors.Join(err, file.Truncate(int64(len(old))))
		}
	}
	if _, err := file.WriteAt(data[:min(len(old), len(data))], 0); err != nil {
		_, back := file.WriteAt(old, 0)
		return errors.Join(err, back, file.Truncate(int64(len(old))))
	}
	if err := file.Truncate(int64(len(data))); err != nil {
		return err
	}
	return file.Sync()
}

// explain adds what to do where the cause alone does not tell.
func explain(err error, dir string) error {
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		return fmt.Errorf("%w; the directory %s must be writable for you, because the file is replaced as a whole", err, dir)
	}
	return err
}
