package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
)

type generateIAMPolicyCommand struct {
	command   string
	scope     generate.Scope
	partition bool // --partition was given
	factory   *Factory
}

func newGenerateIAMPolicyCommand(f *Factory, run func(*generateIAMPolicyCommand, context.Context) error) *cobra.Command {
	o := &generateIAMPolicyCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "iam-policy [COMMAND]",
		Short: "Print the least IAM policy for one of these commands",
		Long: `Print the least IAM policy for one of these commands.

What no flag narrows down is *. Nobody is asked.`,
		Example: `  kubectl irsa generate iam-policy setup \
    --issuer https://BUCKET.s3.eu-west-1.amazonaws.com \
    --role shop-cart --account 111122223333`,
		Args: mayHave(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.partition = cmd.Flags().Changed("partition")
			if len(args) == 1 {
				if o.command != "" && o.command != args[0] {
					return usagef("give the command once: %s, or --for %s", args[0], o.command)
				}
				o.command = args[0]
			}
			if err := o.complete(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.command, "for", "", "Command: "+strings.Join(generate.Commands(), ", "))
	flags.StringVar(&o.scope.Issuer, "issuer", "", "URL of the issuer; it names the bucket where it is one of S3's")
	flags.StringVar(&o.scope.Bucket, "bucket", "", "Bucket of the issuer's documents; default: the one in the issuer's URL")
	flags.StringVar(&o.scope.Role, "role", "", "Role, with its path: cart or team/cart; a * in it fits anything")
	flags.StringVar(&o.scope.Account, "account", "", "ID of the account")
	flags.StringVar(&o.scope.Partition, "partition", "aws", "Partition: aws, aws-cn, aws-us-gov")
	return cmd
}

func (o *generateIAMPolicyCommand) complete() error {
	if o.command == "" {
		return usagef("missing COMMAND: %s", strings.Join(generate.Commands(), ", "))
	}
	if !slices.Contains(generate.Commands(), o.command) {
		return usagef("no command %q: use %s", o.command, strings.Join(generate.Commands(), ", "))
	}
	if at, ok := issuer.LocationOf(o.scope.Issuer); ok {
		if o.scope.Bucket == "" {
			o.scope.Bucket = at.Bucket
		}
		o.scope.Prefix = at.Prefix
		if !o.partition {
			o.scope.Partition = irsa.PartitionOf(at.Region)
		}
	}
	return nil
}

func (o *generateIAMPolicyCommand) run(context.Context) error {
	if !generate.Needs(o.command) {
		o.factory.note("%s needs no permission at AWS, so there is no policy for it", o.command)
		return nil
	}
	text, err := generate.PolicyFor(o.command, o.scope)
	if err != nil {
		return err
	}
	_, err = o.factory.Streams.Out.Write(text)
	return err
}
