package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Build says what was built, and when. Empty fields come from what the Go tool
// has recorded.
type Build struct{ Version, Commit, Date string }

// number is the version, "dev" where none was stamped.
func (b Build) number() string {
	if b.Version != "" {
		return b.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func newVersionCommand(f *Factory) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  nothing,
		RunE: func(*cobra.Command, []string) error {
			return f.print(output, versionReport{
				TypeMeta: typeMeta("Version"),
				Version:  f.build.number(), Commit: f.build.Commit, Date: f.build.Date,
				Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
			})
		},
	}
	outputFlag(cmd, &output, "json", "yaml")
	return cmd
}

type versionReport struct {
	TypeMeta
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (v versionReport) writeText(w writer) {
	text := "kubectl irsa " + v.Version
	if v.Commit != "" {
		text += fmt.Sprintf(" (commit %s, %s)", v.Commit, v.Date)
	}
	w.printf("%s %s %s\n", text, v.Go, v.Platform)
}
