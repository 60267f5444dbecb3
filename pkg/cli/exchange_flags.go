package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// exchangeFlags are what every command that becomes a ServiceAccount's role
// can be told.
type exchangeFlags struct {
	roleARN, audience, sessionName string
	region, stsEndpointURL         string
	duration, tokenDuration        time.Duration
	policy                         string
	policyARNs                     []string
	typed                          *pflag.FlagSet // nil where another command fills the fields in
}

func (x *exchangeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.SortFlags = false
	x.typed = flags
	flags.StringVar(&x.roleARN, "role-arn", "", "ARN of the role; default: the ServiceAccount's annotation "+irsa.AnnotationRoleARN)
	flags.StringVar(&x.audience, "audience", "", "Audience of the token; default: the annotation "+irsa.AnnotationAudience+", else "+irsa.DefaultAudience)
	flags.DurationVar(&x.duration, "duration", 0, "Life of the AWS session, 15m to 12h and no more than the role allows; default: 1h")
	flags.DurationVar(&x.tokenDuration, "token-duration", 0, "Life of the ServiceAccount token, at least 10m")
	flags.StringVar(&x.sessionName, "session-name", "", "Name of the session in CloudTrail; default: USER-NAMESPACE-SERVICEACCOUNT-HASH")
	flags.StringVar(&x.policy, "policy", "", "File with a session policy that narrows the role, - for standard input")
	flags.StringArrayVar(&x.policyARNs, "policy-arn", nil, "ARN of a managed session policy; may be repeated")
	flags.StringVar(&x.region, "region", "", "Region of the STS endpoint, which also goes into the profile; default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else the partition's")
	flags.StringVar(&x.stsEndpointURL, "sts-endpoint-url", "", "URL of an STS in place of the region's own")
}

// given reports whether a flag was typed, with whatever value.
func (x *exchangeFlags) given(name string) bool { return x.typed != nil && x.typed.Changed(name) }

// policyGiven reports whether --policy was typed, with whatever value.
func (x *exchangeFlags) policyGiven() bool { return x.given("policy") }

// The bounds of DurationSeconds, and the size of a session policy:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
const (
	minSession    = 15 * time.Minute
	maxSession    = 12 * time.Hour
	maxPolicy     = 2048
	maxPolicyARNs = 10
	// defaultTokenDuration is the least that Kubernetes grants: the token is
	// exchanged at once and then forgotten.
	defaultTokenDuration = token.MinDuration
)

// check refuses values that no server accepts, before any call.
func (x *exchangeFlags) check(f *Factory) error {
	if x.roleARN != "" {
		if _, err := irsa.ParseRoleARN(x.roleARN, f.customSTS(x.stsEndpointURL)); err != nil {
			return usageError{fmt.Errorf("--role-arn: %w", err)}
		}
	}
	for _, name := range []string{"role-arn", "audience", "session-name", "region", "sts-endpoint-url"} {
		if x.given(name) && x.typed.Lookup(name).Value.String() == "" {
			return usagef("--%s: an empty value is none: leave the flag out for the default", name)
		}
	}
	switch {
	case x.duration%time.Second != 0:
		return usagef("--duration %s: give whole seconds", x.duration)
	case x.given("duration") && (x.duration < minSession || x.duration > maxSession):
		return usagef("--duration %s: STS grants sessions of 15m to 12h", x.duration)
	case x.sessionName != "" && !irsa.ValidSessionName(x.sessionName):
		return usagef("--session-name %q: STS takes 2 to 64 letters, digits and +=,.@_-", x.sessionName)
	case slices.Contains(x.policyARNs, ""):
		return usagef("--policy-arn: an empty value narrows nothing")
	case len(x.policyARNs) > maxPolicyARNs:
		return usagef("--policy-arn: STS takes at most %d", maxPolicyARNs)
	}
	if x.given("token-duration") {
		if err := token.CheckDuration(x.tokenDuration); err != nil {
			return usageError{fmt.Errorf("--token-duration: %w", err)}
		}
	}
	return nil
}

// request is what the flags ask of a ServiceAccount in c. profile is the one whose
// region applies where nobody chose another.
func (x *exchangeFlags) request(f *Factory, c *cluster, stsEndpoint, profile, serviceAccount string) (creds.Request, error) {
	policy, err := x.readPolicy(f.Streams.In)
	if err != nil {
		return creds.Request{}, err
	}
	region := f.region(x.region, profile)
	if err := checkRegion(region); err != nil {
		return creds.Request{}, err
	}
	r := creds.Request{
		Namespace: c.namespace, ServiceAccount: serviceAccount,
		RoleARN: x.roleARN, Audience: x.audience,
		SessionName: x.sessionName, Duration: x.duration, TokenDuration: x.tokenDuration,
		Policy: policy, PolicyARNs: x.policyARNs,
		Region: region, AnyAccount: isCustom(stsEndpoint),
	}
	if r.SessionName == "" {
		r.SessionName = irsa.SessionName(f.osUser(), c.config.Host, c.namespace, serviceAccount)
	}
	if r.TokenDuration == 0 {
		r.TokenDuration = defaultTokenDuration
	}
	return r, nil
}

// readPolicy is the session policy, "" only where --policy was not given: STS
// takes a policy that is left out for no restriction at all.
func (x *exchangeFlags) readPolicy(in io.Reader) (string, error) {
	if !x.policyGiven() {
		return "", nil
	}
	text, err := x.policyText(in)
	if err != nil {
		return "", fmt.Errorf("reading the session policy: %w", err)
	}
	var object map[string]json.RawMessage
	err = json.Unmarshal(text, &object)
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "", usagef("--policy %s: it is empty, and a role is not narrowed by nothing", x.policy)
	case len(text) > maxPolicy:
		return "", hint.Wrap(fmt.Errorf("the session policy is longer than the %d characters that STS takes", maxPolicy),
			"shorten it, or name managed policies with --policy-arn")
	case err != nil:
		return "", usageError{fmt.Errorf("--policy %s: it is no policy document: %w", x.policy, err)}
	case object == nil:
		return "", usagef("--policy %s: it is no policy document: null", x.policy)
	}
	return string(text), nil
}

func (x *exchangeFlags) policyText(in io.Reader) ([]byte, error) {
	switch x.policy {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(io.LimitReader(in, maxPolicy+1))
	}
	return os.ReadFile(x.policy)
}

// exchanger is the outside world of an exchange in c.
func (f *Factory) exchanger(c *cluster, stsEndpoint, profile string) (creds.Exchanger, error) {
	core, err := c.core()
	if err != nil {
		return creds.Exchanger{}, err
	}
	return creds.Exchanger{Core: core, STS: f.stsFor(stsEndpoint, profile), Now: f.Now, Admin: f.adminProfile}, nil
}

// keyOf is what decides which credentials r gives.
func (c *cluster) keyOf(r creds.Request, stsEndpoint string) creds.Key {
	key := c.key
	key.Namespace, key.ServiceAccount = r.Namespace, r.ServiceAccount
	key.RoleARN, key.Audience, key.Issuer, key.Region = r.RoleARN, r.Audience, r.Issuer, r.Region
	key.Duration, key.SessionName, key.STSEndpoint = r.Duration, r.SessionName, stsEndpoint
	key.Policy = creds.PolicyDigest(r.Policy, r.PolicyARNs)
	return key
}
