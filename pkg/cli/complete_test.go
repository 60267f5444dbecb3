package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// complete is what the shell is offered behind these words.
func complete(t *testing.T, words ...string) []string {
	t.Helper()
	var out bytes.Buffer
	p := Process{
		Args: append([]string{"kubectl_complete-irsa"}, words...), Out: &out, ErrOut: &bytes.Buffer{},
		Getenv: func(string) string { return "" }, Setenv: func(string, string) error { return nil },
	}
	if code := Main(t.Context(), p); code != exitWell {
		t.Fatalf("completing %q: exit code %d", words, code)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[:len(lines)-1] // the last is the directive
}

// TestEveryFlagWithAListOfValuesIsCompleted holds the values by which the help
// of a flag anywhere in the tree says what it takes, and that they are offered.
func TestEveryFlagWithAListOfValuesIsCompleted(t *testing.T) {
	var shells []string
	for _, kind := range shell.Kinds {
		shells = append(shells, string(kind))
	}
	var distributions []string
	distributions = append(distributions, issuer.Distributions()...)
	want := map[string][][]string{
		"bound-object-kind": {{"Pod", "Secret", "Node"}},
		"cache":             {{"file", "none"}},
		"distro":            {distributions},
		"dry-run":           {{"none", "client", "server"}},
		"fail-on":           {{"fail", "warn", "unknown"}},
		"for":               {generate.Commands()},
		"mode":              {{"process", "static", "token-file"}},
		"output": {
			{"json", "yaml", "name", "jsonpath="}, {"json", "yaml", "name", "wide", "jsonpath="}, {"json", "yaml", "jsonpath="},
			{"json", "yaml", "name", "wide", "dot", "mermaid", "jsonpath="},
		},
		"partition": {{"aws", "aws-cn", "aws-us-gov"}},
		"shell":     {shells},
	}
	got := map[string][][]string{}
	root := newRootCommand(newFactory(Process{Getenv: func(string) string { return "" }}))
	for cmd := range tree(root) {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			values := choices(flag.Usage)
			if values == nil || flag.Hidden {
				return
			}
			if !slices.ContainsFunc(got[flag.Name], func(other []string) bool { return slices.Equal(other, values) }) {
				got[flag.Name] = append(got[flag.Name], values)
			}
			path := strings.Fields(cmd.CommandPath())[2:]
			if diff := cmp.Diff(values, complete(t, append(path, "--"+flag.Name+"=")...)); diff != "" {
				t.Errorf("%s --%s (-help +completion):\n%s", cmd.CommandPath(), flag.Name, diff)
			}
		})
	}
	for _, lists := range got {
		slices.SortFunc(lists, slices.Compare)
	}
	for _, lists := range want {
		slices.SortFunc(lists, slices.Compare)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values that help lists (-want +got):\n%s", diff)
	}
}

func TestFlagsWithCommasAreCompletedBehindEach(t *testing.T) {
	cmd := &cobra.Command{Use: "x", Run: func(*cobra.Command, []string) {}}
	cmd.Flags().StringSlice("only", nil, "")
	someOf(cmd, "only", func() []string { return []string{"a", "b", "c"} })
	find, _ := cmd.GetFlagCompletionFunc("only")
	for typed, want := range map[string][]string{"": {"a", "b", "c"}, "b,": {"b,a", "b,c"}, "b,a,c": {"b,a,c"}} {
		if got, _ := find(cmd, nil, typed); !slices.Equal(got, want) {
			t.Errorf("behind %q: %q, not %q", typed, got, want)
		}
	}
}
