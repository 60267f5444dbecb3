package issuer

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

const testIssuer = "https://shop-issuer.s3.us-east-1.amazonaws.com"

// cluster is a live issuer and an AWS to publish it in.
type cluster struct {
	aws    *awstest.Server
	issuer *awstest.Issuer
	as     aws.CredentialsProvider
	waited []time.Duration
	client *http.Client
}

// http is one client for all of the cluster's publications, so that they share
// connections.
func (c *cluster) http() *http.Client {
	if c.client == nil {
		c.client = c.aws.Client()
	}
	return c.client
}

func newCluster(t *testing.T, issuer, key string, o awstest.Options) *cluster {
	t.Helper()
	live, err := awstest.NewIssuer(issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	live.JWKSURI = "https://127.0.0.1:6443/openid/v1/jwks" // as a server without --service-account-jwks-uri says
	server := awstest.New(t, o)
	return &cluster{aws: server, issuer: live, as: server.Account.Admin}
}

// beside is another cluster with the same issuer and keys of its own.
func (c *cluster) beside(t *testing.T, key string) *cluster {
	t.Helper()
	other, err := awstest.NewIssuer(c.issuer.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	other.JWKSURI = c.issuer.JWKSURI
	return &cluster{aws: c.aws, issuer: other, as: c.as}
}

func (c *cluster) live(t *testing.T) Live {
	t.Helper()
	d, err := oidc.ParseDiscovery(c.issuer.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := oidc.ParseKeySet(c.issuer.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	return Live{Discovery: d, Keys: keys}
}

func (c *cluster) publisher(t *testing.T) *Publisher {
	t.Helper()
	target, err := TargetFor(c.issuer.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := c.aws.ConfigFor(c.as)
	config.RetryMaxAttempts, config.HTTPClient = 1, c.http()
	return &Publisher{
		Live: c.live(t), Target: target, S3: s3.NewFromConfig(config), STS: sts.NewFromConfig(config),
		Region: "us-east-1", Stranger: c.http(), CreateBucket: true, Now: time.Now,
		Token: func(context.Context) (oidc.Token, error) {
			return oidc.ParseToken(c.issuer.Mint("default", "default", "kubectl-irsa"))
		},
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.waited = append(c.waited, d)
			return ctx.Err()
		},
	}
}

func (c *cluster) publish(t *testing.T, change func(*Publisher)) ([]plan.Outlook, error) {
	t.Helper()
	p := c.publisher(t)
	if change != nil {
		change(p)
	}
	steps, err := p.Steps(t.Context())
	if err != nil {
		return nil, err
	}
	return plan.Run(t.Context(), steps, plan.Options{})
}

func states(outlook []plan.Outlook) map[string]plan.State {
	m := map[string]plan.State{}
	for _, o := range outlook {
		m[o.Step.ID] = o.State
	}
	return m
}

// writes are the requests that changed something.
func (c *cluster) writes() []string {
	var names []string
	for _, r := range c.aws.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Service == "s3" {
			names = append(names, r.Action)
		}
	}
	return names
}

func (c *cluster) outside(t *testing.T) Outside {
	t.Helper()
	return Look(t.Context(), c.http(), c.issuer.URL)
}

func TestFromNothingToPublicWithTheDefaultsOfS3(t *testing.T) {
	for name, tc := range map[string]struct{ issuer, key string }{
		"RSA, virtual-hosted":     {testIssuer, "RSA"},
		"P-256, path-style":       {"https://s3.us-east-1.amazonaws.com/shop-issuer/clusters/a", "P-256"},
		"P-384, trailing slash":   {testIssuer + "/clusters/a/", "P-384"},
		"P-521, dual stack":       {"https://shop-issuer.s3.dualstack.us-east-1.amazonaws.com", "P-521"},
		"RSA, legacy global name": {"https://shop-issuer.s3.amazonaws.com", "RSA"},
		"RSA, another region":     {"https://shop-issuer.s3.eu-west-1.amazonaws.com", "RSA"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, tc.issuer, tc.key, awstest.Options{PublicAccessLag: 3})
			outlook, err := c.publish(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]plan.State{}
			for _, id := range []string{StepBucket, StepTags, StepBlock, StepPolicy, StepKeys, StepDiscovery, StepReachable} {
				want[id] = plan.Applied
			}
			if diff := cmp.Diff(want, states(outlook)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			o := c.outside(t)
			if o.Err() != nil {
				t.Fatal(o.Err())
			}
			wantDoc := oidc.Discovery{
				Issuer: tc.issuer, JWKSURI: strings.TrimSuffix(tc.issuer, "/") + "/openid/v1/jwks",
				ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, SigningAlgorithms: c.issuer.KeySet().Algorithms(),
			}
			if diff := cmp.Diff(wantDoc, *o.Discovery); diff != "" {
				t.Errorf("discovery (-want +got):\n%s", diff)
			}
			if len(c.waited) == 0 {
				t.Error("the lag of S3 was not waited for")
			}
			wantWrites := []string{
				"CreateBucket", "PutBucketTagging", "PutPublicAccessBlock", "PutBucketPolicy", "PutBucketPolicy", "PutBucketPolicy",
				"PutBucketPolicy", "PutObject", "PutObject",
			}
			if diff := cmp.Diff(wantWrites, c.writes()); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}

			c.aws.ForgetRequests()
			outlook, err = c.publish(t, nil)
			if err != nil || plan.Any(outlook, plan.Needed, plan.Applied) || c.writes() != nil {
				t.Errorf("a second run changed something: %v %v %v", states(outlook), c.writes(), err)
			}
		})
	}
}

func TestEveryCallNamesTheOwnerItExpects(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.aws.Requests() {
		if r.Service == "s3" && r.Signed && r.Action != "CreateBucket" && r.Header.Get("X-Amz-Expected-Bucket-Owner") != c.aws.Account.ID {
			t.Errorf("%s expects owner %q", r.Action, r.Header.Get("X-Amz-Expected-Bucket-Owner"))
		}
		if slices.Contains([]string{"DeletePublicAccessBlock", "DeleteObject", "DeleteBucket"}, r.Action) {
			t.Errorf("%s was called", r.Action)
		}
	}
}
