package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// generateChainCommand prints what setup would make, in another language.
type generateChainCommand struct {
	bindingFlags
	bucket  string
	region  string
	write   func(*generate.Chain) (string, error)
	factory *Factory
}

func newGenerateAWSCLICommand(f *Factory, run func(*generateChainCommand, context.Context) error) *cobra.Command {
	return newGenerateChainCommand(f, run, (*generate.Chain).AWSCLI, &cobra.Command{
		Use:   "aws-cli SERVICEACCOUNT",
		Short: "Print what setup makes, as a script of AWS CLI calls",
		Long: `Print what setup makes, as a script of AWS CLI calls.

Issuer, keys and annotations are read from the cluster; AWS is not asked. The
script takes every ARN from AWS's answers and can be run again.`,
		Example: `  kubectl irsa generate aws-cli cart -n shop \
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess > chain.sh
  less chain.sh && bash chain.sh`,
	})
}

func newGenerateTerraformCommand(f *Factory, run func(*generateChainCommand, context.Context) error) *cobra.Command {
	return newGenerateChainCommand(f, run, (*generate.Chain).Terraform, &cobra.Command{
		Use:   "terraform SERVICEACCOUNT",
		Short: "Print what setup makes, as Terraform",
		Long: `Print what setup makes, as Terraform.

Issuer, keys and annotations are read from the cluster; AWS is not asked. The
keys are those of this moment: generate again after a rotation, or keep them in
step with "kubectl irsa generate cronjob".`,
		Example: `  kubectl irsa generate terraform cart -n shop \
    --policy-file policy.json > chain.tf`,
	})
}

func newGenerateChainCommand(
	f *Factory, run func(*generateChainCommand, context.Context) error, write func(*generate.Chain) (string, error), cmd *cobra.Command,
) *cobra.Command {
	o := &generateChainCommand{factory: f, write: write}
	cmd.Args = needs("SERVICEACCOUNT")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.complete(args[0]); err != nil {
			return err
		}
		return run(o, cmd.Context())
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.bucket, "bucket", "", "Bucket of the issuer's documents; default: the one in the issuer's URL")
	cmd.Flags().StringVar(&o.region, "aws-region", "", "Region of a bucket whose URL names none; default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1")
	o.bindingFlags.add(cmd)
	return cmd
}

func (o *generateChainCommand) run(ctx context.Context) error {
	c, spec, err := o.open(o.factory)
	if err != nil {
		return err
	}
	bound, err := o.lookToMake(ctx, c)
	if err != nil {
		return err
	}
	core, err := c.core()
	if err != nil {
		return err
	}
	live, err := issuer.Read(ctx, core.RESTClient())
	if err != nil {
		return kubeapi.Unreachable(err)
	}
	chain := &generate.Chain{
		Issuer: live.Discovery.Issuer, Audience: bound.audience, Role: bound.spec(spec), Account: bound.role.Account,
		Namespace: c.namespace, ServiceAccount: o.serviceAccount, Context: c.context,
	}
	if err := irsa.CheckIssuer(chain.Issuer); err != nil {
		return hint.Wrap(err, "give the API server an issuer that can be public:", "kubectl irsa issuer plan --new-bucket")
	}
	if bound.role.Account != "" {
		o.factory.note("note: the role is %s: apply this with credentials of account %s", bound.role, bound.role.Account)
	}
	if chain.Bucket, err = o.documents(ctx, live); err != nil {
		return err
	}
	text, err := o.write(chain)
	if err != nil {
		return err
	}
	_, err = o.factory.Streams.Out.Write([]byte(text))
	return err
}

// documents are what is to be published and where; nil where somebody else does.
func (o *generateChainCommand) documents(ctx context.Context, live issuer.Live) (*generate.Bucket, error) {
	url := live.Discovery.Issuer
	_, inS3 := issuer.LocationOf(url)
	if issuer.Managed(url) != "" {
		return nil, nil
	}
	if !inS3 && o.bucket == "" {
		o.factory.note("note: the issuer's URL is not one of S3's, so publishing is left out; name the bucket behind it with --bucket")
		return nil, nil
	}
	var asked *issuer.Target
	if o.bucket != "" {
		target, err := issuer.ParseTarget("s3://" + o.bucket)
		if err != nil {
			return nil, usagef("--bucket: %v", err)
		}
		asked = &target
	}
	target, err := targetFor(url, asked)
	if err != nil {
		return nil, err
	}
	stranger, err := o.factory.stranger()
	if err != nil {
		return nil, err
	}
	docs, _, err := (&issuer.Publisher{Live: live, Target: target, Stranger: stranger}).Public(ctx)
	if err != nil {
		return nil, err
	}
	at := target.Location
	at.Region = issuer.RegionFor(url, at, cmp.Or(o.region, o.factory.region("", ""), "us-east-1"))
	return generate.BucketOf(docs, at)
}
