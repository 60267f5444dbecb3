package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// apart takes the words of "inspect KIND/NAME" apart, which kubectl's commands
// understand as well as "KIND NAME".
func apart(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil || cmd.Name() != "inspect" {
		return args
	}
	for i, arg := range rest {
		kind, name, slash := strings.Cut(arg, "/")
		isKind := func(c *cobra.Command) bool { return c.Name() == kind || c.HasAlias(kind) }
		if slash && slices.ContainsFunc(cmd.Commands(), isKind) {
			return slices.Concat([]string{cmd.Name(), kind, name}, rest[:i], rest[i+1:])
		}
	}
	return args
}

// typed are the words of the command line behind the program's name, for a hint
// that repeats them.
func (f *Factory) typed() []string { return withoutTokens(arguments(f.process.Args)) }

// withoutTokens are words of a command line without the bearer token that they may
// hold: what is printed ends in logs.
func withoutTokens(words []string) []string {
	const flag = "--token"
	shown := slices.Clone(words)
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, flag+"="):
			shown[i] = flag + "=..."
		case i > 0 && words[i-1] == flag:
			shown[i] = "..."
		}
	}
	return shown
}

// needs asks for exactly these arguments, in words of the usage line.
func needs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError{hint.Wrap(errors.New("missing "+strings.Join(names[len(args):], " ")), "usage: "+cmd.UseLine())}
		case len(args) > len(names) && len(names) > 0 && isServiceAccountKind(args[0]):
			return usageError{hint.Wrap(errors.New("the kind and the name of a ServiceAccount are one word"), "write sa/"+args[1])}
		case len(args) > len(names):
			return usageError{hint.Wrap(errors.New("unexpected argument "+quote(args[len(names)])), "usage: "+cmd.UseLine())}
		}
		return nil
	}
}

// needFlags says which flags of a command have no value and have to have one: those
// whose help ends with "(needed)".
func needFlags(cmd *cobra.Command) error {
	var missing, help []string
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if what, needed := strings.CutSuffix(flag.Usage, " (needed)"); needed && flag.Value.String() == "" {
			missing = append(missing, "--"+flag.Name)
			help = append(help, "--"+flag.Name+": "+what)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	return usageError{hint.Wrap(errors.New("missing "+strings.Join(missing, " and ")), help...)}
}

// nothing is for commands without arguments.
func nothing(cmd *cobra.Command, args []string) error { return needs()(cmd, args) }

// mayHave takes at most n arguments.
func mayHave(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{hint.Wrap(errors.New("unexpected argument "+quote(args[n])), "usage: "+cmd.UseLine())}
		}
		return nil
	}
}

// serviceAccountName takes NAME, sa/NAME, serviceaccount/NAME and
// serviceaccounts/NAME alike, as kubectl does.
func serviceAccountName(arg string) (string, error) {
	kind, name, slash := strings.Cut(arg, "/")
	if !slash {
		name = arg
	} else if !isServiceAccountKind(kind) {
		return "", usagef("%q is not a ServiceAccount: give its name, or sa/NAME", arg)
	}
	if name == "" || strings.Contains(name, "/") {
		return "", usagef("%q is not the name of a ServiceAccount", arg)
	}
	return name, nil
}

func isServiceAccountKind(kind string) bool {
	switch strings.ToLower(kind) {
	case "sa", "serviceaccount", "serviceaccounts":
		return true
	}
	return false
}
