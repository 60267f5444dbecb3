// Package shell writes changes of environment variables in the languages of
// shells, so that a shell that reads them has exactly the values that were
// meant. It runs nothing and reads no environment.
package shell

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// Kind is a language to write in.
type Kind string

// The languages.
const (
	Bash       Kind = "bash"       // and every other shell of POSIX: sh, dash, ksh
	Zsh        Kind = "zsh"        //
	Fish       Kind = "fish"       //
	PowerShell Kind = "powershell" // Windows PowerShell and PowerShell 7
	Cmd        Kind = "cmd"        // a batch file, or FOR /F at the prompt
	Dotenv     Kind = "dotenv"     // NAME=value lines
	JSON       Kind = "json"       // one object
)

// Kinds are all of them, in the order in which help lists them.
var Kinds = []Kind{Bash, Zsh, Fish, PowerShell, Cmd, Dotenv, JSON}

// programs are the shells of each language that has some, by the names of their
// programs.
var programs = map[string]Kind{
	"bash": Bash, "sh": Bash, "dash": Bash, "ash": Bash, "ksh": Bash, "mksh": Bash, "busybox": Bash,
	"zsh": Zsh, "fish": Fish, "pwsh": PowerShell, "powershell": PowerShell, "cmd": Cmd,
}

// Parse is the Kind that a person named, by its own name or a shell's.
func Parse(name string) (Kind, error) {
	if kind := Kind(name); slices.Contains(Kinds, kind) {
		return kind, nil
	}
	if kind, known := programs[name]; known {
		return kind, nil
	}
	return "", fmt.Errorf("unknown shell %q: use %s", name, list())
}

// Detect is the shell of whoever calls: what SHELL names, and PowerShell on
// Windows where it names nothing. A shell whose language is none of Kinds is an
// error that says so.
func Detect(shellVariable, goos string) (Kind, error) {
	name := program(shellVariable)
	switch kind, known := programs[name]; {
	case known:
		return kind, nil
	case name == "" && goos == "windows":
		return PowerShell, nil
	case name == "":
		return Bash, nil
	}
	return "", fmt.Errorf("SHELL names %q, whose language is not known here: use %s", name, list())
}

func program(file string) string {
	name := path.Base(strings.ReplaceAll(file, `\`, "/"))
	if name == "." {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}

func list() string {
	var names []string
	for _, kind := range Kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// Change is what becomes of one environment variable.
type Change struct {
	Name  string
	Value string
	Unset bool // take the variable away; Value says nothing
}

// Set is a Change that gives a variable a value.
func Set(name, value string) Change { return Change{Name: name, Value: value} }

// Unset is a Change that takes a variable away.
func Unset(name string) Change { return Change{Name: name, Unset: true} }

// variableName is what every shell takes for a name:
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html.
var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Text is the changes in the language k, in their order, ready to be
// evaluated. It is an error where the language has no exact way to say one of
// them; the error names the variable and never its value.
func (k Kind) Text(changes []Change) (string, error) {
	for _, c := range changes {
		if !variableName().MatchString(c.Name) {
			return "", fmt.Errorf("%q is no name of an environment variable", c.Name)
		}
		if strings.ContainsRune(c.Value, 0) {
			return "", fmt.Errorf("the value of %s holds a NUL, which no environment can", c.Name)
		}
	}
	if k == JSON {
		return document(changes)
	}
	line, known := lines[k]
	if !known {
		return "", fmt.Errorf("unknown shell %q: use %s", string(k), list())
	}
	var b strings.Builder
	for _, c := range changes {
		text, err := line(c)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
