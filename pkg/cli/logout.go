package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

type logoutCommand struct {
	serviceAccount string
	profile        string
	all            bool
	factory        *Factory
}

func newLogoutCommand(f *Factory, run func(*logoutCommand, context.Context) error) *cobra.Command {
	o := &logoutCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "logout [SERVICEACCOUNT]",
		Short: "Remove profiles that login wrote, and what is kept for them",
		Example: `  # Every profile of this ServiceAccount in this context and namespace
  kubectl irsa logout cart -n shop

  # One profile, or all of them
  kubectl irsa logout --profile prod-shop-cart
  kubectl irsa logout --all`,
		Args: mayHave(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.profile, "profile", "", "Remove this profile")
	cmd.Flags().BoolVar(&o.all, "all", false, "Remove every profile that login wrote")
	return cmd
}

func (o *logoutCommand) complete(args []string) (err error) {
	chosen := 0
	for _, is := range []bool{len(args) == 1, o.profile != "", o.all} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return usageError{hint.Wrap(errorText("give one of SERVICEACCOUNT, --profile and --all"), "kubectl irsa profiles")}
	}
	if len(args) == 1 {
		o.serviceAccount, err = serviceAccountName(args[0])
	}
	return err
}

func (o *logoutCommand) run(ctx context.Context) error {
	book, err := o.factory.book()
	if err != nil {
		return err
	}
	match, about, err := o.match()
	if err != nil {
		return err
	}
	if o.profile != "" {
		if err := book.CheckOwned(o.profile); err != nil {
			return err
		}
	}
	removed, err := book.Remove(ctx, match)
	for _, profile := range removed {
		if _, err := fmt.Fprintf(o.factory.Streams.Out, "profile %s removed\n", profile.Name); err != nil {
			return err
		}
	}
	if err == nil && len(removed) == 0 {
		o.factory.note("note: there is no profile %s", about)
	}
	return err
}

// match tells the profiles to remove, and what they are called where there are none.
func (o *logoutCommand) match() (func(login.Owned) bool, string, error) {
	switch {
	case o.all:
		return func(login.Owned) bool { return true }, "that login wrote", nil
	case o.profile != "":
		return func(p login.Owned) bool { return p.Name == o.profile }, fmt.Sprintf("%q", o.profile), nil
	}
	c, err := o.factory.cluster()
	if err != nil {
		return nil, "", err
	}
	return func(p login.Owned) bool {
		return p.Pinned.ServiceAccount == o.serviceAccount && p.Pinned.Namespace == c.namespace && p.Pinned.Context == c.context && p.Pinned.ReadsFrom(c.kubeconfig)
	}, fmt.Sprintf("of serviceaccount %s/%s in context %s", c.namespace, o.serviceAccount, c.context), nil
}
