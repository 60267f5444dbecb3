package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// envCommand is everything "env" needs once flags are out of the way.
type envCommand struct {
	identityFlags
	serviceAccount string
	shell          string
	unset          bool

	kind    shell.Kind
	factory *Factory
}

func newEnvCommand(f *Factory, run func(*envCommand, context.Context) error) *cobra.Command {
	o := &envCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "env SERVICEACCOUNT",
		Short: "Print the credentials of a ServiceAccount's role as environment variables",
		Long: `Print the credentials of a ServiceAccount's role as environment variables.

The lines are for a shell to evaluate. They also take every other source of AWS
credentials out of its environment. They hold secrets: a file that they are
written to is as good as a key until they expire. At least half of their
session is left: half an hour, or half of what --duration says.

Where there are no credentials nothing is printed, and a shell that evaluates
nothing goes on with those it has. A script stops at the first of two lines, or
has exec run what follows.`,
		Example: `  # Have the role's credentials in this shell, and get rid of them
  eval "$(kubectl irsa env cart -n shop)"
  eval "$(kubectl irsa env --unset)"

  # In a script with "set -e"
  lines=$(kubectl irsa env cart -n shop)
  eval "$lines"

  # In fish, and in PowerShell
  kubectl irsa env cart -n shop --shell fish | source
  kubectl irsa env cart -n shop --shell powershell | Out-String | iex

  # For a container
  docker run --env-file <(kubectl irsa env cart -n shop --shell dotenv) IMAGE`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.unset {
				return mayHave(1)(cmd, args)
			}
			return needs("SERVICEACCOUNT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.shell == "" && cmd.Flags().Changed("shell") {
				return usagef("--shell: an empty value is none: leave the flag out for the shell that SHELL names")
			}
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.identityFlags.add(cmd)
	var kinds []string
	for _, kind := range shell.Kinds {
		kinds = append(kinds, string(kind))
	}
	cmd.Flags().StringVar(&o.shell, "shell", "", "Whom the lines are for: "+strings.Join(kinds, ", ")+"; default: what SHELL names, powershell on Windows")
	cmd.Flags().BoolVar(&o.unset, "unset", false, "Print what takes the variables away again")
	return cmd
}

func (o *envCommand) complete(args []string) (err error) {
	if len(args) == 1 {
		if o.serviceAccount, err = serviceAccountName(args[0]); err != nil {
			return err
		}
	}
	if o.shell != "" {
		if o.kind, err = shell.Parse(o.shell); err != nil {
			return usageError{fmt.Errorf("--shell: %w", err)}
		}
	} else if o.kind, err = shell.Detect(o.factory.Getenv("SHELL"), runtime.GOOS); err != nil {
		return usageError{hint.Wrap(err, "name one with --shell")}
	}
	if o.unset && o.kind == shell.Dotenv {
		return usagef("--unset: a dotenv file cannot take variables away")
	}
	return o.check(o.factory)
}

func (o *envCommand) run(ctx context.Context) error {
	changes, err := o.changes(ctx)
	if err != nil {
		return err
	}
	text, err := o.kind.Text(changes)
	if err != nil {
		return fmt.Errorf("writing the variables for %s: %w", o.kind, err)
	}
	if isTerminal(o.factory.Streams.Out) {
		o.factory.note("note: these lines are for a shell to evaluate, and hold secrets: see kubectl irsa env --help")
	}
	_, err = io.WriteString(o.factory.Streams.Out, text)
	return err
}

// changes are those of one identity, or of none. Files of values cannot say
// that something must not be there, and need not.
func (o *envCommand) changes(ctx context.Context) ([]shell.Change, error) {
	if o.unset {
		var changes []shell.Change
		for _, name := range identityVariables {
			changes = append(changes, shell.Unset(name))
		}
		return changes, nil
	}
	environ := o.factory.process.Environ() // before a plugin's shield takes our own out of it
	session, err := o.become(ctx, o.factory, o.serviceAccount)
	if err != nil {
		return nil, err
	}
	all := session.variables(environ)
	for i, c := range all {
		if _, err := o.kind.Text([]shell.Change{c}); err != nil && c.Name == markerVariable {
			all[i] = shell.Unset(c.Name) // a name in it has no form there: the keys are good without
		}
	}
	if o.kind != shell.Dotenv && o.kind != shell.JSON {
		return all, nil
	}
	var set []shell.Change
	for _, c := range all {
		if !c.Unset {
			set = append(set, c)
		}
	}
	return set, nil
}
