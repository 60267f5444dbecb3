package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// confirmFlags are those of commands that ask before they change anything.
type confirmFlags struct{ yes bool }

func (c *confirmFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "Do not ask before the first change")
}

// confirm asks on a terminal. Where there is none, nobody agreed.
func (c *confirmFlags) confirm(f *Factory) func(context.Context, []plan.Outlook) (bool, error) {
	return func(ctx context.Context, _ []plan.Outlook) (bool, error) {
		if c.yes {
			return true, nil
		}
		if !isTerminal(f.Streams.In) {
			return false, usageError{hint.Wrap(errors.New("nothing was changed: there is no terminal to ask on"),
				"agree to the plan beforehand with --yes, or see it alone with --dry-run")}
		}
		fmt.Fprint(f.Streams.ErrOut, "Go on? [y/N] ")
		answer := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(f.Streams.In).ReadString('\n')
			answer <- strings.ToLower(strings.TrimSpace(line))
		}()
		select {
		case line := <-answer:
			return line == "y" || line == "yes", nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
