package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

type inspectSACommand struct {
	chainFlags
	name    string
	factory *Factory
}

func newInspectSACommand(f *Factory, run func(*inspectSACommand, context.Context) error) *cobra.Command {
	o := &inspectSACommand{factory: f}
	cmd := &cobra.Command{
		Use:     "sa NAME",
		Aliases: []string{"serviceaccount", "serviceaccounts"},
		Short:   "Say whether a ServiceAccount can become its role, and if not, why",
		Long: `Say whether a ServiceAccount can become its role, and if not, why.

Follows the chain of trust in the order in which an exchange would stumble:
annotation, token, issuer, public documents, keys, provider, trust policy, STS,
webhook and pods. A kubeconfig is enough; with AWS credentials IAM is read, too.
The exit code is 3 where a check failed.`,
		Example: `  # Follow the chain from a ServiceAccount to its role
  kubectl irsa inspect sa cart -n shop

  # The check that broke first, for a script
  kubectl irsa inspect sa cart -n shop -o jsonpath={.rootCause.id}`,
		Args: needs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.chainFlags.add(cmd, chainChecks)
	return cmd
}

func (o *inspectSACommand) complete(args []string) (err error) {
	if o.name, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	if err := o.checkFlags(); err != nil {
		return err
	}
	return o.verdictFlags.check()
}

func (o *inspectSACommand) run(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	facts, err := o.collect(ctx, o.factory, c, o.target(o.factory, c, o.name))
	if err != nil {
		return err
	}
	return o.report(o.factory, c, chainSubject{"ServiceAccount", c.namespace, o.name}, facts, doctor.ServiceAccountChecks())
}

// collect gathers the facts about a target; a ServiceAccount that is missing
// and a cluster that does not answer are errors.
func (o *chainFlags) collect(ctx context.Context, f *Factory, c *cluster, t doctor.Target) (doctor.Facts, error) {
	w, err := f.world(c, &o.adminFlags, o.stsEndpointURL)
	if err != nil {
		return doctor.Facts{}, err
	}
	o.noteLostProfile(f)
	show, wipe := f.looking()
	w.Progress = show
	facts := w.Collect(ctx, t)
	wipe()
	if err := toldToEnd(ctx); err != nil {
		return facts, err
	}
	if err := unreachable(facts); err != nil {
		return facts, kubeapi.Unreachable(fmt.Errorf("asking the API server: %w", err))
	}
	switch missing := apierrors.IsNotFound(facts.Account.Err); {
	case missing && t.Workload == nil:
		return facts, o.missing(ctx, w, t)
	case missing:
		facts.Near = kubeapi.Near(ctx, w.Core.ServiceAccounts(t.Namespace), t.ServiceAccount)
	}
	return facts, nil
}

// missing says what is not there, the namespace or the ServiceAccount, and what
// may be meant.
func (o *chainFlags) missing(ctx context.Context, w doctor.World, t doctor.Target) error {
	if err := lost(ctx, w, t.Namespace); err != nil {
		return err
	}
	err := fmt.Errorf("there is no ServiceAccount %s in namespace %s", t.ServiceAccount, t.Namespace)
	if near := kubeapi.Near(ctx, w.Core.ServiceAccounts(t.Namespace), t.ServiceAccount); len(near) > 0 {
		return hint.Wrap(err, "did you mean "+strings.Join(near, " or ")+"?")
	}
	if others := w.Elsewhere(ctx, t); len(others) > 0 {
		return hint.Wrap(err, fmt.Sprintf("there is one in namespace %s: -n %s", strings.Join(others[:min(len(others), 3)], ", "), others[0]))
	}
	return hint.Wrap(err, "kubectl get serviceaccounts -n "+t.Namespace)
}

// lost is the error of a namespace that is not there, nil where it is or nobody
// may look.
func lost(ctx context.Context, w doctor.World, namespace string) error {
	gone, near := w.Lost(ctx, namespace)
	if !gone {
		return nil
	}
	err := fmt.Errorf("there is no namespace %s", namespace)
	if len(near) > 0 {
		return hint.Wrap(err, "did you mean -n "+strings.Join(near, " or -n ")+"?")
	}
	return hint.Wrap(err, "kubectl get namespaces")
}

// report judges, prints and gives the verdict.
func (o *chainFlags) report(f *Factory, c *cluster, subject chainSubject, facts doctor.Facts, checks []doctor.Check) error {
	findings := check.Run(facts, checks, o.selection())
	r := f.chainReport(c, subject, facts, findings, &o.verdictFlags)
	if err := r.print(f, o.output); err != nil {
		return err
	}
	return o.verdict(r.RootCause)
}

// toldToEnd is why a look was ended from outside, nil where it was not: what it
// saw until then is no finding.
func toldToEnd(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Cause(ctx)
	}
	return nil
}

// answered reports whether the API server itself said no.
func answered(err error) bool {
	_, ok := errors.AsType[*apierrors.StatusError](err)
	return ok
}
