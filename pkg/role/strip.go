package role

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// Strip takes the statements that binding wrote for an issuer out of a role
// that is not ours.
type Strip struct {
	IAM    IAM
	Issuer string
	Found  *Role
}

// Step takes them out; nothing else of the trust policy is touched.
func (s *Strip) Step(id string) plan.Step {
	return plan.Step{ID: id, Title: "take our statements out of the role " + s.Found.Name, Removes: true, Look: s.look, Apply: s.apply}
}

func (s *Strip) look(context.Context) (plan.State, string, error) {
	document, taken, err := stripped(s.Found.Trust, s.Issuer)
	switch {
	case err != nil:
		return plan.Done, fmt.Sprintf("%s stays as it is: %v", s.Found.ARN, err), nil
	case taken == 0:
		return plan.Done, "", nil
	}
	return plan.Needed, fmt.Sprintf("%d of %s (%s)", taken, s.Found.ARN, sizeOf(document)), nil
}

func (s *Strip) apply(ctx context.Context) error {
	found, err := Get(ctx, s.IAM, s.Found.Name)
	if err != nil || found == nil {
		return err
	}
	document, taken, err := stripped(found.Trust, s.Issuer)
	if err != nil || taken == 0 {
		return err
	}
	return putTrust(ctx, s.IAM, found.Name, document)
}

// stripped is a trust policy without our statements for an issuer, and how many
// they were.
func stripped(document []byte, issuer string) ([]byte, int, error) {
	for taken := 0; ; taken++ {
		policy, err := trustpolicy.Parse(document)
		if err != nil {
			return nil, taken, err
		}
		at := ourStatement(policy, issuer)
		if at < 0 {
			return document, taken, nil
		}
		patch, err := trustpolicy.RemoveStatement(policy, at)
		if err != nil {
			return nil, taken, err
		}
		if document, err = patch.Apply(document); err != nil {
			return nil, taken, err
		}
	}
}

// ourStatement is the index of a statement that binding wrote, -1 for none.
func ourStatement(policy *trustpolicy.Policy, issuer string) int {
	for _, grant := range trustpolicy.Grants(policy) {
		if strings.HasPrefix(grant.Sid, sidPrefix) && trustpolicy.ConditionPrefix(grant.Provider) == strings.TrimPrefix(issuer, "https://") {
			return grant.Statement
		}
	}
	return -1
}
