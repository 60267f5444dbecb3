//go:build e2e

package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
	"github.com/kubectl-irsa/kubectl-irsa/release/pack"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// releases are two packed versions of the plugin for this machine.
type releases struct {
	index    *Index
	address  string
	archives map[string][]byte // by version
}

const root = "../../.."

// pair packs two versions and serves their archives on loopback.
func pair(t *testing.T) releases {
	t.Helper()
	machine, err := pack.ParsePlatform(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	r := releases{index: &Index{}, archives: map[string][]byte{}}
	server := httptest.NewServer(r.index)
	t.Cleanup(server.Close)
	r.address = server.URL
	for _, version := range []string{"v0.1.0", "v0.2.0"} {
		out, log := t.TempDir(), &bytes.Buffer{}
		p := pack.Pack{
			Source: root, Out: out, Version: version, Platforms: []pack.Platform{machine},
			AllowDirty: true, Environ: os.Environ(), Log: log,
		}
		if err := p.Run(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		content, err := os.ReadFile(filepath.Join(out, machine.Archive(version)))
		if err != nil {
			t.Fatal(err)
		}
		r.archives[version] = content
		r.index.Serve(version+"/"+machine.Archive(version), content)
	}
	return r
}

// manifest is that of a version, with the addresses of this index.
func (r releases) manifest(t *testing.T, version string) []byte {
	t.Helper()
	template, err := os.ReadFile(filepath.Join(root, ".krew.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(r.archives[version])
	text, err := krew.Render(template, version, func(string) (string, error) { return hex.EncodeToString(sum[:]), nil })
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(text, []byte(Releases), []byte(r.address+"/"))
}

// installer is krew or what stands in for it.
type installer struct {
	dir string // KREW_ROOT
	// publish makes the index hold this manifest.
	publish                     func(t *testing.T, manifest []byte)
	install, upgrade, uninstall func(context.Context) error
}

// terminal is where a person with a HOME of their own types, with the plugin
// from krew's folder and from nowhere else.
type terminal struct {
	home string
	env  []string
}

func open(t *testing.T, bin string) terminal {
	t.Helper()
	path := []string{bin}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "kubectl-irsa")); err != nil {
			path = append(path, dir)
		}
	}
	home := t.TempDir()
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "PATH=")
	})
	return terminal{home, append(env, "HOME="+home, "PATH="+strings.Join(path, string(filepath.ListSeparator)))}
}

// types gives what a command prints, and whether it succeeded.
func (s terminal) types(t *testing.T, command string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Env, cmd.Dir = s.env, s.home
	out, err := cmd.CombinedOutput()
	t.Logf("$ %s\n%s", command, out)
	return string(out), err
}

// shows fails the test unless a command succeeds and prints want.
func (s terminal) shows(t *testing.T, want, command string) {
	t.Helper()
	if out, err := s.types(t, command); err != nil || !strings.Contains(out, want) {
		t.Fatalf("%s: %v, and not %q", command, err, want)
	}
}

// TestAProfileOutlivesAnUpgrade installs the plugin, logs in, upgrades and
// uninstalls: with the installer of this package, and with krew where it is.
func TestAProfileOutlivesAnUpgrade(t *testing.T) {
	w := inside.Here(t)
	r := pair(t)
	t.Run("with an installer that lays files out as krew does", func(t *testing.T) {
		play(t, w, r, standIn(t, r))
	})
	t.Run("with krew", func(t *testing.T) {
		if _, err := exec.LookPath("kubectl-krew"); err != nil {
			t.Skip("kubectl-krew is not on PATH: only its stand-in was used")
		}
		play(t, w, r, realKrew(t))
	})
}

func standIn(t *testing.T, r releases) installer {
	t.Helper()
	root := Root{
		Dir: filepath.Join(t.TempDir(), ".krew"), GOOS: runtime.GOOS, GOARCH: runtime.GOARCH,
		Index: r.address, Client: &http.Client{},
	}
	return installer{
		dir:       root.Dir,
		publish:   func(_ *testing.T, manifest []byte) { r.index.Serve("plugins/irsa.yaml", manifest) },
		install:   func(ctx context.Context) error { return root.Install(ctx, "irsa") },
		upgrade:   func(ctx context.Context) error { return root.Upgrade(ctx, "irsa") },
		uninstall: func(context.Context) error { return root.Uninstall("irsa") },
	}
}

// realKrew has a git repository as its default index.
func realKrew(t *testing.T) installer {
	t.Helper()
	dir, index := filepath.Join(t.TempDir(), ".krew"), t.TempDir()
	run := func(ctx context.Context, in, name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = in
		cmd.Env = append(os.Environ(), "KREW_ROOT="+dir, "KREW_DEFAULT_INDEX_URI=file://"+index, "KREW_NO_UPGRADE_CHECK=1",
			"GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=ann", "GIT_COMMITTER_EMAIL=ann@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
		}
		return nil
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(t, run(t.Context(), index, "git", "init", "--quiet"))
	return installer{
		dir: dir,
		publish: func(t *testing.T, manifest []byte) {
			t.Helper()
			must(t, os.MkdirAll(filepath.Join(index, "plugins"), 0o755))
			must(t, os.WriteFile(filepath.Join(index, "plugins", "irsa.yaml"), manifest, 0o644))
			must(t, run(t.Context(), index, "git", "add", "."))
			must(t, run(t.Context(), index, "git", "commit", "--quiet", "--message", "irsa"))
			must(t, run(t.Context(), index, "kubectl", "krew", "update"))
		},
		install:   func(ctx context.Context) error { return run(ctx, index, "kubectl", "krew", "install", "irsa") },
		upgrade:   func(ctx context.Context) error { return run(ctx, index, "kubectl", "krew", "upgrade", "irsa") },
		uninstall: func(ctx context.Context) error { return run(ctx, index, "kubectl", "krew", "uninstall", "irsa") },
	}
}

func play(t *testing.T, w inside.World, r releases, krew installer) {
	link := filepath.Join(krew.dir, "bin", "kubectl-irsa")
	ann := open(t, filepath.Dir(link))
	list := "aws s3 ls --profile mine"
	if _, err := exec.LookPath("aws"); err != nil {
		t.Fatal("the AWS CLI is not on PATH")
	}

	krew.publish(t, r.manifest(t, "v0.1.0"))
	if err := krew.install(t.Context()); err != nil {
		t.Fatal(err)
	}
	ann.shows(t, "kubectl irsa v0.1.0 (commit ", "kubectl irsa version")
	ann.shows(t, "profile    mine in", "kubectl irsa login "+w.ServiceAccount+" --profile mine")
	ann.shows(t, w.DataBucket, list)
	config := ann.config(t)
	if !strings.Contains(config, link+" ") || strings.Contains(config, "store") {
		t.Fatalf("the profile does not name %s:\n%s", link, config)
	}

	wrong := bytes.Replace(r.manifest(t, "v0.2.0"), []byte("sha256: "), []byte("sha256: 0000"), 1)
	krew.publish(t, wrong)
	if err := krew.upgrade(t.Context()); err == nil {
		t.Fatal("a manifest with a wrong digest is taken")
	}
	ann.shows(t, w.DataBucket, list)

	krew.publish(t, r.manifest(t, "v0.2.0"))
	if err := krew.upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(krew.dir, "store", "irsa", "v0.1.0")); !os.IsNotExist(err) {
		t.Fatalf("the older version is still there: %v", err)
	}
	ann.shows(t, "kubectl irsa v0.2.0 (commit ", "kubectl irsa version")
	ann.shows(t, w.DataBucket, list)
	if now := ann.config(t); now != config {
		t.Errorf("the upgrade changed the profile:\n%s", now)
	}

	if err := krew.uninstall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, err := ann.types(t, "kubectl irsa version"); err == nil {
		t.Errorf("it is still there: %s", out)
	}
	for _, gone := range []string{link, filepath.Join(krew.dir, "store", "irsa"), filepath.Join(krew.dir, "receipts", "irsa.yaml")} {
		if _, err := os.Lstat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
}

func (s terminal) config(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.home, ".aws", "config"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
