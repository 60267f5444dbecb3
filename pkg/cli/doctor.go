package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

type doctorCommand struct {
	adminFlags
	verdictFlags
	all      bool
	audience string
	factory  *Factory
}

func newDoctorCommand(f *Factory, run func(*doctorCommand, context.Context) error) *cobra.Command {
	o := &doctorCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at the workstation, the cluster and the account",
		Long: `Look at the workstation, the cluster and the account.

What stands in the way of a profile here, what the cluster publishes and issues,
every ServiceAccount and pod of the namespace (or of all), and what IAM knows of
the issuer. A kubeconfig is enough; with AWS credentials the account is looked
at.`,
		Example: `  # This namespace
  kubectl irsa doctor

  # The whole cluster, for a script
  kubectl irsa doctor -A -o json`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.verdictFlags.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "Look at the ServiceAccounts and pods of all namespaces")
	cmd.Flags().StringVar(&o.audience, "audience", irsa.DefaultAudience, "Audience that the provider should know")
	o.verdictFlags.add(cmd, func() []string { return check.IDs(doctor.SurveyChecks()) })
	o.adminFlags.add(cmd)
	return cmd
}

func (o *doctorCommand) run(ctx context.Context) error {
	f := o.factory
	c, err := f.cluster()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	w, err := f.world(c, &o.adminFlags, "")
	if err != nil {
		return err
	}
	if station := f.station(c, ""); station.Cycle != "" {
		return f.reportOn(c, "", station.Findings(o.selection()), &o.verdictFlags, nil)
	}
	show, wipe := f.looking()
	w.Progress = show
	scope := c.namespace
	if o.all {
		scope = ""
	}
	t := doctor.Target{Namespace: c.namespace, Audience: o.audience, Region: f.region("", ""), NoSTS: true, Home: true, Webhooks: true, Paste: f.paste(&o.adminFlags)}
	survey := w.Survey(ctx, t, doctor.Station{}, scope, pageSize)
	wipe()
	if err := toldToEnd(ctx); err != nil {
		return err
	}
	if err := unreachable(survey.Facts); err != nil {
		if why := kubeapi.PluginRefusal(err); why != "" {
			station := f.station(c, "")
			station.Forbidden, station.Allow = why, allowPlugin(c.config.ExecProvider)
			return f.reportOn(c, "", station.Findings(o.selection()), &o.verdictFlags, nil)
		}
		return kubeapi.Unreachable(fmt.Errorf("asking the API server: %w", err))
	}
	if scope != "" && survey.Sweep.Accounts.Value.Total == 0 {
		if err := lost(ctx, w, scope); err != nil {
			return err
		}
	}
	survey.Station = f.station(c, survey.Issuer)
	return f.reportOn(c, "", survey.Findings(o.selection()), &o.verdictFlags, doctor.SurveySentences)
}

// station is what on this machine stands in the way of a profile.
func (f *Factory) station(c *cluster, issuer string) doctor.Station {
	s := doctor.Station{}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"} {
		if f.Getenv(name) != "" {
			s.Rivals = append(s.Rivals, name)
		}
	}
	if near, there := f.awsProfileThere(f.Getenv("AWS_PROFILE")); !there {
		s.Lost, s.LostNear = f.Getenv("AWS_PROFILE"), near
	}
	book, err := f.book()
	if err != nil {
		return s
	}
	owned, err := book.List()
	if err != nil {
		return s
	}
	used, calls := login.AWSProfileOf(c.plugin)
	for _, p := range owned {
		s.Profiles++
		if p.DeadBinary() {
			s.Dead, s.Again = append(s.Dead, p.Name), append(s.Again, loginAgain(p))
		}
		if why := f.astray(c, p, issuer); why != nil {
			s.Astray = append(s.Astray, p.Name+": "+why.Error())
		}
		if calls && p.Name == used && p.Pinned.ReadsFrom(c.kubeconfig) && p.Pinned.Context == c.context {
			s.Cycle = p.Name
		}
	}
	return s
}

// loginAgain is the line that writes a profile of ours anew.
func loginAgain(p login.Owned) string {
	words := append([]string{"kubectl", "irsa"}, p.Again()...)
	for i, word := range words {
		words[i] = shell.Word(word)
	}
	line := strings.Join(words, " ")
	if len(login.KubeconfigFiles(p.Pinned.Kubeconfig)) > 1 { // --kubeconfig takes one
		line = "KUBECONFIG=" + shell.Word(p.Pinned.Kubeconfig) + " " + line
	}
	return line
}

// astray says where a profile of ours leads now, nil where that is right or
// not to be seen from here.
func (f *Factory) astray(c *cluster, p login.Owned, issuer string) error {
	if p.Mode != login.Process || p.Pinned.Context == "" {
		return nil
	}
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: login.KubeconfigFiles(p.Pinned.Kubeconfig)}
	raw, err := rules.Load()
	if err != nil {
		return fmt.Errorf("reading its kubeconfig: %w", err)
	}
	if raw.Contexts[p.Pinned.Context] == nil {
		return fmt.Errorf("its kubeconfig %s has no context %q", p.Pinned.Kubeconfig, p.Pinned.Context)
	}
	if p.Pinned.Kubeconfig == c.kubeconfig && p.Pinned.Context == c.context && issuer != "" && p.Pinned.Issuer != "" && p.Pinned.Issuer != issuer {
		return fmt.Errorf("it was made for issuer %s, the cluster's is %s now", p.Pinned.Issuer, issuer)
	}
	return nil
}
