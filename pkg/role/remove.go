package role

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// StepDelete is the ID of the step that deletes a role; cleaning up puts the
// role's name behind it.
const StepDelete = "role-delete"

// Delete deletes a role that this program made.
type Delete struct {
	IAM    IAM
	STS    STS // asked only where an ARN names a role that is not there
	Role   irsa.RoleARN
	Issuer string // for which it was made; "" for any
	Found  *Role  // where it was looked at already

	policies Policies
}

// Step deletes the role with its policies; one that is gone is Done, and
// somebody else's a Conflict.
func (d *Delete) Step(id string) plan.Step {
	return plan.Step{ID: id, Title: "delete the role " + d.Role.Name, Removes: true, Look: d.look, Apply: d.apply}
}

// ARN is the role's, "" before a look has found it.
func (d *Delete) ARN() string {
	if d.Found == nil {
		return ""
	}
	return d.Found.ARN
}

func (d *Delete) look(ctx context.Context) (_ plan.State, _ string, err error) {
	if d.Found == nil {
		if d.Found, err = Find(ctx, d.IAM, d.STS, d.Role); err != nil {
			return missed(err, "")
		}
	}
	switch {
	case d.Found == nil:
		return plan.Done, "there is none", nil
	case !d.Found.Owned(d.Issuer):
		return plan.Conflict, d.Found.foreign() + "; its owner deletes it", nil
	}
	if d.policies, err = GetPolicies(ctx, d.IAM, d.Role.Name, false); err != nil {
		return plan.Unknown, "", err
	}
	profiles, err := instanceProfiles(ctx, d.IAM, d.Role.Name)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case len(profiles) > 0:
		return plan.Conflict, "machines become it by the instance profile " + profiles[0] + ", and IAM deletes no role that is in one:\n" +
			"aws iam remove-role-from-instance-profile --instance-profile-name " + profiles[0] + " --role-name " + d.Role.Name, nil
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
		_, err := d.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &d.Role.Name, PolicyArn: &arn})
		if err != nil && awsapi.Code(err) != "NoSuchEntity" {
			return fmt.Errorf("detaching %s: %w", arn, awsapi.Denied(err, "iam:DetachRolePolicy"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.policies.Inline)) {
		_, err := d.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &d.Role.Name, PolicyName: &name})
		if err != nil && awsapi.Code(err) != "NoSuchEntity" {
			return fmt.Errorf("deleting its inline policy %s: %w", name, awsapi.Denied(err, "iam:DeleteRolePolicy"))
		}
	}
	_, err := d.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &d.Role.Name}, settling(stillThere))
	if awsapi.Code(err) == "NoSuchEntity" {
		return nil
	}
	return awsapi.Denied(err, "iam:DeleteRole")
}

// atOnce is how many roles are read at a time.
const atOnce = 8

// List are the roles whose trust policies name an issuer and that are ours: those
// that this program made for it, and of the others those in which binding wrote a
// statement; by name. ListRoles carries trust policies and no tags, so that only
// such a role is read whole.
func List(ctx context.Context, client IAM, issuer string) (ours []*Role, err error) {
	pages := iam.NewListRolesPaginator(client, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	var candidates []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the roles: %w", awsapi.Denied(err, "iam:ListRoles"))
		}
		for _, r := range page.Roles {
			document, err := trustpolicy.Decode(aws.ToString(r.AssumeRolePolicyDocument))
			if err == nil && namesIssuer(document, issuer) {
				candidates = append(candidates, aws.ToString(r.RoleName))
			}
		}
	}
	found := make([]*Role, len(candidates))
	errs := make([]error, len(candidates))
	abreast.Each(len(candidates), atOnce, func(i int) { found[i], errs[i] = Get(ctx, client, candidates[i]) })
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, r := range found {
		if r != nil && (r.Owned(issuer) || isMarked(r.Trust, issuer)) {
			ours = append(ours, r)
		}
	}
	slices.SortFunc(ours, func(a, b *Role) int { return strings.Compare(a.Name, b.Name) })
	return ours, nil
}
