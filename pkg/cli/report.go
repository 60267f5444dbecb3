package cli

import (
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// findingsReport is what doctor and verify found.
type findingsReport struct {
	TypeMeta
	Subject   string               `json:"subject,omitempty"`
	Context   string               `json:"context,omitempty"`
	Checks    []check.Finding      `json:"checks"`
	RootCause *check.RootCause     `json:"rootCause"`
	Summary   map[check.Status]int `json:"summary"`

	style     check.Style
	sentences map[string]string
}

// reportOn prints findings and gives the verdict. Nil sentences sum nothing up.
func (f *Factory) reportOn(c *cluster, subject string, findings []check.Finding, v *verdictFlags, sentences map[string]string) error {
	if len(v.only) > 0 {
		sentences = nil
	}
	r := findingsReport{
		TypeMeta: typeMeta("Report"), Subject: subject, Context: c.context, Checks: findings,
		RootCause: check.Root(findings, check.Status(v.failOn)), Summary: check.Count(findings),
		style: f.style(), sentences: sentences,
	}
	if err := f.print(v.output, r); err != nil {
		return err
	}
	return v.verdict(r.RootCause)
}

func (r findingsReport) writeText(w writer) {
	switch {
	case r.Subject != "" && r.Context != "":
		w.printf("%s in %s\n\n", r.Subject, check.Visible(r.Context))
	case r.Context != "":
		w.printf("Context %s\n\n", check.Visible(r.Context))
	}
	w.printf("%s\n%s\n", check.Screen(r.Checks, r.sentences, r.style), conclusion(r.Checks, r.RootCause, r.style))
}

func (r findingsReport) writeWide(w writer) {
	r.style.All = true
	r.writeText(w)
}

func (r findingsReport) names() []string { return failing(r.Checks) }
