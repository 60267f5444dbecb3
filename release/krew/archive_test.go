package krew_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
)

type file struct {
	name string
	mode int64
	text string
	kind byte // tar's type flag; 0 is a regular file
}

func tarGz(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	outer := gzip.NewWriter(&out)
	inner := tar.NewWriter(outer)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.text)), Typeflag: f.kind}
		if f.kind == tar.TypeSymlink {
			header.Linkname, header.Size, f.text = f.text, 0, ""
		}
		if err := inner.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := inner.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	if err := outer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, f := range files {
		w, err := archive.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCheckArchive(t *testing.T) {
	program := file{name: "kubectl-irsa", mode: 0o755, text: "program"}
	licence := file{name: "LICENSE", mode: 0o644, text: "licence"}
	const bin, exe = "kubectl-irsa", "kubectl-irsa.exe"
	tests := map[string]struct {
		uri, bin string
		archive  []byte
		digest   string // empty: the archive's
		want     string // empty: it is taken
	}{
		"a good .tar.gz":                     {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, licence)},
		"a good .zip":                        {uri: "https://x/a.zip", bin: exe, archive: zipped(t, file{name: exe, text: "x"}, licence)},
		"a licence with an extension":        {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, file{"License.txt", 0o644, "x", 0})},
		"another digest":                     {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, licence), digest: digest, want: "the archive a.tar.gz has sha256 "},
		"no LICENSE in a .tar.gz":            {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program), want: "the archive a.tar.gz does not hold a LICENSE"},
		"no LICENSE in a .zip":               {uri: "https://x/a.zip", bin: exe, archive: zipped(t, file{name: exe, text: "x"}), want: "the archive a.zip does not hold a LICENSE"},
		"a LICENSE further down":             {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, file{"docs/LICENSE", 0o644, "x", 0}), want: "does not hold a LICENSE"},
		"no program":                         {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, licence), want: "the archive a.tar.gz does not hold the program kubectl-irsa"},
		"a program under another name":       {uri: "https://x/a.zip", bin: exe, archive: zipped(t, file{name: bin, text: "x"}, licence), want: "does not hold the program kubectl-irsa.exe"},
		"a .zip that is called .tar.gz":      {uri: "https://x/a.tar.gz", bin: bin, archive: zipped(t, program, licence), want: "unpacking a.tar.gz: gzip: invalid header"},
		"a .tar.gz that is cut":              {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, licence)[:40], want: "unpacking a.tar.gz: unexpected EOF"},
		"a file beside the folder":           {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, licence, file{"../evil", 0o644, "x", 0}), want: `unpacking a.tar.gz: "../evil" is no file that may be unpacked`},
		"a file beside the folder in a .zip": {uri: "https://x/a.zip", bin: exe, archive: zipped(t, file{name: "/etc/evil"}), want: `unpacking a.zip: "/etc/evil" is no file that may be unpacked`},
		"a link out of the folder":           {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, licence, file{"link", 0o777, "/etc/passwd", tar.TypeSymlink}), want: `unpacking a.tar.gz: "link" is no regular file`},
		"a file that is there twice":         {uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, program, program, licence), want: "file exists"},
	}
	if runtime.GOOS != "windows" {
		unrunnable := file{"kubectl-irsa", 0o644, "program", 0}
		tests["a program that may not be run"] = struct {
			uri, bin string
			archive  []byte
			digest   string
			want     string
		}{uri: "https://x/a.tar.gz", bin: bin, archive: tarGz(t, unrunnable, licence), want: "kubectl-irsa in the archive a.tar.gz may not be run"}
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.digest == "" {
				sum := sha256.Sum256(tc.archive)
				tc.digest = hex.EncodeToString(sum[:])
			}
			err := krew.CheckArchive(krew.Platform{URI: tc.uri, Bin: tc.bin, SHA256: tc.digest}, tc.archive)
			if tc.want == "" && err == nil {
				return
			}
			if err == nil || tc.want == "" || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestUnpackKeepsModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such modes on Windows")
	}
	archive := tarGz(t, file{"kubectl-irsa", 0o755, "program", 0}, file{"LICENSE", 0o644, "x", 0})
	sum := sha256.Sum256(archive)
	dir := t.TempDir()
	p := krew.Platform{URI: "a.tar.gz", Bin: "kubectl-irsa", SHA256: hex.EncodeToString(sum[:])}
	if err := krew.Unpack(p, archive, dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "kubectl-irsa"))
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}
