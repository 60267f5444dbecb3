package role

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// StepStrip begins the ID of a step that takes statements out of a role, before
// the role's name.
const StepStrip = "role-strip"

// Withdraw takes back what this program did to a role for an issuer.
type Withdraw struct {
	IAM    IAM
	Issuer string
	Found  *Role
}

// Step deletes a role that was made for the issuer and lets in nobody else.
// Otherwise it takes statements out, and the rest of the trust policy stays: of
// a role of ours those that let in tokens of the issuer alone, of another one
// those that binding wrote.
func (w *Withdraw) Step() plan.Step {
	if w.Found.Owned(w.Issuer) && len(w.others()) == 0 {
		remove := &Delete{IAM: w.IAM, Role: irsa.RoleARN{Name: w.Found.Name}, Found: w.Found, Issuer: w.Issuer}
		return remove.Step(StepDelete + "-" + w.Found.Name)
	}
	return plan.Step{
		ID: StepStrip + "-" + w.Found.Name, Title: "take our statements out of the role " + w.Found.Name, Removes: true, Look: w.look, Apply: w.apply,
	}
}

// others are the principals that the role lets in besides tokens of the issuer.
func (w *Withdraw) others() (principals []string) {
	policy, err := trustpolicy.Parse(w.Found.Trust)
	if err != nil {
		return []string{"somebody"} // looking at it says why that is not known
	}
	for i := range policy.Statements {
		if st := &policy.Statements[i]; st.Effect == trustpolicy.Allow && !ofIssuerAlone(st, w.Issuer) {
			principals = append(principals, otherPrincipals(st, w.Issuer)...)
		}
	}
	slices.Sort(principals)
	return slices.Compact(principals)
}

func otherPrincipals(st *trustpolicy.Statement, issuer string) (principals []string) {
	if st.Principal.Any || st.Principal.Not {
		return []string{"*"}
	}
	for _, group := range st.Principal.Groups {
		for _, v := range group.Values {
			if !isProvider(group.Type, v.Text, issuer) {
				principals = append(principals, v.Text)
			}
		}
	}
	return principals
}

func (w *Withdraw) look(context.Context) (plan.State, string, error) {
	document, taken, err := w.strip(w.Found)
	keeps := ""
	if w.Found.Owned(w.Issuer) {
		keeps = "the role stays: it lets in others besides\n" + strings.Join(w.others(), "\n")
	}
	switch {
	case err != nil:
		return plan.Done, fmt.Sprintf("%s stays as it is: %v", w.Found.ARN, err), nil
	case taken == 0:
		return plan.Done, keeps, nil
	case keeps != "":
		keeps = "; " + keeps
	}
	return plan.Needed, fmt.Sprintf("%d of %s (%s)%s", taken, w.Found.ARN, sizeOf(document), keeps), nil
}

func (w *Withdraw) apply(ctx context.Context) error {
	found, err := Get(ctx, w.IAM, w.Found.Name)
	if err != nil || found == nil {
		return err
	}
	document, taken, err := w.strip(found)
	if err != nil || taken == 0 {
		return err
	}
	return putTrust(ctx, w.IAM, found.Name, document)
}

// strip is a trust policy without what is ours in it, and how many statements
// that is.
func (w *Withdraw) strip(found *Role) (document []byte, taken int, err error) {
	ours := marked
	if found.Owned(w.Issuer) {
		ours = granting
	}
	for document = found.Trust; ; taken++ {
		policy, err := trustpolicy.Parse(document)
		if err != nil {
			return nil, taken, err
		}
		at := ours(policy, w.Issuer)
		if len(at) == 0 {
			return document, taken, nil
		}
		patch, err := trustpolicy.RemoveStatement(policy, at[0])
		if err != nil {
			return nil, taken, err
		}
		if document, err = patch.Apply(document); err != nil {
			return nil, taken, err
		}
	}
}

// marked are the statements that binding wrote for an issuer.
func marked(policy *trustpolicy.Policy, issuer string) (indexes []int) {
	for _, grant := range grantsOf(policy, issuer) {
		if strings.HasPrefix(grant.Sid, sidPrefix) {
			indexes = append(indexes, grant.Statement)
		}
	}
	return indexes
}

func isMarked(document []byte, issuer string) bool {
	policy, err := trustpolicy.Parse(document)
	return err == nil && len(marked(policy, issuer)) > 0
}

// granting are the statements that let in tokens of an issuer, and nobody else.
func granting(policy *trustpolicy.Policy, issuer string) (indexes []int) {
	for i := range policy.Statements {
		if ofIssuerAlone(&policy.Statements[i], issuer) {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func ofIssuerAlone(st *trustpolicy.Statement, issuer string) bool {
	groups := st.Principal.Groups
	return st.Effect == trustpolicy.Allow && !st.Principal.Not && !st.Principal.Any && len(groups) == 1 &&
		!slices.ContainsFunc(groups[0].Values, func(v trustpolicy.Value) bool { return !isProvider(groups[0].Type, v.Text, issuer) })
}

// namesIssuer reports whether a trust policy names a provider of the issuer. One
// that cannot be read may.
func namesIssuer(document []byte, issuer string) bool {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return true
	}
	for i := range policy.Statements {
		for _, group := range policy.Statements[i].Principal.Groups {
			if slices.ContainsFunc(group.Values, func(v trustpolicy.Value) bool { return isProvider(group.Type, v.Text, issuer) }) {
				return true
			}
		}
	}
	return false
}

func isProvider(kind, principal, issuer string) bool {
	return kind == "Federated" && trustpolicy.ConditionPrefix(principal) == strings.TrimPrefix(issuer, "https://")
}
