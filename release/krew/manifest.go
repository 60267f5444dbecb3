// Package krew knows the plugin manifests of krew, https://krew.sigs.k8s.io:
// it renders the template of krew-release-bot, states the rules by which the
// index krew-index accepts a manifest and its archives, and unpacks an archive
// as krew does.
package krew

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// APIVersion and Kind are those of a plugin manifest.
const (
	APIVersion = "krew.googlecontainertools.github.com/v1alpha2"
	Kind       = "Plugin"
)

// Plugin is a manifest, as plugins/NAME.yaml of an index holds it.
type Plugin struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata names a plugin.
type Metadata struct {
	Name string `json:"name"`
}

// Spec says what a plugin is and where its archives are.
type Spec struct {
	Version          string     `json:"version"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description,omitempty"`
	Caveats          string     `json:"caveats,omitempty"`
	Homepage         string     `json:"homepage,omitempty"`
	Platforms        []Platform `json:"platforms"`
}

// Platform is an archive and the machines that it is for.
type Platform struct {
	URI      string                `json:"uri"`
	SHA256   string                `json:"sha256"`
	Selector *metav1.LabelSelector `json:"selector"`
	Files    []FileOperation       `json:"files,omitempty"`
	// Bin is the program's path in the archive, with slashes.
	Bin string `json:"bin"`
}

// FileOperation is a file of the archive and where it goes.
type FileOperation struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Decode reads a manifest and refuses fields that krew does not know, and keys
// that appear twice.
func Decode(text []byte) (Plugin, error) {
	var p Plugin
	if err := yaml.UnmarshalStrict(text, &p); err != nil {
		return Plugin{}, fmt.Errorf("reading the plugin manifest: %w", err)
	}
	return p, nil
}

// For is the platform of a manifest that a machine of goos and goarch installs.
func (p Plugin) For(goos, goarch string) (Platform, error) {
	for _, platform := range p.Spec.Platforms {
		if platform.selects(goos, goarch) {
			return platform, nil
		}
	}
	return Platform{}, fmt.Errorf("plugin %s has no archive for %s/%s", p.Metadata.Name, goos, goarch)
}
