package shell_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind    shell.Kind
		changes []shell.Change
		want    string
	}{
		"bash exports, and takes away":                {shell.Bash, []shell.Change{shell.Unset("AWS_PROFILE"), shell.Set("A", "b/c+d==")}, "unset AWS_PROFILE\nexport A='b/c+d=='\n"},
		"bash leaves and enters quotes for a quote":   {shell.Bash, []shell.Change{shell.Set("A", `it's $HOME`)}, `export A='it'\''s $HOME'` + "\n"},
		"zsh writes as bash does":                     {shell.Zsh, []shell.Change{shell.Set("A", "'")}, `export A=''\'''` + "\n"},
		"fish escapes quotes and backslashes":         {shell.Fish, []shell.Change{shell.Set("A", `it's a \ $x`)}, `set -gx A 'it\'s a \\ $x';` + "\n"},
		"fish takes away":                             {shell.Fish, []shell.Change{shell.Unset("A")}, "set -eg A; set -qU A; and echo 'A is universal and stays: set -eU A' >&2; or true;\n"},
		"PowerShell doubles quotes":                   {shell.PowerShell, []shell.Change{shell.Set("A", "it's $x `n")}, "$Env:A = 'it''s $x `n'\n"},
		"PowerShell doubles typographic quotes too":   {shell.PowerShell, []shell.Change{shell.Set("A", "\u2018\u2019\u201a\u201b")}, "$Env:A = '\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201b'\n"},
		"PowerShell takes away":                       {shell.PowerShell, []shell.Change{shell.Unset("A")}, "$Env:A = $null\n"},
		"cmd quotes the assignment, not the value":    {shell.Cmd, []shell.Change{shell.Set("A", "a & b ^ c | d")}, "set \"A=a & b ^ c | d\"\r\n"},
		"cmd takes away with an empty value":          {shell.Cmd, []shell.Change{shell.Unset("A")}, "set \"A=\"\r\n"},
		"dotenv leaves plain values bare, for docker": {shell.Dotenv, []shell.Change{shell.Set("A", "IQoJ/b+3d==")}, "A=IQoJ/b+3d==\n"},
		"dotenv quotes a blank and a hash":            {shell.Dotenv, []shell.Change{shell.Set("A", "a #b")}, "A='a #b'\n"},
		"json keeps the order, and null takes away":   {shell.JSON, []shell.Change{shell.Set("B", "a<\"\n"), shell.Unset("A")}, "{\n  \"B\": \"a<\\\"\\n\",\n  \"A\": null\n}\n"},
		"json of nothing is an empty object":          {shell.JSON, nil, "{}\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.kind.Text(tc.changes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			if tc.kind == shell.JSON && !json.Valid([]byte(got)) {
				t.Error("the document is no JSON")
			}
		})
	}
}

func TestTextRefusesWhatHasNoExactForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   shell.Kind
		change shell.Change
		want   string
	}{
		"a percent sign in cmd":           {shell.Cmd, shell.Set("A", "hush%"), "cmd has no exact way to write the value of A, which holds a quote, a percent sign, an exclamation mark or a new line: use powershell"},
		"an exclamation mark in cmd":      {shell.Cmd, shell.Set("A", "hush!"), "cmd has no exact way to write the value of A, which holds a quote, a percent sign, an exclamation mark or a new line: use powershell"},
		"a quote in cmd":                  {shell.Cmd, shell.Set("A", `hush" & calc`), "cmd has no exact way to write the value of A, which holds a quote, a percent sign, an exclamation mark or a new line: use powershell"},
		"a dollar in dotenv":              {shell.Dotenv, shell.Set("A", "hush ${B}"), "readers of dotenv files disagree about the value of A, which holds a quote, a backslash, a dollar sign or a new line: use json"},
		"taking away in dotenv":           {shell.Dotenv, shell.Unset("A"), "a dotenv file cannot take A away"},
		"a NUL anywhere":                  {shell.JSON, shell.Set("A", "hush\x00"), "the value of A holds a NUL, which no environment can"},
		"a name that is none":             {shell.Bash, shell.Set("A B", "hush"), `"A B" is no name of an environment variable`},
		"a name that would be code":       {shell.Bash, shell.Unset("A;id"), `"A;id" is no name of an environment variable`},
		"a language that is none of ours": {shell.Kind("tcsh"), shell.Set("A", "hush"), `unknown shell "tcsh": use bash, zsh, fish, powershell, cmd, dotenv or json`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := tc.kind.Text([]shell.Change{tc.change})
			if err == nil || text != "" {
				t.Fatalf("got %q and no error", text)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Error("the error shows the value")
			}
		})
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		variable, goos string
		want           shell.Kind
		wantErr        string
	}{
		"bash by its path":              {"/usr/local/bin/bash", "darwin", shell.Bash, ""},
		"sh and dash write as bash":     {"/bin/dash", "linux", shell.Bash, ""},
		"zsh":                           {"/bin/zsh", "darwin", shell.Zsh, ""},
		"fish":                          {"/usr/bin/fish", "linux", shell.Fish, ""},
		"PowerShell on Linux":           {"/usr/bin/pwsh", "linux", shell.PowerShell, ""},
		"nothing said, on Windows":      {"", "windows", shell.PowerShell, ""},
		"Git Bash on Windows":           {`C:\Program Files\Git\usr\bin\bash.exe`, "windows", shell.Bash, ""},
		"nothing said, elsewhere":       {"", "linux", shell.Bash, ""},
		"a shell with its own language": {"/usr/bin/nu", "linux", "", `SHELL names "nu", whose language is not known here: use bash, zsh, fish, powershell, cmd, dotenv or json`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := shell.Detect(tc.variable, tc.goos)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff([]string{string(tc.want), tc.wantErr}, []string{string(got), message}); diff != "" {
				t.Errorf("kind and error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseTakesEveryKindAndItsShellsAndNoOther(t *testing.T) {
	t.Parallel()
	for _, kind := range shell.Kinds {
		if got, err := shell.Parse(string(kind)); err != nil || got != kind {
			t.Errorf("Parse(%q) = %q, %v", kind, got, err)
		}
	}
	for name, want := range map[string]shell.Kind{"sh": shell.Bash, "ksh": shell.Bash, "pwsh": shell.PowerShell} {
		if got, err := shell.Parse(name); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v", name, got, err)
		}
	}
	if _, err := shell.Parse("tcsh"); err == nil {
		t.Error("tcsh was taken")
	}
}
