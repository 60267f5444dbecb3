package doctor

import (
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// meantAudience is what the ServiceAccount's annotation was meant to say, where
// AWS knows another audience: the one that both provider and trust policy take,
// or the usual one where the annotation is a slip away from it. It is "" where
// the annotation is not what is wrong.
func (f Facts) meantAudience() string {
	if f.Audience != "" || f.Account.Err != nil || f.Account.Value == nil || f.Account.Value.Annotations[irsa.AnnotationAudience] != f.WantedAudience ||
		f.accepted() {
		return ""
	}
	slip := hint.Distance(strings.ToLower(f.WantedAudience), irsa.DefaultAudience) <= 3 && f.WantedAudience != irsa.DefaultAudience
	known := f.Provider.Value.Audiences
	switch {
	case f.Provider.Err == nil && slices.Contains(known, f.WantedAudience):
		return ""
	case f.Provider.Err != nil && slip && f.refusal() != "":
		return irsa.DefaultAudience
	case f.Provider.Err != nil:
		return ""
	case slip && slices.Contains(known, irsa.DefaultAudience):
		return irsa.DefaultAudience
	}
	policy, err := f.trustFact()
	if err != nil {
		return ""
	}
	for _, audience := range known {
		if f.evaluate(policy, audience).Decision == trustpolicy.Allowed {
			return audience
		}
	}
	return ""
}

// otherAudience adds to a result that the annotation names another audience than
// the one that was meant, and the line that corrects it.
func (f Facts) otherAudience(r Result, meant string) Result {
	r.Compare = check.Compare("AWS knows", meant, "annotated", f.WantedAudience)
	value := "=" + shell.Word(meant) + " --overwrite"
	if meant == irsa.DefaultAudience {
		value = "-"
	}
	return fixed(r, f.kubectl("annotate serviceaccount %s %s%s", f.ServiceAccount, irsa.AnnotationAudience, value))
}
