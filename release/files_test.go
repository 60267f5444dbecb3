package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
	"github.com/kubectl-irsa/kubectl-irsa/release/pack"
)

// platformOf is the platform of a manifest that would be true of an archive.
func platformOf(p pack.Platform, archive []byte) krew.Platform {
	sum := sha256.Sum256(archive)
	return krew.Platform{URI: p.Archive("v0.1.0"), SHA256: hex.EncodeToString(sum[:]), Bin: p.Program()}
}

var (
	uses   = regexp.MustCompile(`(?m)^[\s-]*uses:.*$`)
	pinned = regexp.MustCompile(`^[\s-]*uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// TestActionsArePinned wants the commit, and the version that it is as a comment.
func TestActionsArePinned(t *testing.T) {
	workflows, err := filepath.Glob("../.github/workflows/*.y*ml")
	if err != nil || len(workflows) < 2 {
		t.Fatalf("got %v, %v", workflows, err)
	}
	pins := map[string]string{}
	for _, name := range workflows {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var workflow struct {
			Permissions any            `json:"permissions"`
			Jobs        map[string]any `json:"jobs"`
		}
		if err := yaml.Unmarshal(text, &workflow); err != nil || len(workflow.Jobs) == 0 {
			t.Errorf("%s: %d jobs, %v", name, len(workflow.Jobs), err)
		}
		if workflow.Permissions == nil {
			t.Errorf("%s does not say which permissions it needs", name)
		}
		for _, line := range uses.FindAllString(strings.ReplaceAll(string(text), "\r", ""), -1) {
			if !pinned.MatchString(line) {
				t.Errorf("%s: %q is not pinned by a commit with its version", name, strings.TrimSpace(line))
				continue
			}
			action, pin, _ := strings.Cut(line[strings.Index(line, "uses: ")+6:], "@")
			if other := pins[action]; other != "" && other != pin {
				t.Errorf("%s: %s is pinned as %s here and as %s elsewhere", name, action, pin, other)
			}
			pins[action] = pin
		}
	}
	if len(pins) < 4 {
		t.Errorf("found only %v", slices.Collect(maps.Keys(pins)))
	}
}

// TestActionsOfOthersMayWriteNothing: GitHub's own are trusted with the release.
func TestActionsOfOthersMayWriteNothing(t *testing.T) {
	workflows, err := filepath.Glob("../.github/workflows/*.y*ml")
	if err != nil {
		t.Fatal(err)
	}
	others := 0
	for _, name := range workflows {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		type permissions map[string]string
		var workflow struct {
			Permissions permissions
			Jobs        map[string]struct {
				Permissions permissions
				Steps       []struct{ Uses string }
			}
		}
		if err := yaml.Unmarshal(text, &workflow); err != nil {
			t.Fatal(err)
		}
		for title, job := range workflow.Jobs {
			may := job.Permissions
			if may == nil {
				may = workflow.Permissions
			}
			for _, step := range job.Steps {
				if step.Uses == "" || strings.HasPrefix(step.Uses, "actions/") {
					continue
				}
				others++
				for what, how := range may {
					if how == "write" {
						t.Errorf("%s: %s may write %s in the job %s", name, step.Uses, what, title)
					}
				}
			}
		}
	}
	if others == 0 {
		t.Error("no action of others was found")
	}
}

// goreleaser is what this test reads of .goreleaser.yaml.
type goreleaser struct {
	Version int `json:"version"`
	Builds  []struct {
		Main, Binary                      string
		Env, Flags, LDFlags, GOOS, GOARCH []string
	} `json:"builds"`
	Archives []struct {
		Formats         []string `json:"formats"`
		FormatOverrides []struct {
			GOOS    string   `json:"goos"`
			Formats []string `json:"formats"`
		} `json:"format_overrides"`
		NameTemplate string   `json:"name_template"`
		Files        []string `json:"files"`
	} `json:"archives"`
	Checksum struct {
		NameTemplate string `json:"name_template"`
	} `json:"checksum"`
}

// TestGoReleaserMakesWhatThePackagerMakes compares names, flags and files.
func TestGoReleaserMakesWhatThePackagerMakes(t *testing.T) {
	text, err := os.ReadFile("../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var g goreleaser
	if err := yaml.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	if g.Version != 2 || len(g.Builds) != 1 || len(g.Archives) != 1 || len(g.Archives[0].FormatOverrides) != 1 {
		t.Fatalf("got %+v", g)
	}
	build, archive := g.Builds[0], g.Archives[0]
	got := map[string]any{
		"program": build.Main + " " + build.Binary, "environment": build.Env, "flags": build.Flags,
		"linker": fill(t, strings.Join(build.LDFlags, " "), pack.Platform{}),
		"files":  archive.Files, "checksums": g.Checksum.NameTemplate,
		"formats": fmt.Sprint(archive.Formats, archive.FormatOverrides),
	}
	want := map[string]any{
		"program": "./cmd/kubectl-irsa kubectl-irsa", "environment": []string{"CGO_ENABLED=0"}, "flags": pack.Flags,
		"linker": pack.LinkerFlags("v0.1.0", "COMMIT", "DATE"),
		"files":  pack.Extras, "checksums": pack.ChecksumsFile,
		"formats": "[tar.gz] [{windows [zip]}]",
	}
	var names, wantNames []string
	for _, goos := range build.GOOS {
		for _, goarch := range build.GOARCH {
			p := pack.Platform{OS: goos, Arch: goarch}
			names = append(names, fill(t, archive.NameTemplate, p))
		}
	}
	for _, p := range pack.Platforms {
		name := p.Archive("v0.1.0")
		wantNames = append(wantNames, strings.TrimSuffix(strings.TrimSuffix(name, ".tar.gz"), ".zip"))
	}
	got["archives"], want["archives"] = names, wantNames
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// fill gives GoReleaser's names values.
func fill(t *testing.T, text string, p pack.Platform) string {
	t.Helper()
	parsed, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	values := map[string]string{
		"ProjectName": "kubectl-irsa", "Version": "0.1.0", "FullCommit": "COMMIT", "CommitDate": "DATE", "Os": p.OS, "Arch": p.Arch,
	}
	if err := parsed.Execute(&out, values); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
