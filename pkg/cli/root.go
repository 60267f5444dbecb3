// Package cli is the command line of kubectl irsa: the only package that knows
// flags, terminals and exit codes.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
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

func newRootCommand(f *Factory) *cobra.Command {
	root := bareRoot(f)
	section(root, "Use an identity:",
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
	section(root, "See why:",
		newInspectCommand(f),
		newDoctorCommand(f, (*doctorCommand).run),
		newVerifyCommand(f, (*verifyCommand).run),
		newExplainCommand(f, (*explainCommand).run),
		newGetCommand(f),
		newCanICommand(f, (*canICommand).run),
	)
	section(root, "Build the chain:",
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
	section(root, "Other:",
		newCompletionCommand(f),
		newVersionCommand(f),
		newOptionsCommand(root),
	)
	return root
}

// bareRoot is the root without its commands.
func bareRoot(f *Factory) *cobra.Command {
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
	return root
}

// section adds commands to the root, under a heading of its help.
func section(root *cobra.Command, heading string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: heading, Title: heading})
	for _, c := range commands {
		c.GroupID = heading
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
