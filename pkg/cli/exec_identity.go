package cli

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// identityFlags are what exec, env and console are told: whom to become, and
// whether to keep the credentials.
type identityFlags struct {
	exchangeFlags
	cacheKind string
}

func (x *identityFlags) add(cmd *cobra.Command) {
	x.exchangeFlags.add(cmd)
	cmd.Flags().Lookup("region").Usage = "Region of the STS endpoint, and AWS_REGION; default: AWS_REGION, AWS_DEFAULT_REGION, the profile's that login wrote, else the partition's"
	cmd.Flags().StringVar(&x.cacheKind, "cache", cacheFile, "Where credentials are kept: file or none; none also sees an annotation that has just changed")
}

// session is a session of a role, and how a program is told of it.
type session struct {
	creds.Credentials
	region string
	marker string // NAMESPACE/SERVICEACCOUNT@CONTEXT
}

// become gets credentials of a ServiceAccount's role, through the same cache
// as credential-process. A role or an audience that no flag names stays open in
// the key, so that credentials of an annotated ServiceAccount are found again
// without asking the cluster what the annotation says.
func (x *identityFlags) become(ctx context.Context, f *Factory, serviceAccount string) (session, error) {
	c, err := f.cluster()
	if err != nil {
		return session{}, err
	}
	profile := login.ProfileName(c.context, c.namespace, serviceAccount)
	endpoint := f.stsEndpoint(x.stsEndpointURL, f.settingsProfile())
	request, err := x.request(f, c, endpoint, profile, serviceAccount)
	if err != nil {
		return session{}, err
	}
	cache, err := f.cache(x.cacheKind)
	if err != nil {
		return session{}, err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	kept, err := cache.Get(ctx, c.keyOf(request, endpoint), creds.Credentials.Lasting, func(ctx context.Context) (creds.Credentials, error) {
		return x.exchange(ctx, f, c, endpoint, request)
	})
	if err != nil {
		return session{}, err
	}
	region := request.Region
	if region == "" {
		region = irsa.RoleARN{Partition: partitionOf(kept.RoleSessionARN)}.Region()
	}
	return session{Credentials: kept, region: region, marker: c.namespace + "/" + serviceAccount + "@" + c.context}, nil
}

func (x *identityFlags) exchange(ctx context.Context, f *Factory, c *cluster, stsEndpoint string, r creds.Request) (creds.Credentials, error) {
	leave, err := f.enter(c, r.ServiceAccount)
	if err != nil {
		return creds.Credentials{}, err
	}
	defer leave()
	exchanger, err := f.exchanger(c, stsEndpoint, "")
	if err != nil {
		return creds.Credentials{}, err
	}
	exchanged, err := exchanger.Run(ctx, r)
	if err == nil && exchanged.RegionGuessed {
		f.note("note: no region was chosen, so STS of %s was asked; choose one with --region", exchanged.Region)
	}
	return exchanged.Credentials, err
}

// rivalVariables are the other ways to tell an SDK who it is, each of which
// would win over some of ours or stand beside them with another meaning:
// https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html.
var rivalVariables = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
	"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_SECURITY_TOKEN", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", bearerVariable + "BEDROCK",
}

// bearerVariable begins the names of variables with a service's API key, which SDKs
// prefer to credentials for that service: AWS_BEARER_TOKEN_BEDROCK, and what other
// services come to have.
const bearerVariable = "AWS_BEARER_TOKEN_"

// identityVariables are those that variables sets.
var identityVariables = []string{
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
	"AWS_ACCOUNT_ID", "AWS_REGION", "AWS_DEFAULT_REGION", markerVariable, markedKeyVariable,
}

// variables is what environ, as NAME=value, needs for its programs to be s, rivals
// first. Both names of the region are set: version 1 of the AWS CLI reads only
// AWS_DEFAULT_REGION, other SDKs only AWS_REGION.
func (s session) variables(environ []string) []shell.Change {
	rivals := slices.Clone(rivalVariables)
	for _, variable := range environ {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, bearerVariable) && !slices.Contains(rivals, name) {
			rivals = append(rivals, name)
		}
	}
	var changes []shell.Change
	for _, rival := range rivals {
		changes = append(changes, shell.Unset(rival))
	}
	values := []string{
		s.AccessKeyID, s.SecretAccessKey, s.SessionToken, s.Expiration.UTC().Format(time.RFC3339),
		s.AccountID, s.region, s.region, s.marker, s.AccessKeyID,
	}
	for n, name := range identityVariables {
		if values[n] == "" {
			changes = append(changes, shell.Unset(name))
			continue
		}
		changes = append(changes, shell.Set(name, values[n]))
	}
	return changes
}

// environment is environ, as NAME=value, after changes. Names differ by case
// except on Windows.
func environment(environ []string, changes []shell.Change) []string {
	touched := map[string]bool{}
	var set []string
	for _, c := range changes {
		touched[variableKey(c.Name)] = true
		if !c.Unset {
			set = append(set, c.Name+"="+c.Value)
		}
	}
	var result []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if !touched[variableKey(name)] {
			result = append(result, variable)
		}
	}
	return append(result, set...)
}

func variableKey(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(name)
	}
	return name
}
