package awstest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

// once is a retryer that never does it again.
func once() aws.Retryer { return aws.NopRetryer{} }

func adminOf(t *testing.T, srv *awstest.Server) aws.Credentials {
	t.Helper()
	c, err := srv.Account.Admin.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSignaturesAreReallyChecked(t *testing.T) {
	srv := awstest.New(t)
	admin := adminOf(t, srv)
	key := func(id, secret, token string) aws.CredentialsProvider {
		return credentials.NewStaticCredentialsProvider(id, secret, token)
	}
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	type calls struct{ STS, IAM, S3 refusal }
	good := refusal{Status: 200}
	all := func(r refusal) calls { return calls{r, r, r} }
	for name, tc := range map[string]struct {
		credentials aws.CredentialsProvider
		region      string
		want        calls
	}{
		"the administrator": {srv.Account.Admin, "us-east-1", all(good)},
		"another secret":    {key(admin.AccessKeyID, "wrong", ""), "us-east-1", all(refusal{403, "SignatureDoesNotMatch", mismatch})},
		"an unknown key": {key("AKIAUNKNOWN", "x", ""), "us-east-1", calls{
			refusal{403, "InvalidClientTokenId", "The security token included in the request is invalid."},
			refusal{403, "InvalidClientTokenId", "The security token included in the request is invalid."},
			refusal{403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."},
		}},
		"a session token that is not one": {key(admin.AccessKeyID, admin.SecretAccessKey, "made up"), "us-east-1", calls{
			refusal{403, "InvalidClientTokenId", "The security token included in the request is invalid."},
			refusal{403, "InvalidClientTokenId", "The security token included in the request is invalid."},
			refusal{400, "InvalidToken", "The provided token is malformed or otherwise invalid."},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			config := srv.ConfigFor(tc.credentials)
			config.Retryer = once
			config.Region = tc.region
			var got calls
			_, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
			got.STS = refusalOf(err)
			_, err = iam.NewFromConfig(config).ListRoles(t.Context(), &iam.ListRolesInput{PathPrefix: aws.String("/a b/ü*~/")})
			got.IAM = refusalOf(err)
			_, err = s3.NewFromConfig(config).ListBuckets(t.Context(), &s3.ListBucketsInput{Prefix: aws.String("a b/ü*~")})
			got.S3 = refusalOf(err)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIAMIsSignedForTheFirstRegionOfThePartition(t *testing.T) {
	for name, tc := range map[string]struct {
		region string
		want   refusal
	}{
		"the right one":     {"us-east-1", refusal{Status: 200}},
		"the profile's own": {"eu-west-1", refusal{403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. "}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			config := srv.Config()
			config.Retryer = once
			config.Region = tc.region
			// With an endpoint of one's own the SDK signs for the client's region.
			client := iam.NewFromConfig(config, func(o *iam.Options) { o.BaseEndpoint = aws.String(srv.TLSURL) })
			_, err := client.ListRoles(t.Context(), nil)
			if diff := cmp.Diff(tc.want, refusalOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryWayOfReachingTheServerWorks(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("some-bucket", "")
	for name, change := range map[string]func(*aws.Config, *string){
		"the true host names": func(*aws.Config, *string) {},
		"http on loopback":    func(_ *aws.Config, endpoint *string) { *endpoint = srv.URL },
		"https on loopback":   func(_ *aws.Config, endpoint *string) { *endpoint = srv.TLSURL },
		"the proxy":           func(c *aws.Config, _ *string) { c.HTTPClient = proxied(t, srv) },
	} {
		t.Run(name, func(t *testing.T) {
			config, endpoint := srv.Config(), ""
			change(&config, &endpoint)
			if endpoint != "" {
				config.BaseEndpoint = &endpoint
			}
			who, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
			if err != nil || *who.Account != srv.Account.ID {
				t.Errorf("sts: %v", err)
			}
			if _, err := iam.NewFromConfig(config).ListOpenIDConnectProviders(t.Context(), nil); err != nil {
				t.Errorf("iam: %v", err)
			}
			if _, err := s3.NewFromConfig(config).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("some-bucket")}); err != nil {
				t.Errorf("s3: %v", err)
			}
		})
	}
}

func proxied(t *testing.T, srv *awstest.Server) *http.Client {
	t.Helper()
	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = nil
	transport.Proxy = proxyURL(t, srv.URL)
	return &http.Client{Transport: transport}
}

func TestAClockThatIsTooFarOffIsRefused(t *testing.T) {
	srv := awstest.New(t)
	srv.Faults.MoveClock(time.Hour)
	config := srv.Config()
	config.Retryer = once
	_, err := s3.NewFromConfig(config).ListBuckets(t.Context(), nil)
	if got := refusalOf(err); got.Status != 403 || got.Code != "RequestTimeTooSkewed" {
		t.Errorf("s3: %+v", got)
	}
	_, err = sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
	if got := refusalOf(err); got.Status != 403 || got.Code != "SignatureDoesNotMatch" {
		t.Errorf("sts: %+v", got)
	}
	// The SDK reads the Date header and comes again with the server's time.
	if _, err := sts.NewFromConfig(srv.Config()).GetCallerIdentity(t.Context(), nil); err != nil {
		t.Errorf("with retries: %v", err)
	}
}

func TestASessionEndsWhenItsTimeIsOver(t *testing.T) {
	srv := awstest.New(t, awstest.Options{SessionLife: func(asked time.Duration) time.Duration {
		if asked != time.Hour {
			t.Errorf("asked for %s", asked)
		}
		return 90 * time.Second
	}})
	issuer := published(t, srv, "P-256")
	role := srv.Trust(issuerURL, "cart", subject)
	token := issuer.Mint("shop", "cart", audience)
	out, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
	if err != nil {
		t.Fatal(err)
	}
	session := srv.ConfigFor(credentials.NewStaticCredentialsProvider(
		*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
	session.Retryer = once
	ask := func(ctx context.Context) [2]refusal {
		_, stsErr := sts.NewFromConfig(session).GetCallerIdentity(ctx, nil)
		_, s3Err := s3.NewFromConfig(session).ListBuckets(ctx, nil)
		return [2]refusal{refusalOf(stsErr), refusalOf(s3Err)}
	}
	before := [2]refusal{{Status: 200}, {403, "AccessDenied", `User: arn:aws:sts::111122223333:assumed-role/cart/me is not authorized to perform: s3:ListAllMyBuckets on resource: "arn:aws:s3:::*" because no identity-based policy allows the s3:ListAllMyBuckets action`}}
	if diff := cmp.Diff(before, ask(t.Context())); diff != "" {
		t.Errorf("before its end (-want +got):\n%s", diff)
	}
	srv.Faults.MoveClock(2 * time.Minute)
	after := [2]refusal{
		{403, "ExpiredToken", "The security token included in the request is expired"},
		{400, "ExpiredToken", "The provided token has expired."},
	}
	if diff := cmp.Diff(after, ask(t.Context())); diff != "" {
		t.Errorf("after its end (-want +got):\n%s", diff)
	}
}
