package awsapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// STSOptions chooses where AssumeRoleWithWebIdentity is sent.
type STSOptions struct {
	Region      string // of the regional endpoint, and of the partition
	EndpointURL string // "" is the region's own: neither the environment nor Profile is asked for another
	Profile     string // whose settings apply for the rest, such as ca_bundle and use_fips_endpoint; "" is none
	Files       Files
	Application string // names this program in the user agent: kubectl-irsa/1.2.3

	Patience time.Duration // with one attempt of a call; 0 is 20 seconds
}

// STS is a client for the unsigned half of the Security Token Service.
type STS struct {
	*sts.Client

	Region   string
	Endpoint *url.URL // where calls go

	connection *preconnection
}

// NewSTS makes a client from the environment and the shared configuration as
// the SDK reads them (AWS_CA_BUNDLE, ca_bundle, proxies), without credentials and
// but for the endpoint. Nothing is dialled yet.
// An http endpoint that is not loopback is refused: the token would cross the
// network in the clear.
func NewSTS(ctx context.Context, o STSOptions) (*STS, error) {
	if !ValidRegion(o.Region) {
		return nil, fmt.Errorf("finding the STS endpoint: %q is no region", o.Region)
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	cfg, err := o.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings for STS: %w", err)
	}
	transport, err := transportOf(cfg)
	if err != nil {
		return nil, err
	}
	connection := newPreconnection(transport, o.Patience)
	cfg.HTTPClient = patient{&http.Client{Transport: connection.transport, CheckRedirect: noRedirect, Timeout: o.Patience}, o.Patience}
	client := sts.NewFromConfig(cfg, func(so *sts.Options) {
		if so.BaseEndpoint = nil; o.EndpointURL != "" {
			so.BaseEndpoint = aws.String(o.EndpointURL)
		}
	})
	endpoint, err := endpointOf(ctx, client.Options())
	if err != nil {
		return nil, err
	}
	return &STS{Client: client, Region: o.Region, Endpoint: endpoint, connection: connection}, nil
}

// AssumeRoleWithWebIdentity is the client's, with a bound that ctx can only make
// tighter. Where STS is silent its error is a [*Silence].
func (s *STS) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, o ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	bounded, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	out, err := s.Client.AssumeRoleWithWebIdentity(bounded, in, o...)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		err = &Silence{Host: s.Endpoint.Host, After: callPatience, Err: err}
	}
	return out, err
}

// ValidRegion reports whether region can be one, which becomes a part of a host's
// name as it stands.
func ValidRegion(region string) bool {
	return region != "" && strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Preconnect opens the connection that the next call will use, and returns at
// once. Where it fails, the call itself says why.
func (s *STS) Preconnect(ctx context.Context) { s.connection.open(ctx, s.Endpoint) }

// Close drops connections that nobody uses.
func (s *STS) Close() { s.connection.close() }

// load reads the settings of the environment and of o.Profile. The SDK refuses
// a profile with something else amiss in it, such as an sso_session that is
// gone: no reason not to log in, so then the environment has to do.
func (o STSOptions) load(ctx context.Context) (aws.Config, error) {
	if o.Profile != "" {
		cfg, err := config.LoadDefaultConfig(ctx, append(o.Files.options(),
			config.WithSharedConfigProfile(o.Profile),
			config.WithRegion(o.Region),
			config.WithCredentialsProvider(aws.AnonymousCredentials{}),
			config.WithHTTPClient(awshttp.NewBuildableClient()),
			config.WithAPIOptions(userAgent(o.Application)),
			config.WithRetryer(newRetryer))...)
		if err == nil {
			return cfg, nil
		}
	}
	return o.fromEnvironment()
}

// fromEnvironment is what config.LoadDefaultConfig makes of the environment
// alone. That function itself insists on a profile that AWS_PROFILE names, in
// files that are of no interest here.
func (o STSOptions) fromEnvironment() (aws.Config, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, err
	}
	client, err := trusting(env.CustomCABundle)
	if err != nil {
		return aws.Config{}, err
	}
	return aws.Config{
		Region: o.Region, Credentials: aws.AnonymousCredentials{}, HTTPClient: client,
		APIOptions: userAgent(o.Application), Retryer: newRetryer, ConfigSources: []any{env},
	}, nil
}

// trusting is a client that trusts the authorities of a PEM file alone, as the SDK's
// own do, and the system's where no file is named.
func trusting(bundle string) (*awshttp.BuildableClient, error) {
	client := awshttp.NewBuildableClient()
	if bundle == "" {
		return client, nil
	}
	text, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %s holds no certificate", bundle)
	}
	return client.WithTransportOptions(func(t *http.Transport) {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = roots
	}), nil
}

// newRetryer repeats throttling, 5xx, broken connections, what IAM refuses because of
// another change of the same thing, and (which the STS client adds)
// IDPCommunicationError. Another refusal is final.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Retryables = append([]retry.IsErrorRetryable{
			retry.IsErrorRetryableFunc(futile),
			retry.RetryableErrorCode{Codes: map[string]struct{}{"ConcurrentModification": {}}},
		}, o.Retryables...)
		o.Backoff = retry.BackoffDelayerFunc(backoff)
	})
}

// futile keeps the SDK from asking again a server whose certificate is not
// trusted, or which was silent: it counts both among broken connections.
func futile(err error) aws.Ternary {
	if timedOut(err) {
		return aws.FalseTernary
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// backoff is the time before the attempt after this one, counted from zero: a
// broken connection may be tried again at once, a service that says it is busy,
// or that an issuer did not answer, needs a moment.
func backoff(attempt int, err error) (time.Duration, error) {
	base := 50 * time.Millisecond
	if Code(err) != "" {
		base = 500 * time.Millisecond
	}
	most := min(base<<attempt, maxBackoff)
	return most/2 + rand.N(most/2), nil //nolint:gosec // nobody gains by guessing it
}

func endpointOf(ctx context.Context, o sts.Options) (*url.URL, error) {
	resolved, err := o.EndpointResolverV2.ResolveEndpoint(ctx, sts.EndpointParameters{
		Region:       aws.String(o.Region),
		Endpoint:     o.BaseEndpoint,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return nil, fmt.Errorf("finding the STS endpoint of region %q: %w", o.Region, err)
	}
	u := resolved.URI
	if inTheClear(&u) {
		return nil, hint.Wrap(fmt.Errorf("the STS endpoint %s is not https, and a token must not cross a network in the clear", u.Redacted()),
			"give an https:// endpoint with --sts-endpoint-url or AWS_ENDPOINT_URL_STS")
	}
	return &u, nil
}

// inTheClear reports whether what is sent to u crosses a network unencrypted.
func inTheClear(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme != "https" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// transportOf is what cfg's requests travel by: with the certificate authorities
// and the proxy of the settings that it was made from.
func transportOf(cfg aws.Config) (*http.Transport, error) {
	buildable, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return nil, fmt.Errorf("the AWS SDK gave an HTTP client of type %T", cfg.HTTPClient)
	}
	return buildable.GetTransport(), nil
}

// noRedirect keeps a client where it was sent: a token or a session would go along.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
