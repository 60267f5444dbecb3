package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

type profilesCommand struct {
	output  string
	factory *Factory
}

func newProfilesCommand(f *Factory, run func(*profilesCommand, context.Context) error) *cobra.Command {
	o := &profilesCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "profiles",
		Short: "List the profiles that login wrote, with their expiry",
		Example: `  kubectl irsa profiles
  kubectl irsa profiles -o json`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(o, cmd.Context()) },
	}
	outputFlag(cmd, &o.output, "json", "yaml", "name", "wide")
	return cmd
}

func (o *profilesCommand) run(context.Context) error {
	book, err := o.factory.book()
	if err != nil {
		return err
	}
	owned, err := book.List()
	if err != nil {
		return err
	}
	report := profilesReport{TypeMeta: typeMeta("Profiles"), Config: book.ConfigPath, Items: []profileItem{}, now: o.factory.Now()}
	for _, p := range owned {
		report.Items = append(report.Items, itemOf(p))
	}
	if len(owned) == 0 {
		o.factory.note("note: login has written no profile into %s", book.ConfigPath)
	}
	for _, p := range owned {
		if p.DeadBinary() {
			o.factory.note("warning: profile %s runs %s, which is gone: log in again", p.Name, p.Binary)
		}
	}
	return o.factory.print(o.output, report)
}

type profilesReport struct {
	TypeMeta
	Config string        `json:"config"`
	Items  []profileItem `json:"items"`

	now time.Time
}

type profileItem struct {
	Name           string     `json:"name"`
	Mode           login.Mode `json:"mode"`
	Context        string     `json:"context"`
	Namespace      string     `json:"namespace"`
	ServiceAccount string     `json:"serviceAccount"`
	RoleARN        string     `json:"roleArn,omitempty"`
	Expiration     *time.Time `json:"expiration,omitempty"`
	Binary         string     `json:"binary,omitempty"`
	BinaryMissing  bool       `json:"binaryMissing,omitempty"`
}

func itemOf(p login.Owned) profileItem {
	item := profileItem{
		Name: p.Name, Mode: p.Mode, Context: p.Pinned.Context, Namespace: p.Pinned.Namespace,
		ServiceAccount: p.Pinned.ServiceAccount, RoleARN: p.Pinned.RoleARN, Binary: p.Binary, BinaryMissing: p.DeadBinary(),
	}
	if !p.Expiration.IsZero() {
		item.Expiration = &p.Expiration
	}
	return item
}

func (r profilesReport) names() []string {
	var names []string
	for _, item := range r.Items {
		names = append(names, item.Name)
	}
	return names
}

func (r profilesReport) writeText(w writer) { r.write(w, false) }
func (r profilesReport) writeWide(w writer) { r.write(w, true) }

func (r profilesReport) write(w writer, wide bool) {
	if len(r.Items) == 0 {
		return
	}
	header := []string{"PROFILE", "MODE", "CONTEXT", "NAMESPACE", "SERVICEACCOUNT", "EXPIRES"}
	if wide {
		header = append(header, "ROLE", "BINARY")
	}
	rows := [][]string{header}
	for _, item := range r.Items {
		row := []string{item.Name, string(item.Mode), item.Context, item.Namespace, item.ServiceAccount, item.expires(r.now)}
		if wide {
			row = append(row, orNone(item.RoleARN), orNone(item.Binary))
		}
		rows = append(rows, row)
	}
	w.table(rows)
}

// expires is the time that is left; a process profile that has none renews itself.
func (p profileItem) expires(now time.Time) string {
	switch {
	case p.Mode == login.Process && (p.Expiration == nil || !p.Expiration.After(now)):
		return "on use"
	case p.Expiration == nil:
		return "<unknown>"
	}
	return left(*p.Expiration, now)
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
