// Package cli is the command line of kubectl irsa: the only package that knows
// flags, terminals and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Exit codes. exec passes its child's on instead.
const (
	exitWell    = 0
	exitFailed  = 1 // the work could not be done
	exitUsage   = 2 // wrong command line
	exitVerdict = 3 // a check failed
)

// Process is what the program gets from its surroundings.
type Process struct {
	Args        []string
	In          io.Reader
	Out, ErrOut io.Writer
	Getenv      func(string) string
	Setenv      func(key, value string) error
	Unsetenv    func(string) error
	Environ     func() []string // every variable, as NAME=value
	Now         func() time.Time
	Build       Build
}

// Main runs one command line and gives the exit code.
func Main(ctx context.Context, p Process) int {
	f := newFactory(p)
	root := newRootCommand(f)
	args := arguments(p.Args)
	if isCompletion(args) {
		f.completions(root)
	}
	root.SetArgs(apart(root, args))
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.ErrOut)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil && interrupted(err) {
		err = context.Cause(ctx) // which says more than whoever was kept waiting
	}
	if _, is := cmd.Annotations[oneLineErrors]; is {
		err = oneLine(err)
	}
	return report(p.ErrOut, err)
}

// interrupted reports whether a command that was told to end gave up: it says so,
// or what it says is a judgement of what it had seen until then.
func interrupted(err error) bool {
	_, verdict := errors.AsType[verdictError](err)
	return err == nil || verdict || errors.Is(err, context.Canceled)
}

// usageError is a command line that cannot be meant: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef is a usageError with a text.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// verdictError is a report with a failed check in it, which is printed already.
type verdictError struct{}

func (verdictError) Error() string { return "a check failed" }

// childError carries the exit code of a program that was run.
type childError struct{ code int }

func (e childError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// startError says why a program could not be run, and which exit code says so.
type startError struct {
	error
	code int
}

func (e startError) Unwrap() error { return e.error }

// report is the one place where an error is printed.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitWell
	}
	if child, ok := errors.AsType[childError](err); ok {
		return child.code
	}
	if _, ok := errors.AsType[verdictError](err); ok {
		return exitVerdict
	}
	fmt.Fprintf(w, "error: %s\n", check.VisibleLines(err.Error()))
	for _, line := range hint.Lines(err) {
		fmt.Fprintf(w, "hint: %s\n", check.VisibleLines(line))
	}
	if start, ok := errors.AsType[startError](err); ok {
		return start.code
	}
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

func isUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

func newRootCommand(f *Factory) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-irsa",
		Short: "IAM roles for ServiceAccounts on any cluster",
		Long: `IAM roles for ServiceAccounts on any cluster.

Turns a kubeconfig context into AWS credentials, says which link of the chain
of trust is broken, and builds the chain where there is none.`,
		Example: `  # Log in as the role of a ServiceAccount, then use it
  kubectl irsa login cart -n shop
  aws s3 ls --profile PROFILE`,
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl irsa"},
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              subcommandsOnly,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return f.begin() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{hint.Wrap(err, "see "+cmd.CommandPath()+" --help")}
	})
	root.SetUsageFunc(usage)
	root.SetHelpFunc(help)
	root.SetHelpCommand(newHelpCommand(root))
	root.CompletionOptions.HiddenDefaultCmd = true
	f.addFlags(root.PersistentFlags())
	root.AddGroup(
		&cobra.Group{ID: groupUse, Title: "Use an identity:"},
		&cobra.Group{ID: groupSee, Title: "See why:"},
		&cobra.Group{ID: groupBuild, Title: "Build the chain:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	add(root, groupUse,
		newLoginCommand(f, (*loginCommand).run),
		newLogoutCommand(f, (*logoutCommand).run),
		newProfilesCommand(f, (*profilesCommand).run),
		newCredentialProcessCommand(f, (*credentialProcessCommand).run),
		newTokenCommand(f, (*tokenCommand).run),
		newExecCommand(f, (*execCommand).run),
		newEnvCommand(f, (*envCommand).run),
		newWhoamiCommand(f, (*whoamiCommand).run),
		newConsoleCommand(f, (*consoleCommand).run),
	)
	add(root, groupSee,
		newInspectCommand(f),
		newDoctorCommand(f, (*doctorCommand).run),
		newVerifyCommand(f, (*verifyCommand).run),
		newExplainCommand(f, (*explainCommand).run),
		newGetCommand(f),
		newCanICommand(f, (*canICommand).run),
	)
	add(root, groupBuild,
		newSetupCommand(f, (*setupCommand).run),
		newIssuerCommand(f),
		newPublishCommand(f, (*publishCommand).run),
		newProviderCommand(f),
		newRoleCommand(f),
		newBindCommand(f, (*bindCommand).run),
		newUnbindCommand(f, (*unbindCommand).run),
		newCleanupCommand(f, (*cleanupCommand).run),
		newInjectCommand(f, (*injectCommand).run),
		newGenerateCommand(f),
	)
	add(root, groupOther,
		newCompletionCommand(f),
		newVersionCommand(f),
		newOptionsCommand(root),
	)
	return root
}

// The groups of the root's help.
const (
	groupUse   = "use"
	groupSee   = "see"
	groupBuild = "build"
	groupOther = "other"
)

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// group is a command that only holds others. cobra alone prints help and exits
// 0 when one of them is mistyped.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  subcommandsOnly,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

func subcommandsOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usageError{hint.Wrap(err, "did you mean this?", cmd.CommandPath()+" "+near[0])}
	}
	return usageError{hint.Wrap(err, "see "+cmd.CommandPath()+" --help")}
}

func streams(p Process) genericiooptions.IOStreams {
	return genericiooptions.IOStreams{In: p.In, Out: p.Out, ErrOut: p.ErrOut}
}

// isTerminal reports whether a stream is a terminal, which /dev/null is not.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
