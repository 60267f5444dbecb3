package cli

import "github.com/spf13/cobra"

func newGenerateCommand(f *Factory) *cobra.Command {
	return group("generate", "Print what others apply: manifests and policies",
		newGenerateCronJobCommand(f, (*generateCronJobCommand).run),
	)
}
