package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// execCommand is everything "exec" needs once flags are out of the way.
type execCommand struct {
	identityFlags
	serviceAccount string
	argv           []string
	path           string // of the program

	factory *Factory
	// start becomes the program where the system can do that, else runs it to
	// its end and gives its exit code as a childError.
	start func(path string, argv, environ []string) error
}

func newExecCommand(f *Factory, run func(*execCommand, context.Context) error) *cobra.Command {
	o := &execCommand{factory: f, start: f.start}
	cmd := &cobra.Command{
		Use: "exec SERVICEACCOUNT [flags] -- COMMAND [ARGUMENT...]",

		DisableFlagsInUseLine: true, // what follows the command is its own
		Short:                 "Run a command as the role of a ServiceAccount",
		Long: `Run a command as the role of a ServiceAccount.

The command finds the role's credentials and its region in its environment, and
every other source of AWS credentials taken out of it. It has the terminal and
the signals, and its exit code is this command's: 127 where there is no such
command, 126 where it cannot be run.

The credentials of a command do not renew themselves. At least half of their
session is left when it starts: half an hour, or half of what --duration says;
with --cache none it is all of it. A command that runs longer uses a profile,
which renews itself: kubectl irsa login SERVICEACCOUNT.`,
		Example: `  # List buckets as the role that the ServiceAccount is annotated with
  kubectl irsa exec cart -n shop -- aws s3 ls

  # A shell with that identity
  kubectl irsa exec cart -n shop -- bash`,
		Args: o.needCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.identityFlags.add(cmd)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if len(cmd.Flags().Args()) > 1 { // it stands in the command
			return usageError{hint.Wrap(err, "the command stands after --:", o.withDash(cmd))}
		}
		return cmd.Root().FlagErrorFunc()(cmd, err)
	})
	return cmd
}

func (o *execCommand) needCommand(cmd *cobra.Command, args []string) error {
	switch dash := cmd.ArgsLenAtDash(); {
	case len(args) == 0 || dash == 0:
		return usageError{hint.Wrap(errors.New("missing SERVICEACCOUNT"), "usage: "+cmd.UseLine())}
	case len(args) == 1:
		return usageError{hint.Wrap(errors.New("missing COMMAND"), "usage: "+cmd.UseLine())}
	case dash == 2 && isServiceAccountKind(args[0]):
		return usageError{hint.Wrap(errors.New("the kind and the name of a ServiceAccount are one word"), "write sa/"+args[1])}
	case dash != 1:
		return usageError{hint.Wrap(errors.New("the command stands after --"), o.withDash(cmd))}
	}
	return nil
}

// withDash is the command line as it was typed, with "--" in front of the
// command. The words of this program come first: "exec", the ServiceAccount and
// flags, some with a value of their own.
func (o *execCommand) withDash(cmd *cobra.Command) string {
	words := o.factory.typed()
	line := []string{cmd.Root().CommandPath()}
	for i, names := 0, 0; i < len(words); i++ {
		if !strings.HasPrefix(words[i], "-") {
			if names++; names == 3 {
				line = append(line, "--")
			}
		}
		line = append(line, shell.Word(words[i]))
		if names < 3 && takesNext(cmd, words[i]) && i+1 < len(words) {
			i++
			line = append(line, shell.Word(words[i]))
		}
	}
	return strings.Join(line, " ")
}

// takesNext reports whether a word of a command line is a flag whose value is
// the next word.
func takesNext(cmd *cobra.Command, word string) bool {
	flag := cmd.Flags().Lookup(strings.TrimPrefix(word, "--"))
	if len(word) == 2 && word[0] == '-' {
		flag = cmd.Flags().ShorthandLookup(word[1:])
	}
	return strings.HasPrefix(word, "-") && flag != nil && flag.NoOptDefVal == ""
}

// Exit codes of a command that did not start, as shells have them:
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

func (o *execCommand) complete(args []string) (err error) {
	if o.serviceAccount, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	if err := o.check(o.factory); err != nil {
		return err
	}
	o.argv = args[1:]
	o.path, err = o.program()
	return err
}

// program finds what the command names, before anything is asked of anybody.
func (o *execCommand) program() (string, error) {
	name := o.argv[0]
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrDot):
		return "", startError{code: exitNotFound, error: hint.Wrap(fmt.Errorf("running %q: PATH finds it in the current folder, as %s", name, path),
			"name it with its path: ."+string(filepath.Separator)+filepath.Clean(path))}
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("running %q: command not found", name)
		if filepath.Base(name) == name {
			err = hint.Wrap(err, "a builtin, an alias or a whole line is for its shell:", o.inShell(runtime.GOOS))
		}
		return "", startError{code: exitNotFound, error: err}
	}
	if lookup, is := errors.AsType[*exec.Error](err); is {
		err = lookup.Err
	}
	if looked, is := errors.AsType[*fs.PathError](err); is {
		err = looked.Err
	}
	return "", startError{code: exitNotExecutable, error: fmt.Errorf("running %q: %w", name, err)}
}

// inShell is the command line as it was typed, with the command as a line of the
// user's shell.
func (o *execCommand) inShell(goos string) string {
	words := o.factory.typed()
	line := []string{"kubectl irsa"}
	for _, word := range words[:slices.Index(words, "--")+1] {
		line = append(line, shell.Word(word))
	}
	script := o.argv[0]
	if len(o.argv) > 1 {
		var quoted []string
		for _, word := range withoutTokens(o.argv) {
			quoted = append(quoted, shell.Word(word))
		}
		script = strings.Join(quoted, " ")
	}
	if goos == "windows" {
		return strings.Join(append(line, "cmd", "/c", script), " ")
	}
	program := path.Base(cmp.Or(o.factory.Getenv("SHELL"), "sh"))
	return strings.Join(append(line, shell.Word(program), "-ic", shell.Word(script)), " ")
}

func (o *execCommand) run(ctx context.Context) error {
	environ := o.factory.process.Environ() // before a plugin's shield takes our own out of it
	session, err := o.become(ctx, o.factory, o.serviceAccount)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return o.start(o.path, o.argv, environment(environ, session.variables(environ)))
}
