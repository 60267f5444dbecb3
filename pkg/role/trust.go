package role

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

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
