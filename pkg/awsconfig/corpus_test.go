package awsconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is what botocore reads; testdata/golden.py writes it.
type golden struct {
	Files    map[string]map[string]map[string]any // file, profile, key: a string or nested settings
	Commands map[string]map[string][]string       // operating system, line: words, or nil for an error
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"testdata/corpus/*", "testdata/corners/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			name, _ = filepath.Rel("testdata", name)
			if _, ok := g.Files[filepath.ToSlash(name)]; !ok {
				t.Errorf("%s is not in botocore.json: run testdata/golden.py", name)
			}
		}
	}
	return g
}

// unreadable are the lines at which the AWS CLI gives up, or, where Python does
// not name a line, those that cause it.
var unreadable = map[string]int{
	"corpus/13-duplicate-sections.ini":    7,
	"corpus/14-bom.ini":                   1,
	"corpus/16-key-without-value.ini":     2,
	"corpus/23-keys-before-section.ini":   1,
	"corpus/31-invalid-utf8.ini":          2,
	"corpus/34-section-trailing-junk.ini": 5,
	"corpus/37-cr-only-and-ff.ini":        5,
	"corners/x-comment-then-key.ini":      3,
	"corners/x-duplicate-crlf.ini":        3,
	"corners/x-duplicate-key.ini":         4,
	"corners/x-nested-without-equals.ini": 4,
	"corners/x-no-key.ini":                2,
	"corners/x-utf16.ini":                 1,
}

func profileMap(f *File) map[string]map[string]any {
	profiles := map[string]map[string]any{}
	for _, p := range f.Profiles() {
		profiles[p.Name] = map[string]any{}
		for _, s := range p.Settings {
			profiles[p.Name][s.Key] = s.Value
			if strings.HasPrefix(s.Value, "\n") {
				nested := map[string]any{}
				for _, n := range p.Nested(s.Key) {
					nested[n.Key] = n.Value
				}
				profiles[p.Name][s.Key] = nested
			}
		}
	}
	return profiles
}

func TestParseReadsEveryFileAsBotocoreDoes(t *testing.T) {
	for name, want := range readGolden(t).Files {
		t.Run(name, func(t *testing.T) {
			f, err := Read(filepath.Join("testdata", name))
			if want == nil {
				var syntax *SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("error %v, want a SyntaxError", err)
				}
				if syntax.Line != unreadable[name] {
					t.Errorf("line %d, want %d (%v)", syntax.Line, unreadable[name], err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, profileMap(f)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var someSettings = []Setting{
	{"credential_process", "/opt/bin/kubectl-irsa credential-process -n shop --service-account cart"},
	{"region", "eu-central-1"},
}

func setProfile(name string, settings ...Setting) func(*File) ([]Change, error) {
	return func(*File) ([]Change, error) { return []Change{{Profile: name, Set: settings}}, nil }
}

func removeProfile(name string) func(*File) ([]Change, error) {
	return func(*File) ([]Change, error) { return []Change{{Profile: name, Remove: true}}, nil }
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

func TestAProfileComesAndGoesWithoutATrace(t *testing.T) {
	for name, golden := range readGolden(t).Files {
		t.Run(name, func(t *testing.T) {
			before := readFile(t, filepath.Join("testdata", name))
			dir := t.TempDir()
			path := filepath.Join(dir, "config")
			writeFile(t, path, before)

			err := Edit(t.Context(), path, setProfile("shop-cart", someSettings...))
			if golden == nil {
				var syntax *SyntaxError
				if !errors.As(err, &syntax) || syntax.Line != unreadable[name] || syntax.Path != path {
					t.Errorf("error %v, want a SyntaxError for line %d of %s", err, unreadable[name], path)
				}
				if !bytes.Equal(readFile(t, path), before) {
					t.Error("the unreadable file was changed")
				}
				return
			}
			if strings.Contains(name, "bad-nested-alone") {
				// Any section makes this file unreadable.
				if err == nil || !bytes.Equal(readFile(t, path), before) {
					t.Errorf("error %v, want one, and the file as it was", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			added, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			profiles := profileMap(added)
			for _, s := range someSettings {
				if got := profiles["shop-cart"][s.Key]; got != s.Value {
					t.Errorf("%s = %q, want %q", s.Key, got, s.Value)
				}
			}
			delete(profiles, "shop-cart")
			if diff := cmp.Diff(golden, profiles); diff != "" {
				t.Errorf("other profiles changed: %s", diff)
			}
			if !bytes.HasPrefix(readFile(t, path), before) {
				t.Error("the bytes before the new section changed")
			}

			if err := Edit(t.Context(), path, removeProfile("shop-cart")); err != nil {
				t.Fatal(err)
			}
			after := readFile(t, path)
			if !sameUpToOneLineEnd(before, after) {
				t.Errorf("after adding and removing:\n%q\nwant\n%q", after, before)
			}
			if got := entries(t, dir); !slices.Equal(got, []string{"config"}) {
				t.Errorf("left behind: %q", got)
			}
		})
	}
}

// sameUpToOneLineEnd tells whether after is before, perhaps with a line end
// where before had none (a lone carriage return may become \r\n).
func sameUpToOneLineEnd(before, after []byte) bool {
	rest, ok := bytes.CutPrefix(after, before)
	if !ok || len(rest) == 0 {
		return ok
	}
	last := before[len(before)-1]
	return last != '\n' && (string(rest) == "\n" || last != '\r' && string(rest) == "\r\n")
}

// Every profile of every file can be given another region and another key, and
// nothing else changes; or the edit is refused and nothing changes at all.
func TestAnExistingProfileChangesAlone(t *testing.T) {
	refused := map[string]bool{ // profiles that not every reader sees, or sees once
		"corners/headers.ini x":                          true,
		"corners/headers.ini quoted":                     true,
		"corners/headers.ini d]":                         true,
		"corners/indented-header-is-a-value.ini default": true,
		"corners/cr-only.ini default":                    true,
		"corners/cr-only.ini dev":                        true,
		"corners/unicode.ini d\u00e9v":                   true,
		"corpus/08-quoted-profile.ini my dev":            true,
		"corpus/08-quoted-profile.ini single quoted":     true,
		"corpus/08-quoted-profile.ini it's":              true,
		"corpus/08-quoted-profile.ini prod/admin@corp":   true,
		"corpus/32-triple-quote.ini dev":                 true, // ini.v1 takes what follows for a quotation
		"corners/backtick-opens.ini dev":                 true, // so here
		"corners/backtick-opens.ini other":               true,
		"corpus/35-dup-default.ini default":              true,
	}
	for name, golden := range readGolden(t).Files {
		for profile := range golden {
			t.Run(name+" "+profile, func(t *testing.T) {
				before := readFile(t, filepath.Join("testdata", name))
				path := filepath.Join(t.TempDir(), "config")
				writeFile(t, path, before)
				err := Edit(t.Context(), path, setProfile(profile, Setting{"region", "mars-north-1"}, Setting{"kubectl_irsa", "shop/cart@kind"}))
				if want := refused[name+" "+profile]; (err != nil) != want {
					t.Fatalf("error %v, want one: %v", err, want)
				}
				if err != nil {
					if !bytes.Equal(readFile(t, path), before) {
						t.Error("the file was changed all the same")
					}
					return
				}
				f, err := Read(path)
				if err != nil {
					t.Fatal(err)
				}
				want := maps.Clone(golden)
				want[profile] = maps.Clone(golden[profile])
				want[profile]["region"], want[profile]["kubectl_irsa"] = "mars-north-1", "shop/cart@kind"
				if diff := cmp.Diff(want, profileMap(f)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}
