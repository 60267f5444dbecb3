package krew_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
)

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// rendered is the manifest of this repository, for archives of one digest.
func rendered(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", ".krew.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := krew.Render(text, "v0.1.0", func(string) (string, error) { return digest, nil })
	if err != nil {
		t.Fatal(err)
	}
	return string(manifest)
}

func TestTheManifestKeepsEveryRuleOfTheIndex(t *testing.T) {
	plugin, err := krew.Decode([]byte(rendered(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := krew.Check("plugins/irsa.yaml", plugin); err != nil {
		t.Error(err)
	}
	got := map[string]string{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, goarch := range []string{"amd64", "arm64"} {
			platform, err := plugin.For(goos, goarch)
			if err != nil {
				t.Fatal(err)
			}
			got[goos+"/"+goarch] = platform.URI + " " + platform.Bin
		}
	}
	base := "https://github.com/kubectl-irsa/kubectl-irsa/releases/download/v0.1.0/kubectl-irsa_v0.1.0_"
	want := map[string]string{
		"linux/amd64":   base + "linux_amd64.tar.gz kubectl-irsa",
		"linux/arm64":   base + "linux_arm64.tar.gz kubectl-irsa",
		"darwin/amd64":  base + "darwin_amd64.tar.gz kubectl-irsa",
		"darwin/arm64":  base + "darwin_arm64.tar.gz kubectl-irsa",
		"windows/amd64": base + "windows_amd64.zip kubectl-irsa.exe",
		"windows/arm64": base + "windows_arm64.zip kubectl-irsa.exe",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := plugin.For("linux", "s390x"); err == nil {
		t.Error("there is an archive for linux/s390x")
	}
}

func TestTheIndexRefuses(t *testing.T) {
	tests := map[string]struct {
		file     string // irsa.yaml
		old, new string // in the manifest
		want     string
	}{
		"another apiVersion":              {old: "v1alpha2", new: "v1alpha3", want: `apiVersion is "krew.googlecontainertools.github.com/v1alpha3", not "krew.googlecontainertools.github.com/v1alpha2"`},
		"another kind":                    {old: "kind: Plugin", new: "kind: Receipt", want: `kind is "Receipt", not "Plugin"`},
		"a file of another name":          {file: "plugins/iam.yaml", want: `the plugin is named "irsa", its file "iam.yaml"`},
		"a file that is no .yaml":         {file: "plugins/irsa.yml", want: `the file "plugins/irsa.yml" does not end in .yaml`},
		"a name that is no file name":     {file: "ir/sa.yaml", old: "name: irsa", new: "name: ir/sa", want: `the name "ir/sa" is not safe as a file's`},
		"a name that Windows keeps":       {file: "nul.yaml", old: "name: irsa", new: "name: nul", want: `the name "nul" is not safe as a file's`},
		"a version without its v":         {old: "version: v0.1.0", new: "version: 0.1.0", want: `version "0.1.0" is not semantic behind a v`},
		"a version of two numbers":        {old: "version: v0.1.0", new: "version: v0.1", want: `version "v0.1" is not semantic behind a v`},
		"a version with a leading zero":   {old: "version: v0.1.0", new: "version: v0.01.0", want: `version "v0.01.0" is not semantic behind a v`},
		"no version":                      {old: "version: v0.1.0", new: "version: ''", want: `version "" is not semantic behind a v`},
		"no short description":            {old: "shortDescription: Use and debug IAM roles for ServiceAccounts", new: "shortDescription: ''", want: "shortDescription is empty"},
		"a short description of lines":    {old: "shortDescription: Use and", new: "shortDescription: |\n    Use and\n   ", want: "shortDescription has more than one line"},
		"a long short description":        {old: "Use and debug", new: "Use and debug and follow and mend and build and admire", want: "shortDescription has a line of more than 70 characters"},
		"a long line of the description":  {old: "Get AWS credentials", new: "Get, in one single command, AWS credentials", want: "description has a line of more than 80 characters"},
		"a platform without a uri":        {old: "uri: https://github.com/kubectl-irsa/kubectl-irsa/releases/download/v0.1.0/kubectl-irsa_v0.1.0_linux_amd64.tar.gz", new: "uri: ''", want: `platforms[0]: uri is empty`},
		"an archive of another kind":      {old: "linux_amd64.tar.gz", new: "linux_amd64.tar.xz", want: "is neither a .tar.gz nor a .zip"},
		"a digest that is cut":            {old: digest, new: digest[1:], want: `platforms[0]: sha256 "` + digest[1:] + `" is not 64 lower-case hexadecimal digits`},
		"a digest in upper case":          {old: digest, new: strings.ToUpper(digest), want: "is not 64 lower-case hexadecimal digits"},
		"a platform without a program":    {old: "bin: kubectl-irsa\n", new: "bin: ''\n", want: "platforms[0]: bin is empty"},
		"files that are none":             {old: "bin: kubectl-irsa\n", new: "bin: kubectl-irsa\n    files: []\n", want: "platforms[0]: files is there and empty"},
		"a file that goes nowhere":        {old: "bin: kubectl-irsa\n", new: "bin: kubectl-irsa\n    files: [{from: '*', to: ''}]\n", want: "platforms[0]: a file has no from or no to"},
		"a selector of another key":       {old: "        arch: amd64\n", new: "        arch: amd64\n        libc: musl\n", want: `platforms[0]: the selector has a key "libc" beside os and arch`},
		"an empty selector":               {old: "matchLabels:\n        os: linux\n        arch: amd64\n", new: "matchLabels: {}\n", want: "platforms[0]: the selector is empty"},
		"a selector that means nothing":   {old: "matchLabels:\n        os: linux\n        arch: amd64\n", new: "matchExpressions: [{key: os, operator: Is, values: [linux]}]\n", want: `platforms[0]: reading the selector: "Is" is not a valid label selector operator`},
		"a machine that nobody has":       {old: "os: linux\n        arch: amd64", new: "os: plan9\n        arch: amd64", want: "platforms[0]: the selector matches no machine that krew knows"},
		"two archives for one machine":    {old: "        arch: arm64\n", new: "        arch: amd64\n", want: "platforms[0 1] are all for linux/amd64"},
		"an archive that is also another": {old: "        os: linux\n        arch: amd64\n", new: "        os: linux\n", want: "platforms[0 1] are all for linux/arm64"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			text := rendered(t)
			if !strings.Contains(text, tc.old) {
				t.Fatalf("%q is not in the manifest", tc.old)
			}
			plugin, err := krew.Decode([]byte(strings.Replace(text, tc.old, tc.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if tc.file == "" {
				tc.file = "irsa.yaml"
			}
			if err := krew.Check(tc.file, plugin); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	t.Run("a manifest without platforms", func(t *testing.T) {
		text, _, _ := strings.Cut(rendered(t), "  platforms:")
		plugin, err := krew.Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := krew.Check("irsa.yaml", plugin); err == nil || err.Error() != "no platform" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a field that krew does not know", func(t *testing.T) {
		_, err := krew.Decode([]byte(rendered(t) + "    signature: none\n"))
		if err == nil || !strings.Contains(err.Error(), `unknown field "signature"`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRender(t *testing.T) {
	sum := func(uri string) (string, error) { return "digest-of-" + uri, nil }
	tests := map[string]struct{ template, want, err string }{
		"the tag and its number": {template: "{{ .TagName }} {{ .Version }}", want: "v1.2.3-rc.1 1.2.3"},
		"an address and its digest, indented by four": {
			template: `    {{addURIAndSha "https://x/{{ .TagName }}/{{ .Version }}.zip" .TagName }}`,
			want:     "    uri: https://x/v1.2.3-rc.1/1.2.3.zip\n    sha256: digest-of-https://x/v1.2.3-rc.1/1.2.3.zip",
		},
		"an address and its digest, indented by two": {
			template: `  {{addURIAndSha "https://x" .TagName | indent 2 }}`,
			want:     "  uri: https://x\n  sha256: digest-of-https://x",
		},
		"a field that the bot does not have": {template: "{{ .Commit }}", err: "can't evaluate field Commit"},
		"a function that it does not have":   {template: "{{ now }}", err: `function "now" not defined`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := krew.Render([]byte(tc.template), "v1.2.3-rc.1", sum)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, string(got)); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}
