// Package install installs the plugin from an index as krew does, where krew
// itself cannot be had: it lays files out the same way, so that what the plugin
// writes down about its own place can be tested through an upgrade.
//
//	ROOT/store/irsa/VERSION/   what the archive held
//	ROOT/bin/kubectl-irsa      a link to the program in it
//	ROOT/receipts/irsa.yaml    the manifest that was installed
//
// An upgrade deletes the older version's folder.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
)

// A Root is krew's folder, ~/.krew, and the machine that it installs for.
type Root struct {
	Dir          string
	GOOS, GOARCH string
	// Index is the address of an index: INDEX/plugins/NAME.yaml.
	Index  string
	Client *http.Client
}

// Bin is the folder that belongs on PATH.
func (r Root) Bin() string { return filepath.Join(r.Dir, "bin") }

// Link is how a plugin is called.
func (r Root) Link(name string) string {
	link := filepath.Join(r.Bin(), "kubectl-"+strings.ReplaceAll(name, "-", "_"))
	if r.GOOS == "windows" {
		link += ".exe"
	}
	return link
}

// Store is the folder of a version of a plugin.
func (r Root) Store(name, version string) string {
	return filepath.Join(r.Dir, "store", name, version)
}

func (r Root) receipt(name string) string {
	return filepath.Join(r.Dir, "receipts", name+".yaml")
}

// Install installs the version that the index has of a plugin. It fails where
// one is installed.
func (r Root) Install(ctx context.Context, name string) error {
	if _, err := os.Lstat(r.receipt(name)); err == nil {
		return fmt.Errorf("plugin %s is installed already", name)
	}
	_, err := r.place(ctx, name)
	return err
}

// Upgrade replaces the version of a plugin that is installed by the one of the
// index. Where it fails, the installed one is as it was.
func (r Root) Upgrade(ctx context.Context, name string) error {
	old, err := r.installed(name)
	if err != nil {
		return err
	}
	version, err := r.place(ctx, name)
	if err != nil || version == old.Spec.Version {
		return err
	}
	return os.RemoveAll(r.Store(name, old.Spec.Version))
}

// Uninstall removes a plugin.
func (r Root) Uninstall(name string) error {
	if _, err := r.installed(name); err != nil {
		return err
	}
	return errors.Join(os.Remove(r.Link(name)), os.RemoveAll(filepath.Join(r.Dir, "store", name)), os.Remove(r.receipt(name)))
}

func (r Root) installed(name string) (krew.Plugin, error) {
	text, err := os.ReadFile(r.receipt(name))
	if err != nil {
		return krew.Plugin{}, fmt.Errorf("plugin %s is not installed", name)
	}
	return krew.Decode(text)
}

// place downloads, verifies and unpacks, and only then links.
func (r Root) place(ctx context.Context, name string) (version string, err error) {
	text, err := r.get(ctx, r.Index+"/plugins/"+name+".yaml")
	if err != nil {
		return "", err
	}
	plugin, err := krew.Decode(text)
	if err != nil {
		return "", err
	}
	if err := krew.Check(name+".yaml", plugin); err != nil {
		return "", fmt.Errorf("the manifest of plugin %s is wrong: %w", name, err)
	}
	platform, err := plugin.For(r.GOOS, r.GOARCH)
	if err != nil {
		return "", err
	}
	archive, err := r.get(ctx, platform.URI)
	if err != nil {
		return "", err
	}
	staging, err := os.MkdirTemp("", "krew-downloads-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staging)
	if err := krew.Unpack(platform, archive, staging); err != nil {
		return "", err
	}
	store := r.Store(name, plugin.Spec.Version)
	if err := errors.Join(os.RemoveAll(store), os.CopyFS(store, os.DirFS(staging))); err != nil {
		return "", err
	}
	return plugin.Spec.Version, errors.Join(
		r.link(name, filepath.Join(store, filepath.FromSlash(platform.Bin))), r.write(r.receipt(name), text))
}

// link points the plugin's link at a program, relative to the link as krew has it.
func (r Root) link(name, program string) error {
	if err := os.MkdirAll(r.Bin(), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(r.Bin(), program)
	if err != nil {
		return err
	}
	if err := os.Remove(r.Link(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(target, r.Link(name))
}

func (r Root) write(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

func (r Root) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := r.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("downloading %s: %s", address, response.Status)
	}
	return io.ReadAll(response.Body)
}
