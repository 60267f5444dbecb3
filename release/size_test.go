package main

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/release/krew"
	"github.com/kubectl-irsa/kubectl-irsa/release/pack"
)

// most bytes of the program for linux/amd64: 36 MB.
const most = 36_000_000

// TestTheReleasedPlugin packs this very plugin, as it is committed, for
// linux/amd64, from two clones.
func TestTheReleasedPlugin(t *testing.T) {
	machine := pack.Platform{OS: "linux", Arch: "amd64"}
	archives := make([][]byte, 2)
	source := ".."
	for i := range archives {
		clone := filepath.Join(t.TempDir(), "clone")
		out, err := exec.CommandContext(t.Context(), "git", "clone", "--quiet", source, clone).CombinedOutput()
		if err != nil {
			t.Fatalf("cloning: %v\n%s", err, out)
		}
		p := pack.Pack{
			Source: clone, Out: t.TempDir(), Version: "v0.1.0", Platforms: []pack.Platform{machine},
			Environ: os.Environ(), Log: io.Discard,
		}
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if archives[i], err = os.ReadFile(filepath.Join(p.Out, machine.Archive(p.Version))); err != nil {
			t.Fatal(err)
		}
		source = clone
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("packed twice, it differs")
	}
	dir := t.TempDir()
	if err := krew.Unpack(platformOf(machine, archives[0]), archives[0], dir); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, machine.Program())
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("the program has %d bytes, more than %d", info.Size(), most)
	}
	functions := linked(t, program)
	if !functions["main.main"] || !functions["github.com/kubectl-irsa/kubectl-irsa/pkg/cli.Main"] {
		t.Fatalf("the names of %d functions do not hold main.main: they were not read", len(functions))
	}
	// Whoever can run a template can call any method by its name, so that the
	// linker keeps all of them: 15 MB. Who brought it in is what
	// go build -ldflags=-dumpdep ./cmd/kubectl-irsa 2>&1 | grep text/template says.
	for name := range functions {
		if strings.HasPrefix(name, "text/template.(*state).") {
			t.Fatalf("the program holds %s: something it uses can run a text/template", name)
		}
	}
}

// linked are the names of a stripped program's functions, by the table that
// stack traces are printed from.
func linked(t *testing.T, program string) map[string]bool {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	section := file.Section(".gopclntab")
	if section == nil {
		t.Fatal("the program has no table of functions")
	}
	content, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(content, file.Section(".text").Addr))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range table.Funcs {
		names[f.Name] = true
	}
	return names
}
