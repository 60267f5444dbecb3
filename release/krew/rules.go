package krew

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var (
	safeName   = regexp.MustCompile(`^[\w-]+$`)
	safeDigest = regexp.MustCompile(`^[a-f0-9]{64}$`)
	// semantic is https://semver.org with the v that krew asks for.
	semantic = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
		`(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
		`(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)
	// windowsDevices may name no file,
	// https://learn.microsoft.com/windows/win32/fileio/naming-a-file.
	windowsDevices = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[1-9]|lpt[1-9])$`)
)

// known are the machines that the index knows.
var known = []struct{ os, arch string }{
	{"windows", "386"}, {"windows", "amd64"}, {"windows", "arm64"},
	{"linux", "386"}, {"linux", "amd64"}, {"linux", "arm"}, {"linux", "arm64"}, {"linux", "ppc64le"}, {"linux", "s390x"},
	{"darwin", "386"}, {"darwin", "amd64"}, {"darwin", "arm64"},
}

// IsVersion reports whether krew takes tag as a version: semantic, behind a v.
func IsVersion(tag string) bool { return semantic.MatchString(tag) }

// Check says everything by which the index would refuse a manifest in a file of
// this name, as validate-krew-manifest of krew 0.4.5 does; nil where it would
// take it. The archives are CheckArchive's.
func Check(file string, p Plugin) error {
	var wrong []error
	rule := func(holds bool, format string, args ...any) {
		if !holds {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	rule(p.APIVersion == APIVersion, "apiVersion is %q, not %q", p.APIVersion, APIVersion)
	rule(p.Kind == Kind, "kind is %q, not %q", p.Kind, Kind)
	name, isYAML := strings.CutSuffix(path.Base(file), ".yaml")
	rule(isYAML, "the file %q does not end in .yaml", file)
	rule(p.Metadata.Name == name, "the plugin is named %q, its file %q", p.Metadata.Name, path.Base(file))
	rule(safeName.MatchString(p.Metadata.Name) && !windowsDevices.MatchString(p.Metadata.Name),
		"the name %q is not safe as a file's", p.Metadata.Name)
	rule(IsVersion(p.Spec.Version), "version %q is not semantic behind a v", p.Spec.Version)
	rule(p.Spec.ShortDescription != "", "shortDescription is empty")
	rule(!strings.ContainsAny(p.Spec.ShortDescription, "\r\n"), "shortDescription has more than one line")
	for field, limit := range map[string]struct {
		text string
		most int
	}{
		"shortDescription": {p.Spec.ShortDescription, 70},
		"description":      {p.Spec.Description, 80},
		"caveats":          {p.Spec.Caveats, 80},
	} {
		rule(linesFit(limit.text, limit.most), "%s has a line of more than %d characters", field, limit.most)
	}
	rule(len(p.Spec.Platforms) > 0, "no platform")
	for i, platform := range p.Spec.Platforms {
		for _, err := range platform.check() {
			wrong = append(wrong, fmt.Errorf("platforms[%d]: %w", i, err))
		}
	}
	return errors.Join(append(wrong, overlaps(p.Spec.Platforms)...)...)
}

// check says what is wrong with one platform.
func (p Platform) check() (wrong []error) {
	rule := func(holds bool, format string, args ...any) {
		if !holds {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	rule(p.URI != "", "uri is empty")
	rule(strings.HasSuffix(p.URI, ".tar.gz") || strings.HasSuffix(p.URI, ".zip"), "%q is neither a .tar.gz nor a .zip", p.URI)
	rule(safeDigest.MatchString(p.SHA256), "sha256 %q is not 64 lower-case hexadecimal digits", p.SHA256)
	rule(p.Bin != "", "bin is empty")
	rule(p.Files == nil || len(p.Files) > 0, "files is there and empty")
	for _, f := range p.Files {
		rule(f.From != "" && f.To != "", "a file has no from or no to")
	}
	if err := checkSelector(p.Selector); err != nil {
		return append(wrong, err)
	}
	matches := false
	for _, machine := range known {
		matches = matches || p.selects(machine.os, machine.arch)
	}
	rule(matches, "the selector matches no machine that krew knows")
	return wrong
}

func checkSelector(s *metav1.LabelSelector) error {
	if s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		return errors.New("the selector is empty")
	}
	var keys []string
	for key := range s.MatchLabels {
		keys = append(keys, key)
	}
	for _, expression := range s.MatchExpressions {
		keys = append(keys, expression.Key)
	}
	for _, key := range keys {
		if key != "os" && key != "arch" {
			return fmt.Errorf("the selector has a key %q beside os and arch", key)
		}
	}
	if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
		return fmt.Errorf("reading the selector: %w", err)
	}
	return nil
}

func (p Platform) selects(goos, goarch string) bool {
	selector, err := metav1.LabelSelectorAsSelector(p.Selector)
	return err == nil && selector.Matches(labels.Set{"os": goos, "arch": goarch})
}

func overlaps(platforms []Platform) (wrong []error) {
	for _, machine := range known {
		var found []int
		for i, platform := range platforms {
			if platform.selects(machine.os, machine.arch) {
				found = append(found, i)
			}
		}
		if len(found) > 1 {
			wrong = append(wrong, fmt.Errorf("platforms%v are all for %s/%s", found, machine.os, machine.arch))
		}
	}
	return wrong
}

// linesFit reports whether every line of more than one word has at most limit bytes.
func linesFit(text string, limit int) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > limit && strings.Contains(strings.TrimSpace(line), " ") {
			return false
		}
	}
	return true
}
