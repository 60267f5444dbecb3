package role

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// untouchable is the conflict of changing what a role of somebody else may do.
func untouchable(role *Role, with string) (plan.State, string, error) {
	return plan.Conflict, role.foreign() + ", so what it may do is its owner's to change:\n" + with, nil
}

func (e *Ensure) lookAttached(ctx context.Context, arn string) (plan.State, string, error) {
	e.listOnce.Do(func() { e.attached, e.listErr = attached(ctx, e.IAM, e.Spec.Name) })
	if e.listErr != nil {
		return e.unknown(e.listErr, arn == e.Spec.PolicyARNs[0])
	}
	if slices.Contains(e.attached, arn) {
		return plan.Done, "", nil
	}
	found, err := e.Look(ctx)
	switch {
	case err != nil:
		return e.unknown(err, false)
	case found != nil && !found.Owned(e.Issuer):
		return untouchable(found, fmt.Sprintf("aws iam attach-role-policy --role-name %s --policy-arn %s", found.Name, arn))
	}
	return plan.Needed, "", nil
}

func (e *Ensure) attach(ctx context.Context, arn string) error {
	_, err := e.IAM.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &e.Spec.Name, PolicyArn: &arn}, settling(notSeen))
	switch {
	case unknownAction(err):
		return hint.Wrap(awsapi.Brief(err), "this server has no managed policies: write the permissions inline with --policy-file FILE")
	case awsapi.Code(err) == "NoSuchEntity":
		return hint.Wrap(awsapi.Brief(err), "see which policies there are:", "aws iam list-policies --query 'Policies[].Arn' --output text")
	}
	return awsapi.Denied(err, "iam:AttachRolePolicy")
}

func (e *Ensure) lookInline(ctx context.Context) (plan.State, string, error) {
	document, err := inline(ctx, e.IAM, e.Spec.Name, e.inlineName())
	if err != nil {
		return plan.Unknown, "", err
	}
	if sameDocument(document, e.Spec.Inline) {
		return plan.Done, "", nil
	}
	found, err := e.Look(ctx)
	switch {
	case err != nil:
		return e.unknown(err, false)
	case found != nil && !found.Owned(e.Issuer):
		return untouchable(found, fmt.Sprintf("aws iam put-role-policy --role-name %s --policy-name NAME --policy-document file://FILE", found.Name))
	case document != nil:
		return plan.Needed, "in place of another of that name", nil
	}
	return plan.Needed, "", nil
}

func (e *Ensure) putInline(ctx context.Context) error {
	_, err := e.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: &e.Spec.Name, PolicyName: aws.String(e.inlineName()), PolicyDocument: aws.String(string(e.Spec.Inline)),
	}, settling(notSeen))
	return awsapi.Denied(err, "iam:PutRolePolicy")
}

// settings names what the spec sets, in words.
func (s *Spec) settings() string {
	var words []string
	if s.Boundary != "" {
		words = append(words, "the permissions boundary")
	}
	if s.MaxSession != 0 {
		words = append(words, "the longest session")
	}
	if len(s.Tags) > 0 {
		words = append(words, "the tags")
	}
	return strings.Join(words, " and ")
}

func (e *Ensure) lookSettings(ctx context.Context) (plan.State, string, error) {
	found, err := e.Look(ctx)
	switch {
	case err != nil:
		return e.unknown(err, false)
	case found == nil:
		return plan.Needed, "", nil
	}
	changes := e.settingChanges(found)
	switch {
	case len(changes) == 0:
		return plan.Done, "", nil
	case !found.Owned(e.Issuer):
		return untouchable(found, strings.Join(changes, "\n"))
	}
	return plan.Needed, strings.Join(changes, "\n"), nil
}

func (e *Ensure) settingChanges(found *Role) (changes []string) {
	if b := e.Spec.Boundary; b != "" && b != found.Boundary {
		changes = append(changes, "boundary "+b+was(found.Boundary))
	}
	if m := e.Spec.MaxSession; m != 0 && m != found.MaxSession {
		changes = append(changes, fmt.Sprintf("longest session %s%s", m, was(found.MaxSession.String())))
	}
	for k, v := range lacking(found.Tags, e.Spec.Tags) {
		changes = append(changes, "tag "+k+"="+v)
	}
	slices.Sort(changes)
	return changes
}

func was(former string) string {
	if former == "" {
		return ""
	}
	return " (was " + former + ")"
}

func (e *Ensure) applySettings(ctx context.Context) error {
	if b := e.Spec.Boundary; b != "" && b != e.found.Boundary {
		if _, err := e.IAM.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &e.found.Name, PermissionsBoundary: &b}); err != nil {
			return awsapi.Denied(err, "iam:PutRolePermissionsBoundary")
		}
	}
	if m := e.Spec.MaxSession; m != 0 && m != e.found.MaxSession {
		// The description is told again, since the call sets both.
		if _, err := e.IAM.UpdateRole(ctx, &iam.UpdateRoleInput{
			RoleName: &e.found.Name, MaxSessionDuration: aws.Int32(int32(m / time.Second)), Description: optional(e.found.Description),
		}); err != nil {
			return awsapi.Denied(err, "iam:UpdateRole")
		}
	}
	if tags := lacking(e.found.Tags, e.Spec.Tags); len(tags) > 0 {
		if _, err := e.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: &e.found.Name, Tags: awsapi.IAMTags(tags)}); err != nil {
			return awsapi.Denied(err, "iam:TagRole")
		}
	}
	return nil
}
