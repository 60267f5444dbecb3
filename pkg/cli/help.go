package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usualFlags are the kubeconfig flags that every help page shows; the rest is
// one "kubectl irsa options" away, as with kubectl.
var usualFlags = []string{"context", "namespace", "kubeconfig"}

// helpColumns is how wide help is: every terminal shows it.
const helpColumns = 80

// help and usage are functions of our own: cobra's templates make the linker
// keep text/template, which is 15 MB.
func help(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	about := cmd.Long
	if about == "" {
		about = hanging(cmd.Short+".", 0)
	}
	fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(about))
	_ = writeUsage(w, cmd)
}

func usage(cmd *cobra.Command) error { return writeUsage(cmd.OutOrStderr(), cmd) }

func writeUsage(w io.Writer, cmd *cobra.Command) error {
	fmt.Fprintln(w, "Usage:")
	if works(cmd) {
		fmt.Fprintf(w, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "  %s COMMAND\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(w, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	writeCommands(w, cmd)
	if flags := ownFlags(cmd); flags.HasAvailableFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", flags.FlagUsagesWrapped(helpColumns))
	}
	if works(cmd) {
		fmt.Fprintf(w, "\nKubeconfig:\n%s", pick(cmd.Root().PersistentFlags(), usualFlags).FlagUsagesWrapped(helpColumns))
	}
	if cmd.Name() != "options" {
		fmt.Fprintf(w, "\nFlags that work with every command: %s options\n", cmd.Root().DisplayName())
	}
	return nil
}

// works reports whether a command does something itself: one that only holds
// others takes no argument.
func works(cmd *cobra.Command) bool {
	return cmd.Runnable() && (!cmd.HasAvailableSubCommands() || strings.Contains(cmd.Use, " "))
}

func writeCommands(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	groups := cmd.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Commands:"}}
	}
	column := 0
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			column = max(column, len("  "+sub.Name()+"  "))
		}
	}
	for _, g := range groups {
		var lines []string
		for _, sub := range cmd.Commands() {
			if sub.GroupID == g.ID && sub.IsAvailableCommand() {
				lines = append(lines, fmt.Sprintf("%-*s%s", column, "  "+sub.Name(), hanging(sub.Short, column)))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(w, "\n%s\n%s\n", g.Title, strings.Join(lines, "\n"))
		}
	}
}

// hanging is a text that begins in a column and goes on in that column.
func hanging(text string, column int) string {
	var b strings.Builder
	at := column
	for i, word := range strings.Fields(text) {
		switch {
		case i > 0 && at+1+len(word) > helpColumns:
			b.WriteString("\n" + strings.Repeat(" ", column))
			at = column
		case i > 0:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// ownFlags are the flags of cmd without the kubeconfig's.
func ownFlags(cmd *cobra.Command) *pflag.FlagSet {
	own := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	own.SortFlags = false
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" && cmd.Root().PersistentFlags().Lookup(flag.Name) == nil {
			own.AddFlag(flag)
		}
	})
	return own
}

func pick(from *pflag.FlagSet, names []string) *pflag.FlagSet {
	some := pflag.NewFlagSet("", pflag.ContinueOnError)
	some.SortFlags = false
	for _, name := range names {
		if flag := from.Lookup(name); flag != nil {
			some.AddFlag(flag)
		}
	}
	return some
}

func newHelpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:    "help [COMMAND]",
		Short:  "Help about any command",
		Hidden: true,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if cmd, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				for _, sub := range cmd.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, described(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("no help for %q", strings.Join(args, " "))
			}
			return cmd.Help()
		},
	}
}

// newOptionsCommand lists the flags that every command takes.
func newOptionsCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "options",
		Short: "List the flags that every command takes",
		Args:  nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "These flags work with every command:\n\n%s", root.PersistentFlags().FlagUsagesWrapped(helpColumns))
			return err
		},
	}
}
