package role

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// sidPrefix begins the Sid of a statement that binding wrote into a role of
// somebody else: that statement alone is ours there.
const sidPrefix = "KubectlIrsa"

// sid is the Sid of our statement for a subject of an issuer. A Sid takes
// letters and digits only, and the quota of a trust policy is small.
func sid(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return sidPrefix + hex.EncodeToString(sum[:4])
}

// grantsOf are what a trust policy grants to tokens of an issuer.
func grantsOf(policy *trustpolicy.Policy, issuer string) []trustpolicy.Grant {
	return slices.DeleteFunc(trustpolicy.Grants(policy), func(g trustpolicy.Grant) bool {
		return trustpolicy.ConditionPrefix(g.Provider) != strings.TrimPrefix(issuer, "https://")
	})
}

// grown is a trust policy with a statement for t, and what changed in words,
// "" where it trusts t already. With apart the statement stands alone, under a
// Sid of ours.
func grown(document []byte, t trustpolicy.Trust, apart bool) (changed []byte, summary string, err error) {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return nil, "", err
	}
	add := trustpolicy.Add
	if apart {
		add = trustpolicy.AddStatement
		t.Sid = sid(trustpolicy.ConditionPrefix(t.Provider), t.Subject)
	}
	patch, err := add(policy, t)
	if err != nil || patch.Empty() {
		return document, "", err
	}
	changed, err = patch.Apply(document)
	return changed, patch.Summary, err
}

// shrunken is a trust policy without a subject of a provider, and what changed
// in words, "" where it does not name it. With apart only our own statement is
// taken out. trustpolicy.ErrLastStatement means that nothing would be left.
func shrunken(document []byte, provider, subject string, apart bool) (changed []byte, summary string, err error) {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return nil, "", err
	}
	var patch trustpolicy.Patch
	if apart {
		at := -1
		for _, statement := range policy.Statements {
			if statement.Sid == sid(trustpolicy.ConditionPrefix(provider), subject) {
				at = statement.Index
			}
		}
		if at < 0 {
			return document, "", nil
		}
		patch, err = trustpolicy.RemoveStatement(policy, at)
	} else {
		patch, err = trustpolicy.RemoveSubject(policy, provider, subject)
	}
	if err != nil || patch.Empty() {
		return document, "", err
	}
	changed, err = patch.Apply(document)
	return changed, patch.Summary, err
}

// tooLarge says that IAM would refuse a trust policy for its size, "" where it
// would not. Where the former one is over the default quota already, the
// account's quota was raised.
func tooLarge(before, after []byte) string {
	size, quota := trustpolicy.Size(after), trustpolicy.QuotaSize
	if trustpolicy.Size(before) > quota {
		quota = trustpolicy.QuotaSizeMax
	}
	if size <= quota {
		return ""
	}
	return fmt.Sprintf("the trust policy would have %d characters, and the quota is %d; let one pattern stand for many ServiceAccounts (--subject-pattern), or use another role", size, quota)
}

// sizeOf is a trust policy's size beside its quota.
func sizeOf(document []byte) string {
	return fmt.Sprintf("%d of %d characters", trustpolicy.Size(document), max(trustpolicy.QuotaSize, trustpolicy.Size(document)))
}

func (e *Ensure) lookTrust(ctx context.Context) (plan.State, string, error) {
	go e.Provider(ctx) //nolint:errcheck // it asks once: this only begins early
	found, err := e.Look(ctx)
	switch {
	case err != nil:
		return e.unknown(err, e.Existing)
	case found == nil && e.Existing:
		return plan.Conflict, fmt.Sprintf("the account has no role %s\nkubectl irsa role create %s --sa NAME -n NAMESPACE", e.Spec.Name, e.Spec.Name), nil
	case found == nil:
		return plan.Needed, "audience " + e.Audience, nil
	}
	return e.withProvider(ctx, "audience "+e.Audience, func(provider string) (plan.State, string, error) {
		return e.lookGrown(found, provider)
	})
}

// lookGrown is the look at the trust policy of a role that is there.
func (e *Ensure) lookGrown(found *Role, provider string) (plan.State, string, error) {
	document, summary, err := e.grow(found, provider)
	if err != nil {
		return refusedTrust(found.Name, err)
	}
	if denial := e.denied(document, provider); denial != "" {
		return plan.Conflict, denial + "\nkubectl irsa role get " + found.Name, nil
	}
	if summary == "" {
		return plan.Done, "", nil
	}
	if refusal := tooLarge(found.Trust, document); refusal != "" {
		return plan.Conflict, refusal, nil
	}
	return plan.Needed, summary + " (" + sizeOf(document) + ")", nil
}

// grow adds the subjects that a role does not trust yet.
func (e *Ensure) grow(role *Role, provider string) (document []byte, summary string, err error) {
	document = role.Trust
	var all []string
	for _, subject := range e.Subjects {
		if document, summary, err = grown(document, e.trust(provider, subject), e.Apart && !role.Owned(e.Issuer)); err != nil {
			return nil, "", err
		}
		if summary != "" {
			all = append(all, summary)
		}
	}
	return document, strings.Join(all, "; "), nil
}

// taken says for whom a role was made whose name nobody chose, "" where it may be
// used: it lets a subject of ours in already, or nobody of this issuer, as after
// a run that was interrupted. Names of namespaces and ServiceAccounts hold the
// hyphen that joins them, so that two pairs may make one name.
func (e *Ensure) taken(found *Role) string {
	if !e.MadeUp {
		return ""
	}
	policy, err := trustpolicy.Parse(found.Trust)
	if err != nil {
		return "" // whoever changes it says so
	}
	var others []string
	for _, grant := range grantsOf(policy, e.Issuer) {
		if len(grant.Subjects) == 0 {
			return ""
		}
		for _, s := range grant.Subjects {
			if slices.ContainsFunc(e.Subjects, s.Matches) {
				return ""
			}
			others = append(others, s.Text)
		}
	}
	if len(others) == 0 {
		return ""
	}
	return found.Name + " was made for " + strings.Join(others, " and ") + "; name another with --role"
}

// denied says which statement keeps a subject out, whatever is allowed besides;
// "" where none does for certain.
func (e *Ensure) denied(document []byte, provider string) string {
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return "" // whoever changes it says so
	}
	for _, subject := range e.Subjects {
		evaluation := trustpolicy.Evaluate(policy, trustpolicy.WebIdentity(provider, e.Audience, subject))
		if blocker, ok := evaluation.Blocker(); ok {
			return fmt.Sprintf("statement %d of the trust policy denies it to %s, and a Deny wins over every Allow: whoever wrote it has to change it", blocker.Index+1, subject)
		}
	}
	return ""
}

// applyTrust reads the trust policy again: IAM knows no condition for a write,
// and what others changed since the look must stay.
func (e *Ensure) applyTrust(ctx context.Context) error {
	provider, err := e.Provider(ctx)
	if err != nil {
		return err
	}
	if !e.created {
		found, err := e.read(ctx)
		if err != nil {
			return err
		}
		if found == nil {
			return fmt.Errorf("the role %s is gone since it was looked at", e.Spec.Name)
		}
		e.found = found
	}
	document, summary, err := e.grow(e.found, provider)
	if err != nil || summary == "" {
		return err
	}
	if refusal := tooLarge(e.found.Trust, document); refusal != "" {
		return errors.New(refusal)
	}
	if err := putTrust(ctx, e.IAM, e.found.Name, document); err != nil {
		return err
	}
	e.found.Trust = document
	return nil
}

func putTrust(ctx context.Context, client IAM, name string, document []byte) error {
	_, err := client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: aws.String(string(document))})
	if awsapi.Code(err) == "LimitExceeded" {
		return hint.Wrap(awsapi.Brief(err), "let one pattern stand for many ServiceAccounts (--subject-pattern), or use another role")
	}
	return awsapi.Denied(err, "iam:UpdateAssumeRolePolicy")
}

// CheckPattern says why a pattern of subjects is not to be trusted: one that
// also covers other namespaces, or whatever else the issuer signs for, lets in
// more than anybody means.
func CheckPattern(pattern string) error {
	rest, ok := strings.CutPrefix(pattern, "system:serviceaccount:")
	namespace, name, both := strings.Cut(rest, ":")
	switch {
	case !ok || !both || namespace == "" || name == "":
		return fmt.Errorf("the pattern %q does not read system:serviceaccount:NAMESPACE:NAME", pattern)
	case !strings.ContainsAny(pattern, "*?"):
		return fmt.Errorf("the pattern %q has neither * nor ?: name the ServiceAccount instead", pattern)
	case strings.Trim(namespace, "*?") == "":
		return fmt.Errorf("the pattern %q lets in every namespace of the cluster: name at least a part of it", pattern)
	}
	return nil
}

// refusedTrust is a look at a document that cannot be changed.
func refusedTrust(name string, err error) (plan.State, string, error) {
	return plan.Conflict, fmt.Sprintf("the trust policy of %s cannot be changed: %v", name, err), nil
}
