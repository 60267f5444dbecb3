package cli

import "github.com/spf13/cobra"

func newGenerateCommand(f *Factory) *cobra.Command {
	return group("generate", "Print what others apply: manifests, policies, scripts and Terraform",
		newGenerateAWSCLICommand(f, (*generateChainCommand).run),
		newGenerateTerraformCommand(f, (*generateChainCommand).run),
		newGenerateRBACCommand(f, (*generateRBACCommand).run),
		newGenerateIAMPolicyCommand(f, (*generateIAMPolicyCommand).run),
		newGenerateCronJobCommand(f, (*generateCronJobCommand).run),
	)
}
