package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
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
		Long: `Remove profiles that login wrote, and what is kept for them.

Of a ServiceAccount, and with --all, the sessions that exec and env left in the
cache go, too.`,
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
		return usageError{hint.Wrap(errors.New("give one of SERVICEACCOUNT, --profile and --all"), "kubectl irsa profiles")}
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
	goal, err := o.target()
	if err != nil {
		return err
	}
	if o.profile != "" {
		if err := book.CheckOwned(o.profile); err != nil {
			return err
		}
	}
	removed, err := book.Remove(ctx, goal.profile)
	sessions := 0
	if err == nil {
		sessions, err = book.Forget(goal.session)
	}
	w := &lines{to: o.factory.Streams.Out}
	for _, profile := range removed {
		w.printf("profile %s removed\n", profile.Name)
	}
	if sessions > 0 {
		w.printf("cached sessions removed: %d\n", sessions)
	}
	if err == nil && len(removed)+sessions == 0 {
		o.factory.note("note: there is no profile %s", goal.about)
	}
	return errors.Join(err, w.err)
}

// loggedIn is what a logout takes away.
type loggedIn struct {
	profile func(login.Owned) bool
	session func(creds.Key) bool // in the cache, as exec and env leave one without a profile
	about   string               // what the profiles are called where there are none
}

func (o *logoutCommand) target() (loggedIn, error) {
	switch {
	case o.all:
		return loggedIn{func(login.Owned) bool { return true }, func(creds.Key) bool { return true }, "that login wrote"}, nil
	case o.profile != "":
		return loggedIn{func(p login.Owned) bool { return p.Name == o.profile }, func(creds.Key) bool { return false }, quote(o.profile)}, nil
	}
	c, err := o.factory.cluster()
	if err != nil {
		return loggedIn{}, err
	}
	return loggedIn{
		profile: func(p login.Owned) bool {
			return p.Pinned.ServiceAccount == o.serviceAccount && p.Pinned.Namespace == c.namespace && p.Pinned.Context == c.context && p.Pinned.ReadsFrom(c.kubeconfig)
		},
		session: func(k creds.Key) bool {
			return k.ServiceAccount == o.serviceAccount && k.Namespace == c.namespace && k.Context == c.context && k.Server == c.key.Server && k.Authority == c.key.Authority
		},
		about: fmt.Sprintf("of serviceaccount %s/%s in context %s", c.namespace, o.serviceAccount, c.context),
	}, nil
}
