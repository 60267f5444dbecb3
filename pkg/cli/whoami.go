package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationv1client "k8s.io/client-go/kubernetes/typed/authentication/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// whoamiCommand is everything "whoami" needs once flags are out of the way.
type whoamiCommand struct {
	profile string
	output  string
	factory *Factory
}

func newWhoamiCommand(f *Factory, run func(*whoamiCommand, context.Context) error) *cobra.Command {
	o := &whoamiCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Show who you are: cluster user, ServiceAccount, role, account, time left",
		Long: `Show who you are: cluster user, ServiceAccount, role, account, time left.

Without --profile it is the identity that the AWS CLI would use here, where that
is one of ours: the environment of exec and env, else AWS_PROFILE, else the
profile default. Where it is none of ours, the profiles of this kubeconfig
context are listed.`,
		Example: `  kubectl irsa whoami
  kubectl irsa whoami --profile prod-shop-cart
  kubectl irsa exec cart -n shop -- kubectl irsa whoami`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.profile == "" && cmd.Flags().Changed("profile") {
				return usagef("--profile: an empty value is none: leave the flag out for the profile that is in use")
			}
			return run(o, cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.profile, "profile", "", "A profile that login wrote; default: what AWS_PROFILE names, else the profile default")
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

func (o *whoamiCommand) run(ctx context.Context) error {
	f := o.factory
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	book, err := f.book()
	if err != nil {
		return err
	}
	owned, err := book.List()
	if err != nil {
		return err
	}
	report := identityReport{TypeMeta: typeMeta("Identity"), now: f.Now()}
	if err := o.choose(&report, owned); err != nil {
		return err
	}
	// STS first: a kubeconfig's plugin is shielded from credentials of ours by
	// taking them out of this very environment.
	var failed error
	if report.Source != "" {
		failed = o.ask(ctx, &report)
	}
	o.lookAtCluster(ctx, &report)
	if report.Source == "" {
		for _, p := range owned {
			if p.Pinned.Context == report.Context && p.Pinned.ReadsFrom(report.kubeconfig) {
				report.Profiles = append(report.Profiles, itemOf(p))
			}
		}
		if len(report.Profiles) == 0 {
			f.note("note: login has written no profile for this context: kubectl irsa login SERVICEACCOUNT")
		}
	}
	return errors.Join(f.print(o.output, report), failed)
}

// The sources of an identity.
const (
	sourceEnvironment = "environment"
	sourceProfile     = "profile"
)

// choose says which identity is meant, in the order in which the SDKs look:
// --profile, keys or a pod's token in the environment, AWS_PROFILE, [default].
func (o *whoamiCommand) choose(r *identityReport, owned []login.Owned) error {
	f := o.factory
	if o.profile == "" && f.Getenv("AWS_ACCESS_KEY_ID") != "" {
		if marker := f.marker(); marker != "" {
			r.Source = sourceEnvironment
			account, context, _ := strings.Cut(marker, "@")
			r.Context = context
			r.Namespace, r.ServiceAccount, _ = strings.Cut(account, "/")
		}
		return nil
	}
	if o.profile == "" && f.Getenv("AWS_ROLE_ARN") != "" && f.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" {
		return nil
	}
	name := o.profile
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if name == "" {
			name = f.Getenv(variable)
		}
	}
	name = cmp.Or(name, "default")
	for _, p := range owned {
		if p.Name == name {
			r.Source, r.Profile = sourceProfile, name
			r.Context, r.Namespace, r.ServiceAccount, r.RoleARN = p.Pinned.Context, p.Pinned.Namespace, p.Pinned.ServiceAccount, p.Pinned.RoleARN
			r.kubeconfig, r.extra = p.Pinned.Kubeconfig, p.Pinned.Extra
			if !p.Expiration.IsZero() {
				r.Expiration = &p.Expiration
			}
			return nil
		}
	}
	if o.profile == "" {
		return nil
	}
	return o.stranger()
}

// stranger says why --profile names nothing that is known here.
func (o *whoamiCommand) stranger() error {
	path, err := awsconfig.ConfigPath(o.factory.Getenv)
	if err != nil {
		return err
	}
	file, err := awsconfig.Read(path)
	if err != nil {
		return err
	}
	if _, exists := file.Profile(o.profile); exists {
		return hint.Wrap(fmt.Errorf("profile %q of %s was not written by kubectl irsa", o.profile, path),
			"aws sts get-caller-identity --profile "+o.profile)
	}
	return hint.Wrap(fmt.Errorf("there is no profile %q in %s", o.profile, path), "kubectl irsa profiles")
}

// ask lets STS say whose the credentials are, which come by the same way as
// those of every program that uses the profile.
func (o *whoamiCommand) ask(ctx context.Context, r *identityReport) error {
	admin, err := awsapi.NewAdmin(ctx, o.factory.adminOptions(r.Profile, ""))
	if err != nil {
		return err
	}
	who, err := admin.Caller(ctx)
	if !who.Expires.IsZero() {
		r.Expiration = &who.Expires
	}
	r.AccountID, r.RoleSessionARN = who.Account, who.ARN
	if r.Source == sourceEnvironment {
		if until, err := time.Parse(time.RFC3339, o.factory.Getenv("AWS_CREDENTIAL_EXPIRATION")); err == nil {
			r.Expiration = &until
		}
	}
	return err
}

// lookAtCluster fills in who the cluster takes this kubeconfig's user for. A
// cluster that cannot be asked leaves the kubeconfig's own word for it.
func (o *whoamiCommand) lookAtCluster(ctx context.Context, r *identityReport) {
	f := o.factory
	if r.Context != "" && *f.kube.Context == "" {
		*f.kube.Context = r.Context
	}
	if r.kubeconfig != "" && *f.kube.KubeConfig == "" {
		*f.kube.KubeConfig = r.kubeconfig
		if err := f.splitKubeconfig(); err != nil {
			f.note("note: the cluster's user is unknown: %v", err)
			return
		}
	}
	f.pinFlags(r.extra)
	c, err := f.cluster()
	if err != nil {
		f.note("note: the cluster's user is unknown: %v", err)
		return
	}
	r.Context, r.kubeconfig = c.context, c.kubeconfig
	if r.Namespace == "" {
		r.Namespace = c.namespace
	}
	client, err := authenticationv1client.NewForConfig(c.config)
	if err != nil {
		f.note("note: the cluster's user is unknown: %v", err)
		return
	}
	review, err := client.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		f.note("note: the cluster does not say who you are: %v", err)
		return
	}
	r.ClusterUser = &clusterUser{Name: review.Status.UserInfo.Username, Groups: review.Status.UserInfo.Groups}
}

// pinFlags takes over kubeconfig flags that a profile was made with, except
// where the user says otherwise here.
func (f *Factory) pinFlags(flags []string) {
	given := map[string]bool{}
	f.flags.VisitAll(func(flag *pflag.Flag) { given[flag.Name] = flag.Changed })
	for _, text := range flags {
		name, value, has := strings.Cut(strings.TrimLeft(text, "-"), "=")
		flag := f.flags.Lookup(name)
		if flag == nil || given[name] {
			continue
		}
		if !has {
			value = flag.NoOptDefVal
		}
		if err := f.flags.Set(name, value); err != nil {
			f.note("note: the profile's --%s is passed over: %v", name, err)
		}
	}
}

type clusterUser struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups,omitempty"`
}

// identityReport is what whoami prints.
type identityReport struct {
	TypeMeta
	ClusterUser    *clusterUser  `json:"clusterUser,omitempty"`
	Context        string        `json:"context,omitempty"`
	Namespace      string        `json:"namespace,omitempty"`
	ServiceAccount string        `json:"serviceAccount,omitempty"`
	Source         string        `json:"source,omitempty"` // profile or environment; none where no identity is in use
	Profile        string        `json:"profile,omitempty"`
	RoleARN        string        `json:"roleArn,omitempty"`
	RoleSessionARN string        `json:"roleSessionArn,omitempty"`
	AccountID      string        `json:"accountId,omitempty"`
	Expiration     *time.Time    `json:"expiration,omitempty"`
	Profiles       []profileItem `json:"profiles,omitempty"` // of the context, where no identity is in use

	kubeconfig string
	extra      []string // further kubeconfig flags of the profile, as --name=value
	now        time.Time
}

func (r identityReport) writeText(w writer) {
	user := "<unknown>"
	if r.ClusterUser != nil {
		user = r.ClusterUser.Name
	}
	rows := [][]string{{"cluster user", user + " (context " + orNone(r.Context) + ")"}}
	if r.Source == "" {
		rows = append(rows, []string{"role", "<none> (no profile of ours is in use)"})
		w.table(rows)
		if len(r.Profiles) > 0 {
			w.printf("\n")
			profilesReport{Items: r.Profiles, now: r.now}.writeText(w)
		}
		return
	}
	source := "in the environment"
	if r.Source == sourceProfile {
		source = "profile " + r.Profile
	}
	rows = append(rows, []string{"serviceaccount", r.Namespace + "/" + r.ServiceAccount + " (" + source + ")"})
	if r.RoleARN != "" {
		rows = append(rows, []string{"role", r.RoleARN})
	}
	rows = append(rows,
		[]string{"session", orUnknown(r.RoleSessionARN)},
		[]string{"account", orUnknown(r.AccountID)},
	)
	if r.Expiration != nil {
		rows = append(rows, []string{"expires", until(*r.Expiration, r.now)})
	}
	w.table(rows)
}

func orUnknown(s string) string {
	if s == "" {
		return "<unknown>"
	}
	return s
}
