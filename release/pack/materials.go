package pack

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 builds version 5 of a UUID on it
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// bill is a bill of materials in CycloneDX 1.5,
// https://cyclonedx.org/docs/1.5/json/.
type bill struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	SerialNumber string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PackageURL string     `json:"purl"`
	Licenses   []licence  `json:"licenses,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type licence struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// materials lists the modules that the linker has put into any of programs, the
// standard library among them, by what Go has recorded there. A property holds
// the module's line in go.sum.
func materials(programs []string, version string, c commit) ([]byte, error) {
	found := map[string]component{}
	var main component
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, err
		}
		main = module("application", info.Main.Path, version)
		number := strings.TrimPrefix(info.GoVersion, "go")
		library := component{Type: "library", Name: "std", Version: number, PackageURL: "pkg:golang/std@" + number}
		library.Ref = library.PackageURL
		found[library.Ref] = library
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			part := module("library", m.Path, m.Version)
			if m.Sum != "" {
				part.Properties = []property{{"go:h1", m.Sum}}
			}
			found[part.Ref] = part
		}
	}
	own := licence{}
	own.License.ID = "Apache-2.0"
	main.Licenses = []licence{own}
	main.Properties = []property{{"commit", c.hash}}
	refs := slices.Sorted(maps.Keys(found))
	list := bill{
		Format: "CycloneDX", SpecVersion: "1.5", Version: 1, SerialNumber: "urn:uuid:" + uuid(main.Ref+" "+c.hash),
		Metadata:     metadata{Timestamp: c.date(), Component: main},
		Dependencies: []dependency{{main.Ref, refs}},
	}
	for _, ref := range refs {
		list.Components = append(list.Components, found[ref])
		list.Dependencies = append(list.Dependencies, dependency{Ref: ref})
	}
	text, err := json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}

// module is a Go module under its package URL,
// https://github.com/package-url/purl-spec.
func module(kind, path, version string) component {
	address := "pkg:golang/" + strings.ReplaceAll(url.PathEscape(path), "%2F", "/") + "@" + url.QueryEscape(version)
	return component{Type: kind, Ref: address, Name: path, Version: version, PackageURL: address}
}

// uuid is that of a name in the namespace of URLs, by RFC 9562 section 5.5.
func uuid(name string) string {
	namespace := "\x6b\xa7\xb8\x11\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8"
	sum := sha1.Sum([]byte(namespace + name)) //nolint:gosec // see the import
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
