package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
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
	if err := a.named(f); err != nil {
		return nil, err
	}
	return awsapi.NewAdmin(ctx, f.adminOptions(a.awsProfile, a.awsRegion))
}

// mostProfiles is how many profiles a hint names.
const mostProfiles = 5

// named refuses a profile that was named by the flag and is in neither file.
func (a *adminFlags) named(f *Factory) error {
	near, there := f.awsProfileThere(a.awsProfile)
	if there {
		return nil
	}
	err := fmt.Errorf("there is no AWS profile %s (--aws-profile)", a.awsProfile)
	if len(near) > 0 {
		return hint.Wrap(err, "did you mean "+strings.Join(near, " or ")+"?")
	}
	if others := f.otherAWSProfiles(a.awsProfile); len(others) > 0 {
		return hint.Wrap(err, "you have "+strings.Join(others[:min(len(others), mostProfiles)], ", "))
	}
	return err
}

// awsProfileThere reports whether the shared configuration has a profile, and
// names those like one that it has not. No name is no profile to look for, and
// "default" need not be written down.
func (f *Factory) awsProfileThere(name string) (near []string, there bool) {
	if name == "" || name == "default" {
		return nil, true
	}
	all := f.awsProfiles()
	return hint.Nearest(name, all), slices.Contains(all, name)
}

// noteLostProfile says so where AWS_PROFILE is to choose the credentials and
// names a profile that is not there.
func (a *adminFlags) noteLostProfile(f *Factory) {
	name := f.Getenv("AWS_PROFILE")
	if _, there := f.awsProfileThere(name); !there && a.awsProfile == "" {
		f.note("note: AWS_PROFILE names %s, and there is no such AWS profile", name)
	}
}
