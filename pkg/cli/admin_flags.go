package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
)

// adminFlags choose the AWS credentials of commands that touch IAM or S3.
// --profile never does: it names the profile that login writes.
type adminFlags struct{ awsProfile, awsRegion string }

func (a *adminFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.awsProfile, "aws-profile", "", "AWS profile with the credentials for IAM and S3; default: the SDK's usual sources")
	cmd.Flags().StringVar(&a.awsRegion, "aws-region", "", "Region for S3 and STS; default: AWS_REGION, the profile's, else us-east-1")
}

// admin makes the clients.
func (a *adminFlags) admin(ctx context.Context, f *Factory) (*awsapi.Admin, error) {
	return awsapi.NewAdmin(ctx, f.adminOptions(a.awsProfile, a.awsRegion))
}
