package docs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = "# A page\n<!-- world: --bare -->\n\n```console\n$ echo one\none\n$ echo \\\n  two\ntwo\n$ cat <<EOF\nthree\nEOF\nthree\n```\n\ntext\n\n```console norun\n$ reboot\n```\n"

func TestParseFindsCommandsAndKeepsThePage(t *testing.T) {
	p := parse(sample)
	if got := p.with(nil); got != sample {
		t.Errorf("the page changed: %s", cmp.Diff(sample, got))
	}
	if d := cmp.Diff([][]string{{"--bare"}}, p.worlds); d != "" {
		t.Error(d)
	}
	type shown struct{ Command, Output string }
	var got []shown
	for _, i := range p.commands() {
		got = append(got, shown{p.parts[i].command, p.parts[i].output})
	}
	if d := cmp.Diff([]shown{{"echo one\n", "one\n"}, {"echo \\\n  two\n", "two\n"}, {"cat <<EOF\nthree\nEOF\n", "three\n"}}, got); d != "" {
		t.Error(d)
	}
	at := p.commands()
	if d := cmp.Diff(true, p.with(map[int]string{at[0]: "other\n"}) != sample); d != "" {
		t.Error("a changed output leaves the page as it was")
	}
}

func TestAPageMayMoveToAnotherWorld(t *testing.T) {
	p := parse("```console\n$ one\n```\n<!-- world: --bare -->\n```console\n$ two\n$ three\n```\n")
	if d := cmp.Diff([][]string{nil, {"--bare"}}, p.worlds); d != "" {
		t.Error(d)
	}
	var worlds []int
	for _, i := range p.commands() {
		worlds = append(worlds, p.parts[i].world)
	}
	if d := cmp.Diff([]int{0, 1, 1}, worlds); d != "" {
		t.Error(d)
	}
}

func TestAlikeSeesThroughWhatChanges(t *testing.T) {
	one := "expires 2026-11-23 12:53:33 (1h), session ann-shop-cart-3cfa3ec1 key wgsBf6Kv1q_lejEJ1jtNiLxDKJMCpoBpAi6lpLb_3Cc took 80 ms"
	other := "expires 2027-01-02 03:04:05 (59m), session ann-shop-cart-00000000 key _78kNeB7uxvngg29xFG9qf0Pkgy0NXBWNjSnz0K88D8 took 80 ms"
	if d := cmp.Diff(alike(one), alike(other)); d != "" {
		t.Error(d)
	}
	if alike("role cart") == alike("role card") {
		t.Error("two roles are alike")
	}
}
