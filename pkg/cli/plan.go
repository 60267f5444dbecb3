package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// planReport is a plan, before or after it was run.
type planReport struct {
	TypeMeta
	plan.Report
	DryRun string `json:"dryRun,omitempty"`

	outlook []plan.Outlook
}

func planReportOf(outlook []plan.Outlook, dryRun string) planReport {
	r := planReport{TypeMeta: typeMeta("Plan"), Report: plan.NewReport(outlook), outlook: outlook}
	if dryRun != dryRunNone {
		r.DryRun = dryRun
	}
	return r
}

func (r planReport) writeText(w writer) {
	var b strings.Builder
	_ = plan.WriteText(&b, r.outlook) // a Builder takes everything
	text := strings.TrimSuffix(b.String(), "\n")
	if r.DryRun != "" {
		text += " (" + dryRunSuffix(r.DryRun) + ")"
	}
	w.printf("%s\n", text)
}

func dryRunSuffix(dryRun string) string {
	if dryRun == dryRunServer {
		return "server dry run"
	}
	return "dry run"
}

// dryRunOf is the value of --dry-run as a plan takes it.
func dryRunOf(value string) plan.DryRun {
	switch value {
	case dryRunClient:
		return plan.Client
	case dryRunServer:
		return plan.Server
	}
	return plan.No
}

// runPlan looks, and unless it is a dry run applies with progress on stderr. The
// outlook it gives is to be printed also beside an error, whose advice says what
// was done and what was not.
func (f *Factory) runPlan(ctx context.Context, steps []plan.Step, o plan.Options) ([]plan.Outlook, error) {
	o.Progress = f.progress()
	outlook, err := plan.Run(ctx, steps, o)
	if failed, ok := errors.AsType[*plan.ApplyError](err); ok {
		err = hint.Wrap(err, failed.Advice()...)
	}
	return outlook, err
}

// progress tells each step once, and each note of it once.
func (f *Factory) progress() plan.Progress {
	last := ""
	return func(step plan.Step, state plan.State, note string) {
		switch {
		case state == plan.Needed && note == "":
			f.note("%s", step.Title)
			last = ""
		case note != "" && note != last:
			f.note("  %s", note)
			last = note
		}
	}
}
