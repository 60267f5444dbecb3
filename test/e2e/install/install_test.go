package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
)

// archive is a .tar.gz of a program that holds its version, and of other files.
func archive(t *testing.T, version string, others ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	outer := gzip.NewWriter(&out)
	inner := tar.NewWriter(outer)
	for _, name := range append([]string{"kubectl-irsa"}, others...) {
		if err := inner.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(version))}); err != nil {
			t.Fatal(err)
		}
		if _, err := inner.Write([]byte(version)); err != nil {
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

// publish puts a version into the index whose digest is that of signed.
func publish(t *testing.T, x *Index, address, version string, content, signed []byte) {
	t.Helper()
	template, err := os.ReadFile(filepath.Join("..", "..", "..", ".krew.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(signed)
	manifest, err := krew.Render(template, version, func(string) (string, error) { return hex.EncodeToString(sum[:]), nil })
	if err != nil {
		t.Fatal(err)
	}
	x.Serve("plugins/irsa.yaml", []byte(strings.ReplaceAll(string(manifest), Releases, address+"/")))
	x.Serve(version+"/kubectl-irsa_"+version+"_linux_amd64.tar.gz", content)
}

// state is what the links, receipts and stores of a root hold.
func state(t *testing.T, r Root) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(r.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(r.Dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.HasPrefix(name, "receipts") {
			plugin, err := krew.Decode(content)
			got[filepath.ToSlash(name)] = plugin.Spec.Version
			return err
		}
		got[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestInstallUpgradeUninstall(t *testing.T) {
	x := &Index{}
	server := httptest.NewServer(x)
	defer server.Close()
	r := Root{Dir: t.TempDir(), GOOS: "linux", GOARCH: "amd64", Index: server.URL, Client: server.Client()}

	step := func(what string, err error, want string, after map[string]string) {
		t.Helper()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Fatalf("%s: got %v, want %q", what, err, want)
		}
		if diff := cmp.Diff(after, state(t, r)); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
	}
	nothing := map[string]string{}
	first := map[string]string{
		"bin/kubectl-irsa": "v0.1.0", "receipts/irsa.yaml": "v0.1.0",
		"store/irsa/v0.1.0/kubectl-irsa": "v0.1.0", "store/irsa/v0.1.0/LICENSE": "v0.1.0",
	}
	second := map[string]string{
		"bin/kubectl-irsa": "v0.2.0", "receipts/irsa.yaml": "v0.2.0",
		"store/irsa/v0.2.0/kubectl-irsa": "v0.2.0", "store/irsa/v0.2.0/LICENSE": "v0.2.0",
	}
	one, two := archive(t, "v0.1.0", "LICENSE"), archive(t, "v0.2.0", "LICENSE")

	step("an index without the plugin", r.Install(t.Context(), "irsa"), "404 Not Found", nothing)
	step("upgrading what is not there", r.Upgrade(t.Context(), "irsa"), "plugin irsa is not installed", nothing)
	publish(t, x, server.URL, "v0.1.0", one, two)
	step("installing a wrong digest", r.Install(t.Context(), "irsa"), "has sha256 ", nothing)
	publish(t, x, server.URL, "v0.1.0", one, one)
	step("installing", r.Install(t.Context(), "irsa"), "", first)
	step("installing again", r.Install(t.Context(), "irsa"), "plugin irsa is installed already", first)
	bare := archive(t, "v0.2.0")
	publish(t, x, server.URL, "v0.2.0", bare, bare)
	step("upgrading to an archive without LICENSE", r.Upgrade(t.Context(), "irsa"), "does not hold a LICENSE", first)
	publish(t, x, server.URL, "v0.2.0", two, one)
	step("upgrading to a wrong digest", r.Upgrade(t.Context(), "irsa"), "has sha256 ", first)
	publish(t, x, server.URL, "v0.2.0", two, two)
	step("upgrading", r.Upgrade(t.Context(), "irsa"), "", second)
	step("upgrading to the same", r.Upgrade(t.Context(), "irsa"), "", second)
	step("uninstalling", r.Uninstall("irsa"), "", nothing)
	step("uninstalling again", r.Uninstall("irsa"), "plugin irsa is not installed", nothing)
}
