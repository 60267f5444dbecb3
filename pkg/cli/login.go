package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// loginCommand is everything "login" needs once flags and kubeconfig are out
// of the way.
type loginCommand struct {
	exchangeFlags
	serviceAccount string
	profile        string
	mode           string
	create         bool
	annotate       bool
	overwrite      bool
	setDefault     bool
	dryRun         string
	output         string
	quiet          bool

	factory *Factory
	cluster *cluster
	login   login.Login
}

func newLoginCommand(f *Factory, run func(*loginCommand, context.Context) error) *cobra.Command {
	o := &loginCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "login SERVICEACCOUNT",
		Short: "Log in as the role of a ServiceAccount and write an AWS profile",
		Long: `Log in as the role of a ServiceAccount and write an AWS profile.

Asks the cluster for a token of the ServiceAccount, exchanges it at STS for a
session of the role, and writes a profile into ~/.aws/config. AWS credentials
are not needed. A refused exchange leaves the file as it was.

Modes:
  process     the profile renews itself through this program and holds no secret
  static      the three keys stand in the file until they expire
  token-file  the SDKs exchange a token of 24h themselves until it expires`,
		Example: `  # Log in as the role that the ServiceAccount is annotated with
  kubectl irsa login cart -n shop

  # Name the role; a ServiceAccount that does not exist is created
  kubectl irsa login test --role-arn arn:aws:iam::111122223333:role/test

  # See what would be done
  kubectl irsa login cart -n shop --dry-run`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	o.exchangeFlags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.profile, "profile", "", "Name of the profile to write; default: CONTEXT-NAMESPACE-SERVICEACCOUNT")
	flags.StringVar(&o.mode, "mode", string(login.Process), "How the profile gets its credentials: process, static or token-file")
	flags.BoolVar(&o.create, "create", true, "Create the ServiceAccount when it is missing and --role-arn is given")
	flags.BoolVar(&o.annotate, "annotate", false, "After a login that worked, write the role, and an unusual audience, on the ServiceAccount")
	flags.BoolVar(&o.overwrite, "overwrite", false, "Take over a profile, or an annotation, that says otherwise")
	flags.BoolVar(&o.setDefault, "set-default", false, "Write the profile to [default] too")
	dryRunFlag(cmd, &o.dryRun)
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "Print nothing when all went well")
	outputFlag(cmd, &o.output, "json", "yaml", "name")
	return cmd
}

// tokenFileDuration is the life of a token that nothing renews.
const tokenFileDuration = 24 * time.Hour

func (o *loginCommand) complete(args []string) (err error) {
	f := o.factory
	if o.serviceAccount, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	if err := o.check(f); err != nil {
		return err
	}
	mode := login.Mode(o.mode)
	if !slices.Contains(login.Modes, mode) {
		return usagef("--mode %q: use process, static or token-file", o.mode)
	}
	if err := o.checkMode(mode); err != nil {
		return err
	}
	if o.cluster, err = f.cluster(); err != nil {
		return err
	}
	if o.profile == "" && o.given("profile") {
		return usagef("--profile: an empty value names no profile")
	}
	if o.profile == "" {
		o.profile = login.ProfileName(o.cluster.context, o.cluster.namespace, o.serviceAccount)
	} else if err := awsconfig.CheckName(o.profile); err != nil {
		return usageError{fmt.Errorf("--profile: %w", err)}
	}
	return o.prepare(mode)
}

// checkMode refuses flags that a mode cannot keep its promise with.
func (o *loginCommand) checkMode(mode login.Mode) error {
	policies := o.policyGiven() || len(o.policyARNs) > 0
	switch {
	case mode == login.TokenFile && policies:
		return usagef("--policy and --policy-arn: the SDKs send no session policy with a token file; use --mode process or static")
	case mode == login.TokenFile && o.duration != 0:
		return usagef("--duration: the SDKs ask for a session of 1h with a token file; use --mode process or static")
	case mode == login.TokenFile && o.factory.tokenDir() == "":
		return usageError{hint.Wrap(errors.New("--mode token-file: there is no folder to keep the token in"), "set HOME, or name a folder with --cache-dir")}
	case mode == login.Process && o.policy == "-":
		return usagef("--policy -: a profile that renews itself has to read the policy again; name a file, or use --mode static")
	case mode == login.Process && o.factory.flags.Changed("token"):
		return usageError{hint.Wrap(errors.New("--token: a bearer token cannot be written into a profile"), "use --mode static, or put the token into the kubeconfig")}
	}
	return nil
}

// prepare fills in the login.
func (o *loginCommand) prepare(mode login.Mode) error {
	f, c := o.factory, o.cluster
	configPath, err := awsconfig.ConfigPath(f.Getenv)
	if err != nil {
		return err
	}
	credentialsPath, err := awsconfig.CredentialsPath(f.Getenv)
	if err != nil {
		return err
	}
	endpoint := f.stsEndpoint(o.stsEndpointURL, o.profile, f.settingsProfile())
	exchanger, err := f.exchanger(c, endpoint, o.profile)
	if err != nil {
		return err
	}
	if mode == login.TokenFile && o.tokenDuration == 0 {
		o.tokenDuration = tokenFileDuration
	}
	request, err := o.request(f, c, endpoint, o.profile, o.serviceAccount)
	if err != nil {
		return err
	}
	request.Create = o.create
	cache, err := f.cache(cacheFile)
	if err != nil {
		return err
	}
	o.login = login.Login{
		Request: request, Mode: mode, Profile: o.profile, Key: c.keyOf(request, endpoint),
		SetDefault: o.setDefault, Annotate: o.annotate, Overwrite: o.overwrite, WriteRegion: o.region != "",
		ConfigPath: configPath, CredentialsPath: credentialsPath, TokenDir: f.tokenDir(), GOOS: runtime.GOOS,
		Exchanger: exchanger, Cache: cache, Plugin: c.plugin,
		Pinned: login.Pinned{
			Kubeconfig: c.kubeconfig, Context: c.context, Namespace: c.namespace, ServiceAccount: o.serviceAccount,
			RoleARN: request.RoleARN, Audience: request.Audience, Region: request.Region, SessionName: request.SessionName,
			Duration: o.duration, TokenDuration: o.tokenDuration, STSEndpointURL: endpoint,
			PolicyARNs: o.policyARNs, Extra: f.otherKubeFlags(),
		},
	}
	if o.policy != "" && o.policy != "-" {
		o.login.Pinned.Policy = pinnedPath(o.policy)
	}
	if mode == login.Process {
		return o.prepareProcess()
	}
	return nil
}

// prepareProcess settles what only a profile with a credential_process needs.
func (o *loginCommand) prepareProcess() error {
	binary, stable, err := login.StableBinary(o.factory.process.Args[0])
	if err != nil {
		return fmt.Errorf("finding this program's own path: %w", err)
	}
	if !stable {
		o.factory.note("warning: %s is not on PATH: the profile stops working when it is moved or upgraded", filepath.Base(binary))
	}
	o.login.Binary = pinnedBinary(runtime.GOOS, binary, shortPath)
	return nil
}

// otherKubeFlags are the kubeconfig flags beside --kubeconfig, --context and
// --namespace that were given: a renewal must get them too.
func (f *Factory) otherKubeFlags() (flags []string) {
	pinned := []string{"kubeconfig", "context", "namespace", "token", "request-timeout", "v"}
	// Visit would pass over them all: it is the command's own set that was parsed.
	f.flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case !flag.Changed || slices.Contains(pinned, flag.Name):
		case flag.Value.Type() == "stringArray" || flag.Value.Type() == "stringSlice":
			for _, value := range flag.Value.(pflag.SliceValue).GetSlice() {
				flags = append(flags, "--"+flag.Name+"="+value)
			}
		case slices.Contains([]string{"certificate-authority", "client-certificate", "client-key", "cache-dir"}, flag.Name):
			flags = append(flags, "--"+flag.Name+"="+pinnedPath(flag.Value.String()))
		default:
			flags = append(flags, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	return flags
}

func (o *loginCommand) run(ctx context.Context) error {
	ctx, cancel := o.cluster.within(ctx)
	defer cancel()
	if o.dryRun != dryRunNone {
		return o.runDry(ctx)
	}
	leave, err := o.factory.enter(o.cluster, o.serviceAccount)
	if err != nil {
		return err
	}
	defer leave()
	result, err := o.login.Run(ctx)
	if result.Created {
		o.factory.note("serviceaccount/%s created", o.serviceAccount)
	}
	if result.Annotated {
		o.factory.note("serviceaccount/%s annotated", o.serviceAccount)
	}
	for _, warning := range result.Warnings {
		o.factory.note("warning: %s", warning)
	}
	if err != nil {
		return err
	}
	o.noteEndpoint(result.STSEndpointURL)
	if result.RegionGuessed {
		o.factory.note("note: no region was chosen, so STS of %s was asked; choose one with --region", result.Region)
	}
	if o.quiet && o.output == "" {
		return nil
	}
	return o.factory.print(o.output, o.report(result))
}

// loginReport is what login prints.
type loginReport struct {
	TypeMeta
	Profile         string       `json:"profile"`
	SetDefault      bool         `json:"setDefault,omitempty"` // [default] is the profile too
	Config          string       `json:"config"`
	Mode            login.Mode   `json:"mode"`
	Context         string       `json:"context"`
	Namespace       string       `json:"namespace"`
	ServiceAccount  string       `json:"serviceAccount"`
	Subject         string       `json:"subject"`
	Issuer          string       `json:"issuer,omitempty"`
	RoleARN         string       `json:"roleArn,omitempty"`
	RoleSource      creds.Source `json:"roleSource,omitempty"`
	Audience        string       `json:"audience"`
	AudienceSource  creds.Source `json:"audienceSource"`
	Region          string       `json:"region,omitempty"`
	RoleSessionARN  string       `json:"roleSessionArn,omitempty"`
	AccountID       string       `json:"accountId,omitempty"`
	Expiration      *time.Time   `json:"expiration,omitempty"`
	TokenExpiration *time.Time   `json:"tokenExpiration,omitempty"` // of token-file mode
	Created         bool         `json:"created"`                   // the ServiceAccount
	Annotated       bool         `json:"annotated"`                 // by this login
	Warnings        []string     `json:"warnings,omitempty"`
	DryRun          string       `json:"dryRun,omitempty"`
	Next            string       `json:"next"`

	now time.Time
}

func (o *loginCommand) report(r login.Result) loginReport {
	expires, tokenExpires := r.Credentials.Expiration.UTC(), r.Token.Expires.UTC()
	report := loginReport{
		TypeMeta: typeMeta("Login"), Profile: r.Profile, SetDefault: o.setDefault, Config: r.Config, Mode: o.login.Mode,
		Context: o.cluster.context, Namespace: o.cluster.namespace, ServiceAccount: o.serviceAccount,
		Subject: r.Subject, Issuer: r.Issuer, RoleARN: r.RoleARN.String(), RoleSource: r.RoleSource,
		Audience: r.Audience, AudienceSource: r.AudienceSource, Region: r.Region,
		RoleSessionARN: r.Credentials.RoleSessionARN, AccountID: r.Credentials.AccountID, Expiration: &expires,
		Created: r.Created, Annotated: r.Annotated, Warnings: r.Warnings,
		Next: nextLine(r.Profile), now: o.factory.Now(),
	}
	if o.login.Mode == login.TokenFile {
		report.TokenExpiration = &tokenExpires
	}
	return report
}

func nextLine(profile string) string { return "aws s3 ls --profile " + profile }

func (l loginReport) names() []string { return []string{l.Profile} }

func (l loginReport) writeText(w writer) {
	if l.DryRun != "" {
		l.writeDry(w)
		return
	}
	w.printf("Logged in as %s\n\n", l.RoleSessionARN)
	rows := [][]string{
		{"  role", l.RoleARN + origin(l.RoleSource)},
		{"  audience", l.Audience + origin(l.AudienceSource)},
		{"  issuer", l.Issuer},
		{"  expires", until(*l.Expiration, l.now) + l.renewal()},
		{"  profile", l.profiles() + " in " + l.Config},
	}
	if l.TokenExpiration != nil {
		rows[3] = []string{"  expires", until(*l.TokenExpiration, l.now) + ", with its token; log in again to renew it"}
	}
	w.table(rows)
	w.printf("\n%s\n", l.Next)
}

func (l loginReport) profiles() string {
	if l.SetDefault && l.Profile != "default" {
		return l.Profile + " and default"
	}
	return l.Profile
}

func (l loginReport) renewal() string {
	if l.Mode == login.Process {
		return ", and renews itself"
	}
	return "; log in again to renew it"
}

func origin(s creds.Source) string {
	switch s {
	case creds.FromFlag:
		return " (from the flag)"
	case creds.FromAnnotation:
		return " (from the ServiceAccount's annotation)"
	case creds.FromDefault:
		return " (the default)"
	}
	return ""
}

// until is a moment and how far off it is.
func until(at, now time.Time) string {
	return fmt.Sprintf("%s (%s)", at.Local().Format("2006-01-02 15:04:05"), left(at, now))
}

// left is the time until at, in words short enough for a column.
func left(at, now time.Time) string {
	d := at.Sub(now)
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case d <= 0:
		return "expired"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case minutes < 60:
		return fmt.Sprintf("%dm", minutes)
	case minutes%60 == 0:
		return fmt.Sprintf("%dh", minutes/60)
	default:
		return fmt.Sprintf("%dh%dm", minutes/60, minutes%60)
	}
}
