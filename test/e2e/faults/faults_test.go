//go:build e2e

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rows() []row {
	return slices.Concat(serviceAccountRows(), publicationRows(), keyRows(), providerRows(), roleRows(), podRows(), doctorRows())
}

// profile writes one of our profiles into the workstation's configuration.
func (w *world) profile(program, context, issuer string) {
	path := filepath.Join(w.Dir, "home", ".aws", "config")
	w.must(os.MkdirAll(filepath.Dir(path), 0o700))
	line := fmt.Sprintf("[profile ours]\ncredential_process = %s credential-process --kubeconfig %s --context %s -n shop --service-account cart --role-arn %s --audience sts.amazonaws.com --issuer %s\nkubectl_irsa = shop/cart@%s\n",
		program, filepath.Join(w.Dir, "kubeconfig"), context, w.RoleARN, issuer, context)
	w.must(os.WriteFile(path, []byte(line), 0o600))
}

// program is the one that is tested.
func (w *world) program() string {
	path, err := exec.LookPath("kubectl-irsa")
	w.must(err)
	return path
}

// TestEveryFaultIsNamedAndItsFixMends breaks the world in one way per row.
func TestEveryFaultIsNamedAndItsFixMends(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(w.reset)
	w.reset()
	full := os.Getenv("FULL") != "" || os.Getenv("CI") == ""
	for _, r := range rows() {
		if r.slow && !full {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			w := w.here(t)
			defer w.reset()
			if r.broke != nil {
				r.broke(w)
			}
			if w.stale {
				w.fresh()
			}
			run := r.run
			if run == "" {
				run = "inspect sa cart"
			}
			seen := w.irsa(run, true, r.env...)
			if diff := cmp.Diff(r.want, seen.root()); diff != "" {
				t.Fatalf("with AWS credentials (-want +got):\n%snot well: %v", diff, seen.notWell())
			}
			if got := strings.Join(seen.fixes(), "\n"); r.fix != "" && got != r.fix {
				t.Errorf("the fix (-want +got):\n%s", cmp.Diff(r.fix, got))
			}
			blind := r.blind
			if blind == "" {
				blind = r.want
			}
			unseeing := w.irsa(run, false, r.env...)
			if diff := cmp.Diff(blind, unseeing.root()); diff != "" {
				t.Errorf("without AWS credentials (-want +got):\n%snot well: %v", diff, unseeing.notWell())
			}
			if !r.paste || r.want == "-" {
				return
			}
			fixes := seen.fixes()
			if len(fixes) == 0 {
				t.Fatal("no line to paste")
			}
			w.paste(fixes)
			w.fresh()
			if after := w.irsa(run, true, r.env...); after.RootCause != nil {
				t.Errorf("after pasting %q: %s, not well: %v", fixes, after.root(), after.notWell())
			}
		})
	}
}

// TestBothFaultsOfAPairAreShown breaks two links at once.
func TestBothFaultsOfAPairAreShown(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(w.reset)
	w.reset()
	byName := map[string]row{}
	for _, r := range rows() {
		byName[r.name] = r
	}
	for _, pair := range [][2]string{
		{"a private bucket", "another ServiceAccount is trusted"},
		{"the key of another cluster", "no provider"},
		{"jwks_uri of the API server", "a role that does not exist"},
		{"a slash behind the published issuer", "a provider without the audience"},
		{"an algorithm that is not listed", "a wildcard under StringEquals"},
		{"an empty key set", "another audience is trusted"},
		{"more keys than AWS reads", "the condition's keys are another issuer's"},
		{"a page in place of the document", "another action is allowed"},
		{"no provider", "another namespace is trusted"},
		{"another key of the same name", "an AWS principal is trusted"},
		{"no key set", "no webhook, seen from the ServiceAccount"},
		{"no webhook, seen from the ServiceAccount", "no subject is asked for"},
	} {
		t.Run(strings.Join(pair[:], " and "), func(t *testing.T) {
			w := w.here(t)
			defer w.reset()
			var want []string
			for _, name := range pair {
				r, known := byName[name]
				if !known {
					t.Fatalf("there is no row %q", name)
				}
				r.broke(w)
				want = append(want, r.want)
			}
			w.fresh()
			seen := w.irsa("inspect sa cart", true)
			if seen.root() != want[0] {
				t.Errorf("root cause %s, want %s", seen.root(), want[0])
			}
			for _, one := range want {
				if !slices.Contains(seen.notWell(), one) {
					t.Errorf("%s is not shown: %v", one, seen.notWell())
				}
			}
		})
	}
}
