package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// consoleCommand is everything "console" needs once flags are out of the way.
type consoleCommand struct {
	identityFlags
	serviceAccount string
	print          bool
	destination    string

	factory *Factory
	browse  func(ctx context.Context, link string) error
}

func newConsoleCommand(f *Factory, run func(*consoleCommand, context.Context) error) *cobra.Command {
	o := &consoleCommand{factory: f, browse: browse}
	cmd := &cobra.Command{
		Use:   "console SERVICEACCOUNT",
		Short: "Open the AWS console as the role of a ServiceAccount",
		Long: `Open the AWS console as the role of a ServiceAccount.

The link signs in whoever has it, within 15 minutes: it is a secret. A browser
is given it as an argument, which other users of this machine can list: among
strangers, use --print. The console session lasts as long as the role's
session, which --duration says.`,
		Example: `  # In the browser
  kubectl irsa console cart -n shop

  # The link only, for another browser, straight to a page
  kubectl irsa console cart -n shop --print \
    --destination https://s3.console.aws.amazon.com/s3/home`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.exchangeFlags.add(cmd)
	cmd.Flags().BoolVar(&o.print, "print", false, "Print the link, and open nothing")
	cmd.Flags().StringVar(&o.destination, "destination", "", "URL of the page to arrive at; default: the console's first page in the region")
	return cmd
}

func (o *consoleCommand) complete(args []string) (err error) {
	if o.serviceAccount, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	if o.destination != "" {
		if u, err := url.Parse(o.destination); err != nil || u.Scheme != "https" || u.Host == "" {
			return usagef("--destination %q: give a URL that begins with https://", o.destination)
		}
	}
	o.cacheKind = cacheNone // a session from the cache would end early
	return o.check(o.factory)
}

func (o *consoleCommand) run(ctx context.Context) error {
	f := o.factory
	session, err := o.become(ctx, f, o.serviceAccount)
	if err != nil {
		return err
	}
	link, err := awsapi.ConsoleLink(ctx, aws.Credentials{
		AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken,
	}, awsapi.SignInOptions{
		Partition: partitionOf(session.RoleSessionARN), Region: session.region, Destination: o.destination,
		EndpointURL: f.Getenv("AWS_ENDPOINT_URL_SIGNIN"), Application: "kubectl-irsa/" + f.build.number(),
	})
	if err != nil {
		return err
	}
	if o.print {
		_, err := fmt.Fprintln(f.Streams.Out, link)
		return err
	}
	if err := o.browse(ctx, link); err != nil {
		line := "kubectl irsa"
		for _, word := range append(f.typed(), "--print") {
			line += " " + shell.Word(word)
		}
		return hint.Wrap(fmt.Errorf("opening the browser: %w", err), "print the link instead:", line)
	}
	f.note("the browser opens the console as %s, until %s", session.RoleSessionARN, session.Expiration.Local().Format("15:04"))
	return nil
}

// partitionOf is the second part of an ARN.
func partitionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) < 3 {
		return "aws"
	}
	return parts[1]
}
