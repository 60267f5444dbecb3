// Command bench measures speed and size as ratios: each figure of the plugin
// against a program that does the least that is needed, in one run on one
// machine, so that the ratio means the same everywhere. It starts the worlds
// that it needs, prints a table, writes it to docs/benchmarks.md, and exits 1
// where a row is over its bound.
//
//	go run ./test/bench [--rounds N] [--only WORD]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// row is one line of the table.
type row struct {
	world   []string // options of the world it is measured in; nil needs none
	what    string   // what is measured
	against string   // and what against
	bound   float64  // the greatest ratio
	measure func(*bench) (outcome, error)
}

// outcome is a ratio and the two figures behind it, in words.
type outcome struct {
	Ratio       float64
	This, Other string
}

// bench is what the rows share.
type bench struct {
	dir    string // of this run's programs and files
	rounds int
}

func (b *bench) program(name string) string { return filepath.Join(b.dir, name) }

func main() {
	rounds := flag.Int("rounds", 15, "how often each command is timed")
	only := flag.String("only", "", "measure the rows whose text holds this word")
	inside := flag.String("inside", "", "measure the rows of this world, in the directory that follows")
	flag.Parse()
	if err := start(*rounds, *only, *inside, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(rounds int, only, inside, dir string) error {
	if inside != "" {
		return measureInside(&bench{dir: dir, rounds: rounds}, only, inside)
	}
	dir, err := os.MkdirTemp("", "irsa-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{dir: dir, rounds: rounds}
	if err := b.build(); err != nil {
		return err
	}
	table := newTable()
	for _, world := range worlds() {
		outcomes, err := b.enter(world, only)
		if err != nil {
			return err
		}
		table.add(outcomes)
	}
	return table.finish(only == "")
}

// build makes the programs that are measured, as they are released.
func (b *bench) build() error {
	for name, pkg := range map[string]string{
		"kubectl-irsa": "./cmd/kubectl-irsa", "floor": "./test/bench/floor", "empty": "./test/bench/empty",
		"lister": "./test/bench/lister",
		"world":  "./test/world", "bench": "./test/bench",
	} {
		fmt.Fprintln(os.Stderr, "building", name)
		cmd := exec.Command("go", "build", "-trimpath", "-gcflags=github.com/aws/...=-l", "-gcflags=k8s.io/...=-l", "-ldflags", "-s -w", "-o", b.program(name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, text)
		}
	}
	return nil
}

// enter measures the rows of one world in it, and reads what came of them.
func (b *bench) enter(world, only string) (map[string]outcome, error) {
	if !wanted(world, only) {
		return nil, nil
	}
	file := filepath.Join(b.dir, "outcomes.json")
	argv := []string{b.program("bench"), "--rounds", fmt.Sprint(b.rounds), "--only", only, "--inside", world, b.dir}
	if world != noWorld {
		argv = append(append([]string{b.program("world"), "--plugin", b.dir}, strings.Fields(world)...), append([]string{"--"}, argv...)...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("in the world %q: %w", world, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var outcomes map[string]outcome
	return outcomes, json.Unmarshal(text, &outcomes)
}

func measureInside(b *bench, only, world string) error {
	outcomes := map[string]outcome{}
	for _, r := range rows {
		if r.worldName() != world || !strings.Contains(r.what, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", r.what)
		o, err := r.measure(b)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		outcomes[r.what] = o
	}
	text, err := json.Marshal(outcomes)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, "outcomes.json"), text, 0o600)
}

// noWorld is the name of doing without one.
const noWorld = "none"

func (r row) worldName() string {
	if r.world == nil {
		return noWorld
	}
	return strings.Join(r.world, " ")
}

// worlds are the distinct worlds of the rows, in their order.
func worlds() (names []string) {
	seen := map[string]bool{}
	for _, r := range rows {
		if name := r.worldName(); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func wanted(world, only string) bool {
	for _, r := range rows {
		if r.worldName() == world && strings.Contains(r.what, only) {
			return true
		}
	}
	return false
}
