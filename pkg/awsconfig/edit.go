package awsconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Change is what should become of one profile.
type Change struct {
	Profile string    // CheckName accepts it
	Set     []Setting // CheckValue accepts them; keys that are not there are added
	Drop    []string  // keys to remove; one that is not there is no error
	Remove  bool      // removes the whole profile; Set and Drop must be empty
}

// Edit changes the configuration file at path. It waits for the lock until ctx
// is done, reads the file, asks change what to do, and replaces the file as a
// whole once every reader has understood the result. No Change, or one that
// changes nothing, writes nothing. Where another program has changed the file
// in the meantime, change is asked again.
//
// Symbolic links, the file's mode and its owner are kept. A new file has mode
// 0600, a new directory 0700. Keys and sections outside the named profiles keep
// their bytes, and so do unchanged keys of the profiles.
//
// An error leaves the file as it was, byte for byte. It is a [*SyntaxError]
// when the AWS CLI cannot read the file, and what change returned when it
// failed. It never holds a value.
func Edit(ctx context.Context, path string, change func(*File) ([]Change, error)) error {
	return editor{rename: Rename}.edit(ctx, path, change)
}

// Rehearse is [Edit] without the writing: its error is what Edit would fail
// with, as far as that can be told beforehand. It waits for no lock.
func Rehearse(path string, change func(*File) ([]Change, error)) error {
	target, err := resolve(path)
	if err != nil {
		return fmt.Errorf("finding the AWS configuration: %w", err)
	}
	old, data, err := prepare(path, target, change)
	if err != nil || bytes.Equal(data, old.data) {
		return err
	}
	err = replaceable(old)
	if err == nil {
		err = writableDir(filepath.Dir(target))
	}
	if err != nil {
		return fmt.Errorf("changing %s: %w", path, explain(err, filepath.Dir(target)))
	}
	return nil
}

// Apply returns the bytes of the file after the changes, verified as [Edit]
// does, without writing anything.
func (f *File) Apply(changes ...Change) ([]byte, error) { return edited(f, changes) }

// editor has the one system call that tests need to fail.
type editor struct {
	rename func(from, to string) error
}

// errChanged says that another program wrote the file while it was edited.
var errChanged = errors.New("another program keeps changing it")

func (e editor) edit(ctx context.Context, path string, change func(*File) ([]Change, error)) (err error) {
	target, err := resolve(path)
	if err != nil {
		return fmt.Errorf("finding the AWS configuration: %w", err)
	}
	dir := filepath.Dir(target)
	_, err = os.Stat(dir)
	created := errors.Is(err, fs.ErrNotExist)
	lock, err := acquire(ctx, target)
	if err != nil {
		return fmt.Errorf("changing %s: %w", path, explain(err, dir))
	}
	defer func() {
		lock.release()
		if created {
			_ = os.Remove(dir) // only when it is empty: nothing was written
		}
	}()
	sweep(target)
	const attempts = 10
	for range attempts {
		err = e.attempt(ctx, path, target, change)
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return err
}

// attempt reads, changes and replaces the file once, under the lock.
func (e editor) attempt(ctx context.Context, path, target string, change func(*File) ([]Change, error)) error {
	old, data, err := prepare(path, target, change)
	if err != nil || bytes.Equal(data, old.data) {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("changing %s: %w", path, err)
	}
	if err := e.replace(target, old, data); err != nil {
		return fmt.Errorf("changing %s: %w", path, explain(err, filepath.Dir(target)))
	}
	return nil
}

// prepare reads the file and gives what is to be in its place.
func prepare(path, target string, change func(*File) ([]Change, error)) (old state, data []byte, err error) {
	if old, err = readState(target); err != nil {
		return old, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	file, err := parse(path, old.data)
	if err != nil {
		return old, nil, err
	}
	changes, err := change(file)
	if err != nil || len(changes) == 0 {
		return old, old.data, err
	}
	data, err = edited(file, changes)
	return old, data, err
}

// state is a file at one moment. A file that does not exist has no info.
type state struct {
	data []byte
	info fs.FileInfo
}

func readState(target string) (state, error) {
	file, err := os.Open(target)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return state{}, err
	}
	if !info.Mode().IsRegular() {
		return state{}, errors.New("it is not a regular file")
	}
	data, err := io.ReadAll(file)
	return state{data, info}, err
}

// same tells whether nothing was written between two readings.
func (s state) same(other state) bool {
	return (s.info == nil) == (other.info == nil) && bytes.Equal(s.data, other.data)
}

// resolve follows path to the file that it stands for, which need not exist:
// the lock and the temporary file must be where that file is, and a symbolic
// link must stay one.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	const mostLinks = 40
	for range mostLinks {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(dir, filepath.Base(path))
		}
		link, err := os.Readlink(path)
		if err != nil {
			// No link, or nothing there: reading will tell.
			return path, nil
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}
