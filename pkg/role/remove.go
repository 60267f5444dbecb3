package role

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// The IDs of steps that take something away. Cleaning up puts the role's name
// behind StepDelete.
const (
	StepUntrust = "role-untrust"
	StepDelete  = "role-delete"
)

// Delete deletes a role that this program made.
type Delete struct {
	IAM    IAM
	Name   string
	Issuer string // for which it was made; "" for any
	Found  *Role  // where it was looked at already

	policies Policies
}

// Step deletes the role with its policies; one that is gone is Done, and
// somebody else's a Conflict.
func (d *Delete) Step(id string) plan.Step {
	return plan.Step{ID: id, Title: "delete the role " + d.Name, Removes: true, Look: d.look, Apply: d.apply}
}

func (d *Delete) look(ctx context.Context) (_ plan.State, _ string, err error) {
	if d.Found == nil {
		if d.Found, err = Get(ctx, d.IAM, d.Name); err != nil {
			return plan.Unknown, "", err
		}
	}
	switch {
	case d.Found == nil:
		return plan.Done, "there is none", nil
	case !d.Found.Owned(d.Issuer):
		return plan.Conflict, d.Found.foreign() + "; its owner deletes it", nil
	}
	if d.policies, err = GetPolicies(ctx, d.IAM, d.Name, false); err != nil {
		return plan.Unknown, "", err
	}
	return plan.Needed, d.Found.ARN + d.policies.summary(), nil
}

func (p Policies) summary() string {
	var parts []string
	if n := len(p.Attached); n > 0 {
		parts = append(parts, "detaches "+strings.Join(p.Attached, ", "))
	}
	if n := len(p.Inline); n > 0 {
		parts = append(parts, "with its inline policy "+strings.Join(slices.Sorted(maps.Keys(p.Inline)), ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return "\n" + strings.Join(parts, "\n")
}

func (d *Delete) apply(ctx context.Context) error {
	for _, arn := range d.policies.Attached {
		_, err := d.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &d.Name, PolicyArn: &arn})
		if err != nil && awsapi.Code(err) != "NoSuchEntity" {
			return fmt.Errorf("detaching %s: %w", arn, awsapi.Denied(err, "iam:DetachRolePolicy"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.policies.Inline)) {
		_, err := d.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &d.Name, PolicyName: &name})
		if err != nil && awsapi.Code(err) != "NoSuchEntity" {
			return fmt.Errorf("deleting its inline policy %s: %w", name, awsapi.Denied(err, "iam:DeleteRolePolicy"))
		}
	}
	_, err := d.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &d.Name})
	if awsapi.Code(err) == "NoSuchEntity" {
		return nil
	}
	return awsapi.Denied(err, "iam:DeleteRole")
}

// Untrust takes a subject out of a role's trust policy.
type Untrust struct {
	IAM      IAM
	Name     string
	Issuer   string
	Subject  string
	Provider func(context.Context) (string, error) // the ARN, "" where the provider is gone
	// Own takes away only what is ours: in a role that this program made any
	// trust in the subject, and the role with the last of it; in another role
	// the statement that binding wrote.
	Own bool

	once    sync.Once
	found   *Role
	findErr error
	delete  *Delete // where the role goes as a whole
}

// Look finds the role; nil where there is none. It asks once.
func (u *Untrust) Look(ctx context.Context) (*Role, error) {
	u.once.Do(func() { u.found, u.findErr = Get(ctx, u.IAM, u.Name) })
	return u.found, u.findErr
}

// Step takes the subject out.
func (u *Untrust) Step() plan.Step {
	return plan.Step{
		ID: StepUntrust, Title: "stop the role " + u.Name + " trusting " + u.Subject, Removes: true, Look: u.look, Apply: u.apply,
	}
}

func (u *Untrust) look(ctx context.Context) (plan.State, string, error) {
	found, err := u.Look(ctx)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case found == nil && u.Own:
		return plan.Done, "there is no role " + u.Name, nil
	case found == nil:
		return plan.Conflict, "the account has no role " + u.Name, nil
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
	case summary == "":
		return plan.Done, u.nothing(found), nil
	}
	return plan.Needed, summary + " (" + sizeOf(document) + ")", nil
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

// nothing says why there is nothing to take away.
func (u *Untrust) nothing(found *Role) string {
	policy, err := trustpolicy.Parse(found.Trust)
	if err == nil {
		for _, grant := range trustpolicy.Grants(policy) {
			if trustpolicy.ConditionPrefix(grant.Provider) != strings.TrimPrefix(u.Issuer, "https://") {
				continue
			}
			for _, s := range grant.Subjects {
				if s.Matches(u.Subject) && s.Pattern {
					return "it is still let in by the pattern " + s.Text
				}
				if s.Matches(u.Subject) {
					return "it is still let in by a statement that kubectl irsa did not write"
				}
			}
		}
	}
	return "it does not"
}

// lookDelete is the look where the whole role goes.
func (u *Untrust) lookDelete(ctx context.Context, found *Role) (plan.State, string, error) {
	u.delete = &Delete{IAM: u.IAM, Name: found.Name, Found: found, Issuer: u.Issuer}
	state, detail, err := u.delete.look(ctx)
	return state, "nobody else is trusted, so the role is deleted: " + detail, err
}

// errLook marks a look that failed on the way.
var errLook = errors.New("looking for the provider")

func (u *Untrust) shrink(ctx context.Context, found *Role) ([]byte, string, error) {
	arns, err := u.providers(ctx, found)
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
func (u *Untrust) providers(ctx context.Context, found *Role) ([]string, error) {
	arn, err := u.Provider(ctx)
	if err != nil || arn != "" {
		return []string{arn}, err
	}
	policy, err := trustpolicy.Parse(found.Trust)
	if err != nil {
		return nil, nil // whoever changes it says so
	}
	var arns []string
	for _, grant := range trustpolicy.Grants(policy) {
		if trustpolicy.ConditionPrefix(grant.Provider) == strings.TrimPrefix(u.Issuer, "https://") && !slices.Contains(arns, grant.Provider) {
			arns = append(arns, grant.Provider)
		}
	}
	return arns, nil
}

// apply reads the trust policy again, so that what others changed since stays.
func (u *Untrust) apply(ctx context.Context) error {
	found, err := Get(ctx, u.IAM, u.Name)
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
	return putTrust(ctx, u.IAM, u.Name, document)
}

// List are the roles whose trust policies name an issuer, by name: those that
// this program made for it, and of the others those in which binding wrote a
// statement. ListRoles carries trust policies and no tags, so that only such a
// role is read whole.
func List(ctx context.Context, client IAM, issuer string) (owned, bound []*Role, err error) {
	pages := iam.NewListRolesPaginator(client, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	var candidates []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("listing the roles: %w", awsapi.Denied(err, "iam:ListRoles"))
		}
		for _, r := range page.Roles {
			document, err := trustpolicy.Decode(aws.ToString(r.AssumeRolePolicyDocument))
			if err == nil && strings.Contains(string(document), ":oidc-provider/"+strings.TrimPrefix(issuer, "https://")+`"`) {
				candidates = append(candidates, aws.ToString(r.RoleName))
			}
		}
	}
	found := make([]*Role, len(candidates))
	errs := make([]error, len(candidates))
	var side sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, name := range candidates {
		side.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i], errs[i] = Get(ctx, client, name)
		})
	}
	side.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(found, func(a, b *Role) int { return strings.Compare(name(a), name(b)) })
	for _, r := range found {
		switch {
		case r == nil:
		case r.Owned(issuer):
			owned = append(owned, r)
		case bytes.Contains(r.Trust, []byte(`"`+sidPrefix)):
			bound = append(bound, r)
		}
	}
	return owned, bound, nil
}

func name(r *Role) string {
	if r == nil {
		return ""
	}
	return r.Name
}
