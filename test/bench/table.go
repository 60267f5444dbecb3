package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// table is what is printed and kept.
type table struct{ outcomes map[string]outcome }

func newTable() *table { return &table{map[string]outcome{}} }

func (t *table) add(outcomes map[string]outcome) {
	for what, o := range outcomes {
		t.outcomes[what] = o
	}
}

const preamble = `# Benchmarks

Ratios of one run on one machine (%s, %d cores), made by ` + "`make bench`" + `. Each
figure is a median; what it is measured against ran in turn with it.

| what | against | this | that | ratio | at most |
|---|---|---|---|---|---|
`

// finish prints the table, writes it where it was measured whole, and fails
// where a row is over its bound.
func (t *table) finish(whole bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, preamble, runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU())
	var over []string
	for _, r := range rows {
		o, measured := t.outcomes[r.what]
		if !measured {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.3g | %.3g |\n", r.what, r.against, o.This, o.Other, o.Ratio, r.bound)
		if o.Ratio > r.bound {
			over = append(over, fmt.Sprintf("%s: %.3g, at most %.3g", r.what, o.Ratio, r.bound))
		}
	}
	fmt.Print(b.String())
	if whole {
		if err := os.WriteFile("docs/benchmarks.md", []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	if len(over) > 0 {
		return fmt.Errorf("over the bound:\n  %s", strings.Join(over, "\n  "))
	}
	return nil
}
