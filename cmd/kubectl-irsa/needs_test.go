package main

import (
	"encoding/json"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
)

// needs are the permissions at AWS that each command was seen to take, in all
// stories together.
var needs struct {
	sync.Mutex
	of map[string]map[string]bool
}

// count takes down what a program asked of AWS since the last one ended.
func (w *world) count(argv []string) {
	requests := w.aws.Requests()
	since := requests[w.counted:]
	w.counted = len(requests)
	if filepath.Base(argv[0]) != "kubectl-irsa" {
		return
	}
	commands := generate.Commands()
	at := slices.IndexFunc(argv, func(word string) bool { return slices.Contains(commands, word) })
	if at < 0 || slices.ContainsFunc(argv[:at], func(word string) bool { return strings.HasPrefix(word, "__complete") }) {
		return
	}
	needs.Lock()
	defer needs.Unlock()
	if needs.of == nil {
		needs.of = map[string]map[string]bool{}
	}
	if needs.of[argv[at]] == nil {
		needs.of[argv[at]] = map[string]bool{}
	}
	for _, r := range since {
		for _, permission := range r.Permissions {
			needs.of[argv[at]][permission] = true
		}
	}
}

// comparePolicies holds the policies of "generate iam-policy" to what the
// commands of the stories took: nothing less, and nothing more. A permission
// that no story takes has no business in a policy, or lacks its story.
func comparePolicies(t *testing.T) {
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // not every story was played to its end
	}
	for _, command := range generate.Commands() {
		var allowed []string
		if generate.Needs(command) {
			text, err := generate.PolicyFor(command, generate.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			var policy struct{ Statement []struct{ Action []string } }
			if err := json.Unmarshal(text, &policy); err != nil {
				t.Fatal(err)
			}
			for _, statement := range policy.Statement {
				allowed = append(allowed, statement.Action...)
			}
		}
		slices.Sort(allowed)
		allowed = slices.Compact(allowed)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(needs.of[command])), allowed); diff != "" {
			t.Errorf("what %s takes, and what its policy allows (-taken +allowed):\n%s", command, diff)
		}
	}
}
