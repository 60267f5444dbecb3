package pack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
	"github.com/kubectl-irsa/kubectl-irsa/release/pack"
)

// committed is the time of the commit in the repositories of these tests.
var committed = time.Date(2026, time.November, 23, 10, 30, 0, 0, time.UTC)

// repository is a small plugin under git, with this repository's own texts.
func repository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "kubectl-irsa")
	files := map[string]string{
		"go.mod": "module github.com/kubectl-irsa/kubectl-irsa\n\ngo 1.26.0\n",
		"cmd/kubectl-irsa/main.go": "package main\n\nvar version, commit, date string\n\n" +
			"func main() { println(version, commit, date) }\n",
	}
	for _, name := range append([]string{".krew.yaml"}, pack.Extras...) {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for name, text := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message", "Begin")
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	settings := []string{"-c", "user.name=ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"}
	cmd := exec.CommandContext(t.Context(), "git", append(settings, args...)...)
	cmd.Dir = dir
	at := committed.Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// release packs and gives the files of the release by name.
func release(t *testing.T, p pack.Pack) map[string][]byte {
	t.Helper()
	p.Out, p.Log, p.Environ = t.TempDir(), io.Discard, append(os.Environ(), p.Environ...)
	write(t, filepath.Join(p.Out, "kubectl-irsa_v0.0.1_linux_amd64.tar.gz"), "an earlier one")
	if err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(p.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if files[entry.Name()], err = os.ReadFile(filepath.Join(p.Out, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestTheSameCommitGivesTheSameBytes packs two clones, in folders of unlike
// names, files of unlike ages and settings of unlike machines.
func TestTheSameCommitGivesTheSameBytes(t *testing.T) {
	one := repository(t)
	other := filepath.Join(t.TempDir(), "a folder of another name")
	git(t, one, "clone", "--quiet", one, other)
	for _, name := range pack.Extras {
		if err := os.Chtimes(filepath.Join(other, name), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	git(t, other, "tag", "v0.1.0")
	first := release(t, pack.Pack{Source: one, Version: "v0.1.0", Platforms: pack.Platforms})
	second := release(t, pack.Pack{
		Source: other, Version: "v0.1.0", Platforms: pack.Platforms,
		Environ: []string{"TZ=Asia/Tokyo", "GOFLAGS=-buildvcs=true", "GOAMD64=v3", "CGO_ENABLED=1"},
	})
	if len(first) != 9 || len(second) != 9 {
		t.Errorf("%d and %d files, not 6 archives and 3 beside them", len(first), len(second))
	}
	for name, content := range first {
		if !bytes.Equal(content, second[name]) {
			t.Errorf("%s differs", name)
		}
	}
	look(t, first, git(t, one, "rev-parse", "HEAD"))
}

// look judges what a release of all platforms holds.
func look(t *testing.T, files map[string][]byte, commit string) {
	t.Helper()
	header := "2026-11-23 10:30:00 "
	want := header + "0644 LICENSE\n" + header + "0644 README.md\n" + header + "0755 kubectl-irsa\n" + header + "0644 plugins.yaml\n"
	if diff := cmp.Diff(want, listTar(t, files["kubectl-irsa_v0.1.0_darwin_arm64.tar.gz"])); diff != "" {
		t.Error(diff)
	}
	want = strings.ReplaceAll(want, "kubectl-irsa\n", "kubectl-irsa.exe\n")
	if diff := cmp.Diff(want, listZip(t, files["kubectl-irsa_v0.1.0_windows_arm64.zip"])); diff != "" {
		t.Error(diff)
	}
	plugin, err := krew.Decode(files[pack.ManifestFile])
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plugin.Spec.Platforms {
		name := p.URI[strings.LastIndex(p.URI, "/")+1:]
		if err := krew.CheckArchive(p, files[name]); err != nil {
			t.Error(err)
		}
		if line := p.SHA256 + "  " + name + "\n"; !strings.Contains(string(files[pack.ChecksumsFile]), line) {
			t.Errorf("%s does not say %s", pack.ChecksumsFile, line)
		}
	}
	if lines := strings.Count(string(files[pack.ChecksumsFile]), "\n"); lines != 7 {
		t.Errorf("%d checksums, not those of 6 archives and the bill of materials", lines)
	}
	bill := map[string]any{}
	if err := yaml.Unmarshal(files["kubectl-irsa_v0.1.0_sbom.json"], &bill); err != nil {
		t.Fatal(err)
	}
	self := bill["metadata"].(map[string]any)["component"].(map[string]any)
	if bill["bomFormat"] != "CycloneDX" || self["purl"] != "pkg:golang/github.com/kubectl-irsa/kubectl-irsa@v0.1.0" {
		t.Errorf("got %v", bill)
	}
	if !strings.Contains(string(files["kubectl-irsa_v0.1.0_sbom.json"]), commit) {
		t.Error("the bill of materials does not name the commit")
	}
}

func listTar(t *testing.T, archive []byte) (list string) {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	if !unzipped.ModTime.IsZero() {
		t.Errorf("gzip's header has the time %s", unzipped.ModTime)
	}
	for reader := tar.NewReader(unzipped); ; {
		h, err := reader.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s has an owner", h.Name)
		}
		list += fmt.Sprintf("%s %04o %s\n", h.ModTime.UTC().Format(time.DateTime), h.Mode, h.Name)
	}
}

func listZip(t *testing.T, archive []byte) (list string) {
	t.Helper()
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range reader.File {
		list += fmt.Sprintf("%s %04o %s\n", f.Modified.UTC().Format(time.DateTime), f.Mode().Perm(), f.Name)
	}
	return list
}

func TestPackRefuses(t *testing.T) {
	tests := map[string]struct {
		change map[string]string // files and what is written into them; "" removes one
		pack   pack.Pack
		want   string
	}{
		"no version":          {pack: pack.Pack{}, want: `"" is no version: it must be semantic behind a v, as v0.1.0`},
		"a bare hash":         {pack: pack.Pack{Version: "474d1ba"}, want: `"474d1ba" is no version: it must be semantic behind a v, as v0.1.0`},
		"a version without v": {pack: pack.Pack{Version: "0.1.0"}, want: `"0.1.0" is no version: it must be semantic behind a v, as v0.1.0`},
		"a file that is changed": {
			change: map[string]string{"README.md": "changed"},
			pack:   pack.Pack{Version: "v0.1.0"},
			want:   "the work tree differs from its commit (M README.md): commit the changes, or pack them with --allow-dirty",
		},
		"a file that is new": {
			change: map[string]string{"cmd/kubectl-irsa/new.go": "package main"},
			pack:   pack.Pack{Version: "v0.1.0"},
			want:   "the work tree differs from its commit (?? cmd/kubectl-irsa/new.go): commit the changes, or pack them with --allow-dirty",
		},
		"a program that does not compile": {
			change: map[string]string{"cmd/kubectl-irsa/new.go": "package minor"},
			pack:   pack.Pack{Version: "v0.1.0", AllowDirty: true},
			want:   "building for linux/amd64: found packages main (main.go) and minor (new.go)",
		},
		"a repository without a LICENSE": {
			change: map[string]string{"LICENSE": ""},
			pack:   pack.Pack{Version: "v0.1.0", AllowDirty: true},
			want:   "packing for linux/amd64: open ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			dir := repository(t)
			for file, text := range tc.change {
				if text == "" {
					git(t, dir, "rm", "--quiet", file)
					continue
				}
				write(t, filepath.Join(dir, filepath.FromSlash(file)), text)
			}
			tc.pack.Source, tc.pack.Out, tc.pack.Log, tc.pack.Environ = dir, t.TempDir(), io.Discard, os.Environ()
			tc.pack.Platforms = pack.Platforms[:1]
			err := tc.pack.Run(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if left, _ := filepath.Glob(filepath.Join(tc.pack.Out, "*")); left != nil {
				t.Errorf("%v was written", left)
			}
		})
	}
}

// TestADirtyTreeIsPackedWhereThatIsAskedFor also asks for one platform, which is
// too few for a manifest.
func TestADirtyTreeIsPackedWhereThatIsAskedFor(t *testing.T) {
	dir := repository(t)
	write(t, filepath.Join(dir, "README.md"), "changed")
	files := release(t, pack.Pack{Source: dir, Version: "v0.1.0", Platforms: pack.Platforms[:1], AllowDirty: true})
	if len(files) != 3 || files[pack.ManifestFile] != nil {
		t.Errorf("got %d files", len(files))
	}
}

func TestParsePlatform(t *testing.T) {
	if got, err := pack.ParsePlatform("windows/arm64"); err != nil || got != (pack.Platform{OS: "windows", Arch: "arm64"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "linux", "linux/mips", "linux/amd64/v3"} {
		if _, err := pack.ParsePlatform(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
