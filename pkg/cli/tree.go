package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Page is what the help of one command says, for a reader that shows it in
// another way than a terminal.
type Page struct {
	Path     string // "kubectl irsa role trust add"
	Group    string // of a command right below the root: "See why"
	Short    string // one line
	Long     string // paragraphs
	Usage    string // one line; "" for a command that only holds others
	Examples string // lines of a shell, not indented
	Flags    string // a table in plain text; of the root those that every command takes
	Commands []Page // in the order of the help; hidden ones are left out
}

// Tree is the help of every command. Defaults that depend on the machine come
// from p.Getenv, and from the user's home where the Kubernetes client looks there.
func Tree(p Process) Page {
	root := newRootCommand(newFactory(p))
	tree := newPage(root)
	tree.Flags = root.PersistentFlags().FlagUsages()
	return tree
}

func newPage(cmd *cobra.Command) Page {
	p := Page{
		Path: cmd.CommandPath(), Group: groupTitle(cmd), Short: cmd.Short, Long: strings.TrimSpace(cmd.Long),
		Examples: dedent(cmd.Example), Flags: flagTable(ownFlags(cmd)),
	}
	if works(cmd) {
		p.Usage = cmd.UseLine()
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			p.Commands = append(p.Commands, newPage(sub))
		}
	}
	return p
}

func groupTitle(cmd *cobra.Command) string {
	if cmd.HasParent() {
		for _, g := range cmd.Parent().Groups() {
			if g.ID == cmd.GroupID {
				return strings.TrimSuffix(g.Title, ":")
			}
		}
	}
	return ""
}

func flagTable(flags *pflag.FlagSet) string {
	if !flags.HasAvailableFlags() {
		return ""
	}
	return flags.FlagUsages()
}

// dedent takes the two blanks away that examples are indented by.
func dedent(example string) string {
	lines := strings.Split(strings.Trim(example, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \n")
}
