package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

func newCompletionCommand(f *Factory) *cobra.Command {
	cmd := group("completion", "Complete commands in the shell",
		newCompletionInstallCommand(f, (*completionInstallCommand).run),
		newCompletionScriptCommand(f, "bash", "  source <(kubectl-irsa completion bash)",
			func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }),
		newCompletionScriptCommand(f, "zsh", "  source <(kubectl-irsa completion zsh)",
			func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }),
		newCompletionScriptCommand(f, "fish", "  kubectl-irsa completion fish | source",
			func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }),
		newCompletionScriptCommand(f, "powershell", "  kubectl-irsa completion powershell | Out-String | Invoke-Expression",
			func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }),
	)
	cmd.Long = `Complete commands in the shell.

For "kubectl irsa", run "completion install" once, and load kubectl's own
completion in your shell.

For "kubectl-irsa", with a hyphen, load the script of your shell.`
	return cmd
}

func newCompletionScriptCommand(f *Factory, shell, example string, write func(*cobra.Command, io.Writer) error) *cobra.Command {
	return &cobra.Command{
		Use:     shell,
		Short:   "Print the completion script of " + shell + " for kubectl-irsa",
		Example: example,
		Args:    nothing,
		RunE:    func(cmd *cobra.Command, _ []string) error { return write(cmd.Root(), f.Streams.Out) },
	}
}

// completionInstallCommand is everything "completion install" needs once flags
// are out of the way.
type completionInstallCommand struct {
	dir     string
	dryRun  string
	binary  string // the program that is linked to
	factory *Factory
}

func newCompletionInstallCommand(f *Factory, run func(*completionInstallCommand, context.Context) error) *cobra.Command {
	o := &completionInstallCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Let kubectl complete what follows \"kubectl irsa\"",
		Long: `Let kubectl complete what follows "kubectl irsa".

kubectl asks a program named kubectl_complete-irsa what can follow. This command
makes it, beside kubectl-irsa: a link, or a copy where links cannot be made.

Your shell has to load kubectl's own completion too. The line for that is
printed at the end.`,
		Example: `  kubectl irsa completion install

  # Where the folder of kubectl-irsa is not yours to write
  kubectl irsa completion install --dir ~/bin`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "Folder on PATH to put it in; default: where kubectl-irsa is")
	_ = cmd.RegisterFlagCompletionFunc("dir", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs))
	dryRunFlag(cmd, &o.dryRun)
	return cmd
}

func (o *completionInstallCommand) complete() (err error) {
	if o.binary, _, err = login.StableBinary(o.factory.process.Args[0]); err != nil {
		return fmt.Errorf("finding this program's own path: %w", err)
	}
	if o.dir == "" {
		o.dir = filepath.Dir(o.binary)
	}
	o.dir = absolute(o.dir)
	return nil
}

func (o *completionInstallCommand) run(context.Context) error {
	name := completionPrefix + "irsa"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	link := filepath.Join(o.dir, name)
	state, err := o.look(link)
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.dir); errors.Is(err, fs.ErrNotExist) {
		return hint.Wrap(fmt.Errorf("there is no folder %s", o.dir), "mkdir -p "+shell.Word(o.dir))
	}
	if state != alreadyThere && o.dryRun == dryRunNone {
		if state, err = o.install(link, state); err != nil {
			return hint.Wrap(fmt.Errorf("putting %s into %s: %w", name, o.dir, err),
				"choose a folder on PATH that is yours:", "kubectl irsa completion install --dir DIR")
		}
	}
	suffix := ""
	if o.dryRun != dryRunNone {
		suffix = " (dry run)"
	}
	if _, err := fmt.Fprintf(o.factory.Streams.Out, "%s %s%s\n", link, state, suffix); err != nil {
		return err
	}
	if !slices.ContainsFunc(filepath.SplitList(o.factory.Getenv("PATH")), func(dir string) bool { return sameFile(dir, o.dir) }) {
		o.factory.note("warning: %s is not on PATH, where kubectl looks for it", o.dir)
	}
	o.factory.note("next, where your shell does not load kubectl's own completion yet: %s", o.kubectlCompletion())
	return nil
}

// kubectlCompletion is the line by which a shell completes what kubectl knows, and
// what that line rests on, as "kubectl completion --help" has it.
func (o *completionInstallCommand) kubectlCompletion() string {
	kind, err := shell.Detect(o.factory.Getenv("SHELL"), runtime.GOOS)
	if line, known := map[shell.Kind]string{
		shell.Bash:       "source <(kubectl completion bash)  # needs the package bash-completion",
		shell.Zsh:        "source <(kubectl completion zsh)  # after: autoload -U compinit; compinit",
		shell.Fish:       "kubectl completion fish | source",
		shell.PowerShell: "kubectl completion powershell | Out-String | Invoke-Expression",
	}[kind]; known && err == nil {
		return line
	}
	return "kubectl completion --help"
}

// What becomes of the link, as the user is told.
const (
	alreadyThere = "is there already"
	linked       = "linked"
	relinked     = "linked anew"
	copied       = "copied: install it again after an upgrade"
)

// look says what is to be done. A file that is not ours is refused.
func (o *completionInstallCommand) look(link string) (string, error) {
	info, err := os.Lstat(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return linked, nil
	case err != nil:
		return "", fmt.Errorf("looking at %s: %w", link, err)
	}
	target, err := os.Readlink(link)
	switch {
	case err == nil && sameFile(link, o.binary):
		return alreadyThere, nil
	case err == nil && strings.HasPrefix(filepath.Base(target), "kubectl-irsa"):
		return relinked, nil
	case err != nil && runtime.GOOS == "windows" && info.Mode().IsRegular():
		return relinked, nil // a copy that an earlier version made
	}
	return "", hint.Wrap(fmt.Errorf("%s is there and was not made by kubectl irsa", link), "remove it, and install again")
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

func (o *completionInstallCommand) install(link, state string) (string, error) {
	if state == relinked {
		if err := os.Remove(link); err != nil {
			return "", err
		}
	}
	target := o.binary
	if filepath.Dir(target) == o.dir {
		target = filepath.Base(target) // so that the folder can move
	}
	err := os.Symlink(target, link)
	if err == nil || runtime.GOOS != "windows" {
		return state, err
	}
	return copied, copyProgram(o.binary, link)
}

func copyProgram(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, program, 0o700)
}
