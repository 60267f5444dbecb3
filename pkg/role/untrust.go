package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// StepUntrust is the ID of the step that takes a subject out of a trust policy.
const StepUntrust = "role-untrust"

// Untrust takes a subject out of a role's trust policy.
type Untrust struct {
	IAM      IAM
	STS      STS // asked only where an ARN names a role that is not there
	Role     irsa.RoleARN
	Issuer   string
	Subject  string                                // * and ? make a pattern, which is taken out as it is spelled
	Provider func(context.Context) (string, error) // the ARN, "" where the provider is gone
	// Own takes away only what is ours: in a role that this program made any
	// trust in the subject, and the role with the last of it; in another role
	// the statement that binding wrote. Without it a subject that would be let in
	// all the same is a Conflict.
	Own bool
	// Instead is what else to do where Role is elsewhere: a clause or a line, with
	// what stands before it.
	Instead string

	once    sync.Once
	found   *Role
	findErr error
	delete  *Delete // where the role goes as a whole
}

// Look finds the role; nil where there is none. It asks once.
func (u *Untrust) Look(ctx context.Context) (*Role, error) {
	u.once.Do(func() { u.found, u.findErr = u.read(ctx) })
	return u.found, u.findErr
}

// ARN is the role's, "" before a look has found it.
func (u *Untrust) ARN() string {
	if u.found == nil {
		return ""
	}
	return u.found.ARN
}

// read finds the role as it is now.
func (u *Untrust) read(ctx context.Context) (*Role, error) {
	return find(ctx, u.IAM, u.Role, u.home)
}

// is reports whether an ARN is that of the role, or was where it is gone.
func (u *Untrust) is(ctx context.Context, arn string) (bool, error) {
	found, err := u.Look(ctx)
	if err != nil {
		return false, err
	}
	return names(ctx, arn, found, u.Role, u.home)
}

func (u *Untrust) home(ctx context.Context) (irsa.RoleARN, error) {
	return home(ctx, u.Provider, u.STS)
}

// Step takes the subject out.
func (u *Untrust) Step() plan.Step {
	return plan.Step{
		ID: StepUntrust, Title: "stop the role " + u.Role.Name + " trusting " + u.Subject, Removes: true, Look: u.look, Apply: u.apply,
	}
}

func (u *Untrust) look(ctx context.Context) (plan.State, string, error) {
	found, err := u.Look(ctx)
	switch {
	case err != nil:
		return missed(err, u.Instead)
	case found == nil && u.Own:
		return plan.Done, "there is no role " + u.Role.Name, nil
	case found == nil:
		return plan.Conflict, "the account has no role " + u.Role.Name, nil
	}
	document, summary, err := u.shrink(ctx, found)
	switch {
	case errors.Is(err, trustpolicy.ErrLastStatement) && u.Own && found.Owned(u.Issuer):
		return u.lookDelete(ctx, found)
	case errors.Is(err, trustpolicy.ErrLastStatement):
		return plan.Conflict, u.last(found), nil
	case errors.Is(err, errLook):
		return plan.Unknown, "", err
	case err != nil:
		return refusedTrust(found.Name, err)
	}
	_, _, exact := irsa.ParseSubject(u.Subject)
	shown := document
	if exact && !u.Own {
		shown = found.Trust // what would not do is not done
	}
	still := u.still(ctx, document, shown)
	switch {
	case still != "" && exact && !u.Own:
		return plan.Conflict, still, nil
	case summary == "":
		return plan.Done, cmp.Or(still, "it does not"), nil
	case still != "":
		still = "\n" + still
	}
	return plan.Needed, summary + " (" + sizeOf(document) + ")" + still, nil
}

// last says what to do where nobody else is trusted: IAM stores no trust policy
// without statements.
func (u *Untrust) last(found *Role) string {
	const why = "nobody else is trusted, and IAM stores no empty trust policy; "
	if found.Owned("") {
		return why + "delete the role, or let it trust somebody else first:\nkubectl irsa role delete " + found.Name
	}
	return why + "its owner deletes it, or let it trust somebody else first:\nkubectl irsa role trust add " + found.Name + " --sa NAME -n NAMESPACE"
}

// still says what lets the subject in although nothing more is taken out of the
// trust policy, and what to do next; "" where nothing does. Statements are
// numbered as in the document that people are shown.
func (u *Untrust) still(ctx context.Context, document, shown []byte) string {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return "" // whoever changes it says so
	}
	arns, err := u.providers(ctx, document)
	if err != nil {
		return "" // likewise
	}
	for _, arn := range arns {
		remaining, err := trustpolicy.Remaining(policy, trustpolicy.Patch{}, arn, u.Subject)
		if err == nil && len(remaining) > 0 {
			return u.letIn(policy, remaining[0], shown)
		}
	}
	return ""
}

// letIn says by which statement the subject is let in.
func (u *Untrust) letIn(policy *trustpolicy.Policy, trace trustpolicy.Trace, shown []byte) string {
	text := fmt.Sprintf("it is still let in by statement %d", numberIn(shown, policy, trace.Index))
	if trace.Sid != "" {
		text += " (" + trace.Sid + ")"
	}
	next := ", which whoever wrote it has to change:\nkubectl irsa role get " + u.Role.Name
	for _, grant := range grantsOf(policy, u.Issuer) {
		if grant.Statement != trace.Index {
			continue
		}
		for _, s := range grant.Subjects {
			namespace, name, _ := irsa.ParseSubject(s.Text)
			remove := ":\nkubectl irsa role trust remove " + u.Role.Name
			switch {
			case s.Text == u.Subject && u.Own:
				next = remove + " --sa " + name + " -n " + namespace
			case s.Text != u.Subject && s.Matches(u.Subject):
				next = ", by the pattern " + s.Text + remove + " --subject-pattern " + shell.Word(s.Text)
			}
		}
	}
	return text + next
}

// numberIn is the number of a policy's statement in another document that holds
// it, counted from 1.
func numberIn(document []byte, policy *trustpolicy.Policy, index int) int {
	if other, err := trustpolicy.Parse(document); err == nil {
		text := policy.Text(policy.Statements[index].Span)
		for i := range other.Statements {
			if other.Text(other.Statements[i].Span) == text {
				return i + 1
			}
		}
	}
	return index + 1
}

// lookDelete is the look where the whole role goes.
func (u *Untrust) lookDelete(ctx context.Context, found *Role) (plan.State, string, error) {
	u.delete = &Delete{IAM: u.IAM, Role: u.Role, Found: found, Issuer: u.Issuer}
	state, detail, err := u.delete.look(ctx)
	return state, "nobody else is trusted, so the role is deleted: " + detail, err
}

// errLook marks a look that failed on the way.
var errLook = errors.New("looking for the provider")

func (u *Untrust) shrink(ctx context.Context, found *Role) ([]byte, string, error) {
	arns, err := u.providers(ctx, found.Trust)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errLook, err)
	}
	apart := u.Own && !found.Owned(u.Issuer)
	document, summary := found.Trust, ""
	for _, arn := range arns {
		after, words, err := shrunken(document, arn, u.Subject, apart)
		if err != nil {
			return nil, "", err
		}
		if words != "" {
			document, summary = after, words
		}
	}
	return document, summary, nil
}

// providers are the ARNs under which the trust policy may name the issuer: that
// of the account's provider, else, where it is gone, those that stand there.
func (u *Untrust) providers(ctx context.Context, document []byte) ([]string, error) {
	arn, err := u.Provider(ctx)
	if err != nil || arn != "" {
		return []string{arn}, err
	}
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return nil, nil // whoever changes it says so
	}
	var arns []string
	for _, grant := range grantsOf(policy, u.Issuer) {
		if !slices.Contains(arns, grant.Provider) {
			arns = append(arns, grant.Provider)
		}
	}
	return arns, nil
}

// apply reads the trust policy again, so that what others changed since stays.
func (u *Untrust) apply(ctx context.Context) error {
	found, err := u.read(ctx)
	if err != nil || found == nil {
		return err
	}
	document, summary, err := u.shrink(ctx, found)
	switch {
	case errors.Is(err, trustpolicy.ErrLastStatement) && u.delete != nil:
		return u.delete.apply(ctx)
	case err != nil || summary == "":
		return err
	}
	return putTrust(ctx, u.IAM, u.Role.Name, document)
}
