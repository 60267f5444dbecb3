package krew

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// maximum bytes of one unpacked file; an archive that says more is refused.
const maximum = 256 << 20

// CheckArchive says everything by which the index would refuse an archive: its
// digest is not the manifest's, it cannot be unpacked, the program is not in it
// or cannot be run, or no licence is.
func CheckArchive(p Platform, archive []byte) error {
	dir, err := os.MkdirTemp("", "krew-")
	if err != nil {
		return err
	}
	err = Unpack(p, archive, dir)
	return errors.Join(err, os.RemoveAll(dir))
}

// Unpack verifies an archive against a platform's digest, unpacks it into dir,
// which exists, and looks whether the program and a licence came out. dir may
// hold a part of the archive where it fails.
func Unpack(p Platform, archive []byte, dir string) error {
	sum := sha256.Sum256(archive)
	if got := hex.EncodeToString(sum[:]); got != p.SHA256 {
		return fmt.Errorf("the archive %s has sha256 %s, not %s", path.Base(p.URI), got, p.SHA256)
	}
	unpack := untar
	if strings.HasSuffix(p.URI, ".zip") {
		unpack = unzip
	}
	if err := unpack(archive, dir); err != nil {
		return fmt.Errorf("unpacking %s: %w", path.Base(p.URI), err)
	}
	program, err := os.Stat(filepath.Join(dir, filepath.FromSlash(p.Bin)))
	if err != nil || !program.Mode().IsRegular() {
		return fmt.Errorf("the archive %s does not hold the program %s", path.Base(p.URI), p.Bin)
	}
	if runtime.GOOS != "windows" && path.Ext(p.Bin) != ".exe" && program.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s in the archive %s may not be run", p.Bin, path.Base(p.URI))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if isLicence(entry.Name()) && entry.Type().IsRegular() {
			return nil
		}
	}
	return fmt.Errorf("the archive %s does not hold a LICENSE", path.Base(p.URI))
}

func isLicence(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	return name == "license" || name == "licence" || name == "copying"
}

func untar(archive []byte, dir string) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is no regular file", header.Name)
		}
		if err := write(dir, header.Name, header.FileInfo().Mode(), reader); err != nil {
			return err
		}
	}
}

func unzip(archive []byte, dir string) error {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	for _, entry := range reader.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		content, err := entry.Open()
		if err != nil {
			return err
		}
		err = write(dir, entry.Name, entry.Mode(), content)
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return nil
}

// write puts one file of an archive under dir and nowhere else.
func write(dir, name string, mode os.FileMode, content io.Reader) error {
	local, err := filepath.Localize(path.Clean(name))
	if err != nil || !mode.IsRegular() {
		return fmt.Errorf("%q is no file that may be unpacked", name)
	}
	target := filepath.Join(dir, local)
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode.Perm())
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(content, maximum+1))
	if n > maximum {
		err = fmt.Errorf("%q is larger than %d MiB", name, maximum>>20)
	}
	return errors.Join(err, file.Close())
}
