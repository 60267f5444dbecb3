package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
)

type generateCronJobCommand struct {
	job     issuer.CronJob
	factory *Factory
}

func newGenerateCronJobCommand(f *Factory, run func(*generateCronJobCommand, context.Context) error) *cobra.Command {
	o := &generateCronJobCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "cronjob",
		Short: "Print a CronJob that keeps the public keys in step from inside the cluster",
		Long: `Print a CronJob that keeps the public keys in step from inside the cluster.

It runs "kubectl-irsa publish" with a projected token of its own, which is all
it has of AWS: no key is stored. Its ServiceAccount may read what the API server
says of its issuer, and nothing else. The role has to trust the ServiceAccount
and to allow s3:ListBucket on the bucket, s3:GetObject and s3:PutObject on the
two objects.`,
		Example: `  kubectl irsa role create issuer-publisher --sa issuer-publisher -n kube-system
  kubectl irsa generate cronjob --image REGISTRY/kubectl-irsa:VERSION \
    --role-arn ROLE-ARN -n kube-system | kubectl apply -f -`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmp.Or(needFlags(cmd), o.check()); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.job.Image, "image", "", "Image with kubectl-irsa as its entrypoint (needed)")
	flags.StringVar(&o.job.RoleARN, "role-arn", "", "ARN of the role that may write the two documents (needed)")
	flags.StringVar(&o.job.Name, "name", "issuer-publisher", "Name of the CronJob and its ServiceAccount")
	flags.StringVar(&o.job.Schedule, "schedule", "*/15 * * * *", "When it runs, as cron has it")
	flags.StringVar(&o.job.Audience, "audience", irsa.DefaultAudience, "Audience of its token")
	flags.StringVar(&o.job.Region, "region", "", "Region of STS and of the bucket; default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1")
	flags.StringVar(&o.job.Target, "to", "", "s3://BUCKET[/PREFIX]; default: the bucket in the issuer's URL")
	return cmd
}

func (o *generateCronJobCommand) check() error {
	switch {
	case len(validation.IsDNS1123Subdomain(o.job.Name)) > 0 || len(o.job.Name) > 52:
		return usagef("--name %q: a CronJob is named with up to 52 lower-case letters, digits and hyphens", o.job.Name)
	case len(strings.Fields(o.job.Schedule)) != 5 && !strings.HasPrefix(o.job.Schedule, "@"):
		return usagef("--schedule %q: give five fields, such as */15 * * * *", o.job.Schedule)
	}
	if _, err := irsa.ParseRoleARN(o.job.RoleARN, irsa.AnyAccount); err != nil {
		return usageError{fmt.Errorf("--role-arn: %w", err)}
	}
	if o.job.Target != "" {
		target, err := issuer.ParseTarget(o.job.Target)
		if err != nil || target.Kind != issuer.ToS3 {
			return usagef("--to %q: a CronJob publishes to s3://BUCKET[/PREFIX]", o.job.Target)
		}
	}
	return nil
}

func (o *generateCronJobCommand) run(context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	o.job.Namespace = c.namespace
	if o.job.Region = o.factory.region(o.job.Region, ""); o.job.Region == "" {
		role, err := irsa.ParseRoleARN(o.job.RoleARN, irsa.AnyAccount)
		if err != nil {
			return err
		}
		o.job.Region = role.Region()
	}
	text, err := o.job.YAML()
	if err != nil {
		return err
	}
	_, err = o.factory.Streams.Out.Write(text)
	return err
}
