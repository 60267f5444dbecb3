package cli

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

func newInspectCommand(f *Factory) *cobra.Command {
	cmd := group("inspect", "Follow the chain of trust and name the link that is broken",
		newInspectSACommand(f, (*inspectSACommand).run),
		newInspectPodCommand(f, (*inspectWorkloadCommand).run),
		newInspectDeployCommand(f, (*inspectWorkloadCommand).run),
		newInspectRoleCommand(f, (*inspectPartCommand).run),
		newInspectProviderCommand(f, (*inspectPartCommand).run),
		newInspectIssuerCommand(f, (*inspectPartCommand).run),
	)
	cmd.Long = cmd.Short + `.

Signs of the checks: ok (on a terminal ✔) holds, XX (✘) failed, !! (▲) warns,
?? (?) could not look, -- (·) skipped.`
	return cmd
}

// verdictFlags are what every command that judges can be told.
type verdictFlags struct {
	ids        func() []string // of the checks there are
	only, skip []string
	failOn     string
	output     string
}

// graphs are the pictures of a chain.
var graphs = []string{"dot", "mermaid"}

func (v *verdictFlags) add(cmd *cobra.Command, ids func() []string, formats ...string) {
	v.ids = ids
	flags := cmd.Flags()
	flags.StringSliceVar(&v.only, "only", nil, "Show only these checks, by ID")
	flags.StringSliceVar(&v.skip, "skip", nil, "Leave these checks out, by ID")
	someOf(cmd, "only", ids)
	someOf(cmd, "skip", ids)
	flags.StringVar(&v.failOn, "fail-on", string(check.Fail), "What makes the exit code 3: fail, warn (that too) or unknown (all three)")
	outputFlag(cmd, &v.output, append([]string{"json", "yaml", "name", "wide"}, formats...)...)
}

// check refuses what cannot be meant.
func (v *verdictFlags) check() error {
	if !slices.Contains([]check.Status{check.Fail, check.Warn, check.Unknown}, check.Status(v.failOn)) {
		return usagef("--fail-on %q: use fail, warn or unknown", v.failOn)
	}
	ids := v.ids()
	if id := v.selection().Unknown(ids); id != "" {
		if near := hint.Nearest(id, ids); len(near) > 0 {
			return usagef("there is no check %q here; there is %s", id, strings.Join(near, ", "))
		}
		return usagef("there is no check %q here; there are %s", id, strings.Join(ids, ", "))
	}
	return nil
}

func (v *verdictFlags) selection() check.Selection {
	return check.Selection{Only: v.only, Skip: v.skip}
}

// verdict is the exit code's side of a report that is printed already.
func (v *verdictFlags) verdict(root *check.RootCause) error {
	if root == nil {
		return nil
	}
	return verdictError{}
}

// chainChecks are the IDs of the checks of a whole chain.
func chainChecks() []string { return check.IDs(doctor.ServiceAccountChecks()) }

// chainFlags are those of the commands that follow a chain down to STS.
type chainFlags struct {
	adminFlags
	verdictFlags
	roleARN, audience      string
	region, stsEndpointURL string
	duration               time.Duration
	noSTS                  bool
}

func (o *chainFlags) add(cmd *cobra.Command, ids func() []string) {
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.roleARN, "role-arn", "", "ARN of the role; default: the ServiceAccount's annotation "+irsa.AnnotationRoleARN)
	flags.StringVar(&o.audience, "audience", "", "Audience of the token; default: the annotation "+irsa.AnnotationAudience+", else "+irsa.DefaultAudience)
	flags.DurationVar(&o.duration, "duration", 0, "Life of the AWS session that is wanted")
	flags.StringVar(&o.region, "region", "", "Region of the STS endpoint; default: AWS_REGION, AWS_DEFAULT_REGION, else the partition's")
	flags.StringVar(&o.stsEndpointURL, "sts-endpoint-url", "", "URL of an STS in place of the region's own")
	flags.BoolVar(&o.noSTS, "no-sts", false, "Leave out the exchange of a token at STS")
	o.verdictFlags.add(cmd, ids, graphs...)
	o.adminFlags.add(cmd)
}

// target is the chain of a ServiceAccount.
func (o *chainFlags) target(f *Factory, c *cluster, serviceAccount string) doctor.Target {
	return doctor.Target{
		Namespace: c.namespace, ServiceAccount: serviceAccount,
		RoleARN: o.roleARN, Audience: o.audience, Duration: o.duration,
		Region:      f.region(o.region, ""),
		SessionName: irsa.SessionName(f.osUser(), c.config.Host, c.namespace, serviceAccount),
		NoSTS:       o.noSTS, AnyAccount: f.customSTS(o.stsEndpointURL), WithPods: true,
		Paste: o.paste(f), Profiles: f.otherAWSProfiles(o.awsProfile),
	}
}

// paste is that of a look down to STS, which has flags of its own.
func (o *chainFlags) paste(f *Factory) doctor.Paste {
	p := f.paste(&o.adminFlags)
	for _, flag := range [][2]string{{"audience", o.audience}, {"region", o.region}, {"sts-endpoint-url", o.stsEndpointURL}} {
		if flag[1] != "" {
			p.Look += " --" + flag[0] + " " + shell.Word(flag[1])
		}
	}
	if o.duration != 0 {
		p.Look += " --duration " + o.duration.String()
	}
	return p
}

// otherAWSProfiles are the names of the AWS profiles that may hold credentials
// for IAM: not those of ours, whose sessions are a ServiceAccount's, and not the
// one that is looked for anyway.
func (f *Factory) otherAWSProfiles(named string) []string {
	book, err := f.book()
	if err != nil {
		return nil
	}
	owned, err := book.List()
	if err != nil {
		return nil
	}
	current := cmp.Or(named, f.Getenv("AWS_PROFILE"), "default")
	return slices.DeleteFunc(f.awsProfiles(), func(name string) bool {
		return name == current || slices.ContainsFunc(owned, func(p login.Owned) bool { return p.Name == name })
	})
}

func (o *chainFlags) checkFlags() error {
	if err := checkRegion(o.region); err != nil {
		return err
	}
	if o.duration != 0 && (o.duration%time.Second != 0 || o.duration < minSession || o.duration > maxSession) {
		return usagef("--duration %s: STS grants sessions of 15m to 12h, in whole seconds", o.duration)
	}
	return nil
}

// paste is what lines to paste need so that they reach the same place.
func (f *Factory) paste(a *adminFlags) doctor.Paste {
	var p doctor.Paste
	for _, name := range []string{"kubeconfig", "context", "cluster", "user"} {
		if flag := f.flags.Lookup(name); flag != nil && flag.Changed {
			p.Kube += " --" + name + " " + shell.Word(flag.Value.String())
		}
	}
	if flag := f.flags.Lookup("namespace"); flag != nil && flag.Changed {
		p.Namespace = " -n " + shell.Word(flag.Value.String())
	}
	if a.awsProfile != "" {
		p.AWS += " --aws-profile " + shell.Word(a.awsProfile)
		p.CLI += " --profile " + shell.Word(a.awsProfile)
	}
	if a.awsRegion != "" {
		p.AWS += " --aws-region " + shell.Word(a.awsRegion)
	}
	return p
}

// world is whom the checks ask.
func (f *Factory) world(c *cluster, a *adminFlags, stsEndpointURL string) (doctor.World, error) {
	if err := a.named(f); err != nil {
		return doctor.World{}, err
	}
	clocks := &doctor.Clocks{Now: f.Now}
	c.config.Wrap(func(next http.RoundTripper) http.RoundTripper { return clocks.Wrap("the API server", next) })
	core, err := c.core()
	if err != nil {
		return doctor.World{}, err
	}
	var bundled *http.Client
	if f.Getenv("AWS_CA_BUNDLE") != "" {
		bundled, _ = f.stranger() // where it cannot be read STS says so
	}
	return doctor.World{
		Core: core, Public: publicClient(), Bundled: bundled, STS: f.stsFor(f.stsEndpoint(stsEndpointURL, f.settingsProfile()), ""), Clocks: clocks, Now: f.Now,
		Admin: func(ctx context.Context) (doctor.Inspector, error) { return f.inspector(ctx, a) },
	}, nil
}

// publicClient fetches what anybody may fetch, with the roots of this machine.
func publicClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &http.Client{Transport: transport}
}

// How long the search for AWS credentials may take: where nobody names any, it
// ends at an instance metadata service that is not there.
const (
	searchLimit = time.Second
	namedLimit  = 30 * time.Second
)

// lackingCredentials says, in its own words alone, why there are none for IAM.
type lackingCredentials struct{ error }

func (l lackingCredentials) Unwrap() error { return l.error }

// Is makes it doctor's ErrNoCredentials.
func (l lackingCredentials) Is(target error) bool { return target == doctor.ErrNoCredentials }

func (f *Factory) inspector(ctx context.Context, a *adminFlags) (doctor.Inspector, error) {
	limit := searchLimit
	if a.awsProfile != "" || f.Getenv("AWS_PROFILE") != "" {
		limit = namedLimit // a profile may run a program, or ask STS
	}
	search, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	admin, err := a.admin(search, f)
	if err == nil {
		err = admin.HasCredentials(search)
	}
	if err != nil {
		return doctor.Inspector{}, lackingCredentials{err}
	}
	return doctor.Inspector{IAM: admin.IAM, S3: admin.S3, STS: admin.STS}, nil
}

// unreachable is the error of a cluster that did not answer at all, nil where
// it did: then every check would only say so again.
func unreachable(f doctor.Facts) error {
	for _, err := range []error{f.Account.Err, f.Token.Err, f.LiveDiscovery.Err} {
		if err == nil || answered(err) {
			return nil
		}
	}
	return f.LiveDiscovery.Err
}
