package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// planReport is a plan, before or after it was run.
type planReport struct {
	TypeMeta
	plan.Report
	DryRun string `json:"dryRun,omitempty"`

	outlook []plan.Outlook
	style   check.Style
}

func (f *Factory) planReport(outlook []plan.Outlook, dryRun string) planReport {
	r := planReport{TypeMeta: typeMeta("Plan"), Report: plan.NewReport(outlook), outlook: outlook, style: f.style()}
	if dryRun != dryRunNone {
		r.DryRun = dryRun
	}
	return r
}

func (r planReport) writeText(w writer) {
	var b strings.Builder
	_ = plan.WriteText(&b, r.outlook, r.style) // a Builder takes everything
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

// planRun is how a command runs a plan and what people get to see of it. A
// command that asks shows the plan before it, and says in the end how much was
// done. One that does not ask says what became of each step when it has ended,
// and so does every command in the formats that machines read. Where something
// is in the way, the error says all there is to say.
type planRun struct {
	dryRun, output string
	confirm        func(context.Context, []plan.Outlook) (bool, error) // nil where nobody is asked
	report         func([]plan.Outlook) printable                      // nil for the plan alone
}

func (f *Factory) runPlan(ctx context.Context, steps []plan.Step, run planRun) error {
	show := func(outlook []plan.Outlook) error {
		if run.report != nil {
			return f.print(run.output, run.report(outlook))
		}
		return f.print(run.output, f.planReport(outlook, run.dryRun))
	}
	asks := run.output == "" && run.confirm != nil
	o := plan.Options{DryRun: dryRunOf(run.dryRun), Confirm: run.confirm, Progress: f.progress(asks)}
	if asks {
		o.Show = show
	}
	outlook, err := plan.Run(ctx, steps, o)
	err = oneRejection(err)
	failed, _ := errors.AsType[*plan.ApplyError](err)
	switch {
	case failed != nil && ctx.Err() != nil: // whatever the step says of it
		return hint.Wrap(context.Cause(ctx), append(failed.Progress(), plan.GoOnNow)...)
	case outlook == nil || ctx.Err() != nil || asks || run.output == "" && plan.Any(outlook, plan.Conflict, plan.Unknown):
		if failed != nil {
			err = hint.Append(hint.Wrap(err, failed.Progress()...), plan.GoOn)
		}
	default:
		if failed != nil {
			err = hint.Append(err, plan.GoOn)
		}
		return errors.Join(err, show(outlook))
	}
	if err == nil && plan.Any(outlook, plan.Applied) {
		_, err = fmt.Fprintf(f.Streams.Out, "%d done\n", plan.Count(outlook, plan.Applied))
	}
	return err
}

// oneRejection says once that AWS does not take the credentials, where that kept every
// look that failed from what it looked for.
func oneRejection(err error) error {
	looks, ok := errors.AsType[*plan.LookError](err)
	_, conflict := errors.AsType[*plan.ConflictError](err)
	if !ok || conflict || slices.ContainsFunc(looks.Failures, func(o plan.Outlook) bool {
		_, is := errors.AsType[*awsapi.Rejected](o.Err)
		return !is
	}) {
		return err
	}
	return fmt.Errorf("nothing was changed: %w", looks.Failures[0].Err)
}

// slow is how long a step may take before its time is worth telling.
const slow = time.Second

// progress shows on a terminal the step that is under way, on a line that is
// written anew, and with marks leaves one behind for each that has ended.
// Elsewhere only what a step waits for is told.
func (f *Factory) progress(marks bool) plan.Progress {
	show, wipe := f.looking()
	style := f.styleOf(f.Streams.ErrOut)
	var begun time.Time
	last := ""
	return func(step plan.Step, state plan.State, note string) {
		switch {
		case state != plan.Needed:
			wipe()
			if took := f.Now().Sub(begun); marks && show != nil {
				fmt.Fprintf(f.Streams.ErrOut, "%s %s%s\n", style.Mark(markOf(state)), check.VisibleLines(step.Title), duration(took)) // the mark has a colour, which a note would spell out
			}
		case note == "":
			begun, last = f.Now(), ""
			if show != nil {
				show(step.Title)
			}
		case show != nil:
			show(step.Title + ": " + note)
		case note != last:
			f.note("%s: %s", step.Title, note)
			last = note
		}
	}
}

func markOf(state plan.State) check.Status {
	if state == plan.Failed {
		return check.Fail
	}
	return check.Pass
}

// duration is how long a step took, where that is worth telling.
func duration(took time.Duration) string {
	if took < slow {
		return ""
	}
	return fmt.Sprintf(" (%s)", took.Round(100*time.Millisecond))
}
