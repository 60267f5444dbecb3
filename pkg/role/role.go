// Package role keeps the IAM roles that ServiceAccounts become: it makes them,
// adds ServiceAccounts to their trust policies and takes them out without
// touching the rest, and deletes those that are ours. On the cluster's side it
// keeps the annotation that names the role. How a trust policy reads is the
// business of package trustpolicy.
package role

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// IAM is the part of IAM that this package reads and writes.
type IAM interface {
	ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error)
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	CreateRole(context.Context, *iam.CreateRoleInput, ...func(*iam.Options)) (*iam.CreateRoleOutput, error)
	UpdateRole(context.Context, *iam.UpdateRoleInput, ...func(*iam.Options)) (*iam.UpdateRoleOutput, error)
	UpdateAssumeRolePolicy(context.Context, *iam.UpdateAssumeRolePolicyInput, ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error)
	DeleteRole(context.Context, *iam.DeleteRoleInput, ...func(*iam.Options)) (*iam.DeleteRoleOutput, error)
	TagRole(context.Context, *iam.TagRoleInput, ...func(*iam.Options)) (*iam.TagRoleOutput, error)
	PutRolePermissionsBoundary(context.Context, *iam.PutRolePermissionsBoundaryInput, ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error)
	ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error)
	AttachRolePolicy(context.Context, *iam.AttachRolePolicyInput, ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error)
	DetachRolePolicy(context.Context, *iam.DetachRolePolicyInput, ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error)
	ListInstanceProfilesForRole(context.Context, *iam.ListInstanceProfilesForRoleInput, ...func(*iam.Options)) (*iam.ListInstanceProfilesForRoleOutput, error)
	ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error)
	DeleteRolePolicy(context.Context, *iam.DeleteRolePolicyInput, ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error)
}

// A Role is what IAM holds of one.
type Role struct {
	ARN, Name, Path, ID string
	Description         string
	Trust               []byte // the trust policy, byte for byte
	MaxSession          time.Duration
	Boundary            string // ARN of the permissions boundary, "" for none
	Tags                map[string]string
	Created             time.Time
}

// Owned reports whether this program made the role for an issuer; an empty
// issuer asks for none in particular.
func (r *Role) Owned(issuer string) bool { return irsa.Owned(r.Tags, issuer) }

// foreign says whose a role is that is not ours.
func (r *Role) foreign() string {
	if r.Owned("") {
		return r.ARN + " was made for another cluster: " + r.Tags[irsa.TagIssuer]
	}
	return r.ARN + " was not made by kubectl irsa"
}

// Get reads a role by its name; nil where there is none.
func Get(ctx context.Context, client IAM, name string) (*Role, error) {
	out, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	switch {
	case awsapi.Code(err) == "NoSuchEntity":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the role %s: %w", name, awsapi.Denied(err, "iam:GetRole"))
	}
	return roleOf(out.Role)
}

func roleOf(r *types.Role) (*Role, error) {
	role := &Role{
		ARN: aws.ToString(r.Arn), Name: aws.ToString(r.RoleName), Path: aws.ToString(r.Path), ID: aws.ToString(r.RoleId),
		Description: aws.ToString(r.Description), Created: aws.ToTime(r.CreateDate),
		MaxSession: time.Duration(aws.ToInt32(r.MaxSessionDuration)) * time.Second,
		Tags:       awsapi.TagsOf(r.Tags),
	}
	if r.PermissionsBoundary != nil {
		role.Boundary = aws.ToString(r.PermissionsBoundary.PermissionsBoundaryArn)
	}
	var err error
	if role.Trust, err = trustpolicy.Decode(aws.ToString(r.AssumeRolePolicyDocument)); err != nil {
		return nil, fmt.Errorf("reading the trust policy of the role %s: %w", role.Name, err)
	}
	return role, nil
}

// Policies are what a role may do.
type Policies struct {
	Attached []string          // ARNs of managed policies
	Inline   map[string][]byte // documents by name
}

// GetPolicies reads the policies of a role. With documents false the inline
// ones are only named. A server without managed policies has none attached.
func GetPolicies(ctx context.Context, client IAM, name string, documents bool) (Policies, error) {
	p := Policies{Inline: map[string][]byte{}}
	var err error
	if p.Attached, err = attached(ctx, client, name); err != nil {
		return p, err
	}
	pages := iam.NewListRolePoliciesPaginator(client, &iam.ListRolePoliciesInput{RoleName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return p, fmt.Errorf("listing the inline policies of the role %s: %w", name, awsapi.Denied(err, "iam:ListRolePolicies"))
		}
		for _, policy := range page.PolicyNames {
			p.Inline[policy] = nil
			if !documents {
				continue
			}
			if p.Inline[policy], err = inline(ctx, client, name, policy); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// attached are the ARNs of a role's managed policies.
func attached(ctx context.Context, client IAM, name string) (arns []string, err error) {
	pages := iam.NewListAttachedRolePoliciesPaginator(client, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		switch {
		case awsapi.Code(err) == "NoSuchEntity", unknownAction(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("listing the policies attached to the role %s: %w", name, awsapi.Denied(err, "iam:ListAttachedRolePolicies"))
		}
		for _, policy := range page.AttachedPolicies {
			arns = append(arns, aws.ToString(policy.PolicyArn))
		}
	}
	return arns, nil
}

// instanceProfiles are the names of those that a role is in.
func instanceProfiles(ctx context.Context, client IAM, name string) (names []string, err error) {
	out, err := client.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: &name})
	switch {
	case awsapi.Code(err) == "NoSuchEntity", unknownAction(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("listing the instance profiles of the role %s: %w", name, awsapi.Denied(err, "iam:ListInstanceProfilesForRole"))
	}
	for _, profile := range out.InstanceProfiles {
		names = append(names, aws.ToString(profile.InstanceProfileName))
	}
	return names, nil
}

// unknownAction is the answer of servers that have no such thing as is asked for:
// VersityGW has neither managed policies nor instance profiles.
func unknownAction(err error) bool { return awsapi.Code(err) == "InvalidAction" }

// inline is the document of one inline policy; nil where there is none.
func inline(ctx context.Context, client IAM, name, policy string) ([]byte, error) {
	out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &policy})
	switch {
	case awsapi.Code(err) == "NoSuchEntity":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the inline policy %s of the role %s: %w", policy, name, awsapi.Denied(err, "iam:GetRolePolicy"))
	}
	document, err := trustpolicy.Decode(aws.ToString(out.PolicyDocument))
	if err != nil {
		return nil, fmt.Errorf("reading the inline policy %s of the role %s: %w", policy, name, err)
	}
	return document, nil
}
