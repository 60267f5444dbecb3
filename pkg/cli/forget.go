package cli

import (
	"context"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// forgetting is a step after which the cached sessions that match are served to
// nobody: it changed what their ServiceAccount would get now.
func (f *Factory) forgetting(step plan.Step, match func(creds.Kept) bool) plan.Step {
	apply := step.Apply
	step.Apply = func(ctx context.Context) error {
		if err := apply(ctx); err != nil {
			return err
		}
		cache, err := f.cache(cacheFile)
		if err == nil {
			err = cache.Forget(match)
		}
		if err != nil {
			f.note("warning: exec and env may still find a former session in the cache: %v", err)
		}
		return nil
	}
	return step
}

// annotated are the sessions that a ServiceAccount of the cluster got for what
// its annotations said.
func (c *cluster) annotated(serviceAccount string) func(creds.Kept) bool {
	return func(k creds.Kept) bool {
		return k.Key.Server == c.key.Server && k.Key.Authority == c.key.Authority && k.Key.Namespace == c.namespace &&
			k.Key.ServiceAccount == serviceAccount && (k.Key.RoleARN == "" || k.Key.Audience == "")
	}
}

// sessionsOf are the sessions of a role whose ARN is known once a step has looked
// at it. A role of that name in another account keeps its own.
func sessionsOf(arn func() string) func(creds.Kept) bool {
	return func(k creds.Kept) bool {
		role, err := irsa.ParseRoleARN(arn(), irsa.AnyAccount)
		return err == nil && k.Of(role)
	}
}
