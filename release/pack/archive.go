package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name    string
	mode    os.FileMode
	content []byte
}

// archive is the content of a platform's archive: the program and Extras, in
// the order of their names, all of them of the time at.
func (p Pack) archive(platform Platform, at time.Time, program string) ([]byte, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	entries := []entry{{platform.Program(), 0o755, content}}
	for _, name := range Extras {
		if content, err = os.ReadFile(filepath.Join(p.Source, name)); err != nil {
			return nil, err
		}
		entries = append(entries, entry{name, 0o644, content})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	if platform.OS == "windows" {
		return zipped(entries, at)
	}
	return tarred(entries, at)
}

// tarred is a .tar.gz: no owner, and no time in the header of gzip.
func tarred(entries []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	outer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	inner := tar.NewWriter(outer)
	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.content)), Mode: int64(e.mode),
			ModTime: at, Format: tar.FormatUSTAR,
		}
		if err := inner.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := inner.Write(e.content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(inner.Close(), outer.Close())
	return out.Bytes(), err
}

// zipped is a .zip.
func zipped(entries []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at.UTC()}
		header.SetMode(e.mode)
		file, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(e.content); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}
