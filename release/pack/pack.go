// Package pack makes a release: for each platform an archive of the plugin, and
// for all of them the checksums, a bill of materials and the manifest for krew.
// The same commit gives the same bytes, whoever packs it, where and when, with
// the same version of Go.
package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
)

// project names the program and its archives.
const project = "kubectl-irsa"

// Names of the files of a release beside its archives.
const (
	ChecksumsFile = "checksums.txt"
	ManifestFile  = "irsa.yaml"
)

// A Platform is what Go calls an operating system and an architecture.
type Platform struct{ OS, Arch string }

// Platforms are those that are released.
var Platforms = []Platform{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// ParsePlatform reads "linux/amd64".
func ParsePlatform(text string) (Platform, error) {
	goos, goarch, _ := strings.Cut(text, "/")
	p := Platform{goos, goarch}
	if !slices.Contains(Platforms, p) {
		return Platform{}, fmt.Errorf("%q is no platform that is released", text)
	}
	return p, nil
}

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Program is the name of the program in the platform's archive.
func (p Platform) Program() string {
	if p.OS == "windows" {
		return project + ".exe"
	}
	return project
}

// Archive is the file name of the platform's archive.
func (p Platform) Archive(version string) string {
	extension := ".tar.gz"
	if p.OS == "windows" {
		extension = ".zip"
	}
	return fmt.Sprintf("%s_%s_%s_%s%s", project, version, p.OS, p.Arch, extension)
}

// Extras are the files that every archive holds beside the program.
var Extras = []string{"LICENSE", "README.md", "plugins.yaml"}

// A Pack is what to release.
type Pack struct {
	// Source is the folder of go.mod, in a git work tree.
	Source string
	// Out is the folder that gets the files. Those of an earlier release in it
	// are removed.
	Out string
	// Version is semantic behind a v, as v0.1.0.
	Version string
	// Platforms to pack; the manifest is rendered only where they are all of them.
	Platforms []Platform
	// AllowDirty packs a work tree that is not the commit that it says it is.
	AllowDirty bool
	// Environ is the environment of git and go, as NAME=value.
	Environ []string
	// Log gets a line for every file.
	Log io.Writer
}

// Run packs, and judges what it has packed by the rules of krew's index.
func (p Pack) Run(ctx context.Context) error {
	if !krew.IsVersion(p.Version) {
		return fmt.Errorf("%q is no version: it must be semantic behind a v, as v0.1.0", p.Version)
	}
	commit, err := p.commit(ctx)
	if err != nil {
		return err
	}
	if err := p.clear(); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", project+"-release-")
	if err != nil {
		return err
	}
	files, err := p.pack(ctx, commit, work)
	if err = errors.Join(err, os.RemoveAll(work)); err != nil {
		return err
	}
	manifest, err := p.manifest(files)
	if err != nil {
		return err
	}
	return p.write(files, manifest)
}

// pack makes the archives and the bill of materials; work is for programs.
func (p Pack) pack(ctx context.Context, commit commit, work string) (map[string][]byte, error) {
	files := map[string][]byte{}
	var programs []string
	for _, platform := range p.Platforms {
		program := filepath.Join(work, platform.OS+"_"+platform.Arch, platform.Program())
		if err := p.build(ctx, platform, commit, program); err != nil {
			return nil, err
		}
		archive, err := p.archive(platform, commit.time, program)
		if err != nil {
			return nil, fmt.Errorf("packing for %s: %w", platform, err)
		}
		files[platform.Archive(p.Version)] = archive
		programs = append(programs, program)
	}
	bill, err := materials(programs, p.Version, commit)
	if err != nil {
		return nil, fmt.Errorf("writing the bill of materials: %w", err)
	}
	files[fmt.Sprintf("%s_%s_sbom.json", project, p.Version)] = bill
	files[ChecksumsFile] = checksums(files)
	return files, nil
}

// checksums are lines as sha256sum --check reads them.
func checksums(files map[string][]byte) []byte {
	var lines []string
	for name, content := range files {
		lines = append(lines, digest(content)+"  "+name+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	return []byte(strings.Join(lines, ""))
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// manifest is the template of krew-release-bot with the digests of files; nil
// where a platform is missing.
func (p Pack) manifest(files map[string][]byte) ([]byte, error) {
	for _, platform := range Platforms {
		if !slices.Contains(p.Platforms, platform) {
			return nil, nil
		}
	}
	text, err := os.ReadFile(filepath.Join(p.Source, ".krew.yaml"))
	if err != nil {
		return nil, fmt.Errorf("reading the krew template: %w", err)
	}
	rendered, err := krew.Render(text, p.Version, func(uri string) (string, error) {
		archive, ok := files[path.Base(uri)]
		if !ok {
			return "", fmt.Errorf("%s is no archive of this release", uri)
		}
		return digest(archive), nil
	})
	if err != nil {
		return nil, err
	}
	plugin, err := krew.Decode(rendered)
	if err != nil {
		return nil, err
	}
	if err := krew.Check(ManifestFile, plugin); err != nil {
		return nil, fmt.Errorf("the index would refuse %s: %w", ManifestFile, err)
	}
	for _, platform := range plugin.Spec.Platforms {
		if err := krew.CheckArchive(platform, files[path.Base(platform.URI)]); err != nil {
			return nil, fmt.Errorf("the index would refuse an archive: %w", err)
		}
	}
	return rendered, nil
}

// clear makes the folder Out and takes an earlier release out of it.
func (p Pack) clear() error {
	if err := os.MkdirAll(p.Out, 0o750); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(p.Out, project+"_v*"))
	if err != nil {
		return err
	}
	for _, name := range append(old, filepath.Join(p.Out, ChecksumsFile), filepath.Join(p.Out, ManifestFile)) {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing an earlier release: %w", err)
		}
	}
	return nil
}

func (p Pack) write(files map[string][]byte, manifest []byte) error {
	if manifest != nil {
		files[ManifestFile] = manifest
	} else {
		fmt.Fprintf(p.Log, "%s is left out: it needs the archives of all platforms\n", ManifestFile)
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(p.Out, name), files[name], 0o644); err != nil {
			return err
		}
		fmt.Fprintf(p.Log, "%s  %8d  %s\n", digest(files[name])[:12], len(files[name]), name)
	}
	return nil
}
