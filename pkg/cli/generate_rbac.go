package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
)

type generateRBACCommand struct {
	rbac     generate.RBAC
	accounts []string // NAMESPACE:NAME
	all      bool
	factory  *Factory
}

func newGenerateRBACCommand(f *Factory, run func(*generateRBACCommand, context.Context) error) *cobra.Command {
	o := &generateRBACCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "rbac [SERVICEACCOUNT...]",
		Short: "Print the least Role with which somebody can log in as ServiceAccounts",
		Long: `Print the least Role with which somebody can log in as ServiceAccounts.

It allows to ask for tokens of these ServiceAccounts and to read their
annotations, and nothing else.`,
		Example: `  kubectl irsa generate rbac cart billing -n shop --for-user alice |
    kubectl apply -f -`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && !o.all:
				return needs("SERVICEACCOUNT")(cmd, args)
			case len(args) > 0 && o.all:
				return usagef("--all: it is every ServiceAccount; name none")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	// --user is the kubeconfig's own flag.
	flags.StringArrayVar(&o.rbac.Users, "for-user", nil, "User it is bound to; may be repeated")
	flags.StringArrayVar(&o.rbac.Groups, "for-group", nil, "Group it is bound to; may be repeated")
	flags.StringArrayVar(&o.accounts, "for-serviceaccount", nil, "ServiceAccount it is bound to, as NAMESPACE:NAME; may be repeated")
	flags.BoolVar(&o.all, "all", false, "Every ServiceAccount of the namespace")
	flags.StringVar(&o.rbac.Name, "name", "", "Name of the Role and its binding; default: irsa-login, what it is for and whom it is bound to")
	flags.BoolVar(&o.rbac.TokenOnly, "token-only", false, "Leave out reading the annotations: for logins with --role-arn and --audience")
	return cmd
}

func (o *generateRBACCommand) complete(args []string) error {
	for _, arg := range args {
		name, err := serviceAccountName(arg)
		if err != nil {
			return err
		}
		o.rbac.ServiceAccounts = append(o.rbac.ServiceAccounts, name)
	}
	for _, account := range o.accounts {
		namespace, name, ok := strings.Cut(account, ":")
		if !ok || namespace == "" || name == "" {
			return usagef("--for-serviceaccount %q: give NAMESPACE:NAME", account)
		}
		o.rbac.Accounts = append(o.rbac.Accounts, [2]string{namespace, name})
	}
	return nil
}

func (o *generateRBACCommand) run(context.Context) (err error) {
	if o.rbac.Namespace, err = o.factory.namespace(); err != nil {
		return err
	}
	if user := o.factory.flags.Lookup("user"); user != nil && user.Changed && len(o.rbac.Users) == 0 {
		o.factory.note("note: --user chooses the kubeconfig's user; --for-user binds the Role to somebody")
	}
	text, err := o.rbac.YAML()
	if err != nil {
		return err
	}
	_, err = o.factory.Streams.Out.Write(text)
	return err
}
