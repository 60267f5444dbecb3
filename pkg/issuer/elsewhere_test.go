package issuer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// rotated is the cluster with another key, and another place for its key set.
func (c *cluster) rotated(t *testing.T, jwksURI string) *cluster {
	t.Helper()
	next := c.beside(t, "P-256")
	next.issuer.JWKSURI = jwksURI
	return next
}

func TestAKeySetThatMovesTakesItsKeysAlong(t *testing.T) {
	for name, at := range map[string]string{
		"to another object of the bucket":  testIssuer + "/keys.json",
		"within the bucket, by its prefix": testIssuer + "/a/b/keys",
	} {
		t.Run(name, func(t *testing.T) {
			before := newCluster(t, testIssuer, "RSA", awstest.Options{})
			if _, err := before.publish(t, nil); err != nil {
				t.Fatal(err)
			}
			after := before.rotated(t, at)
			if _, err := after.publish(t, nil); err != nil {
				t.Fatal(err)
			}
			seen := Look(t.Context(), after.http(), testIssuer)
			if seen.Err() != nil {
				t.Fatal(seen.Err())
			}
			if diff := cmp.Diff(at, seen.Discovery.JWKSURI); diff != "" {
				t.Errorf("jwks_uri (-want +got):\n%s", diff)
			}
			want := before.live(t).Keys.Union(after.live(t).Keys).IDs()
			if diff := cmp.Diff(want, seen.Keys.IDs()); diff != "" {
				t.Errorf("public keys (-want +got):\n%s", diff)
			}
			outlook, err := after.publish(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outlook {
				if o.State != plan.Done {
					t.Errorf("published again: %s is %v: %s", o.Step.ID, o.State, o.Detail)
				}
			}
		})
	}
}

func TestAKeySetThatIsThereAlreadyIsNotAllWhereAnotherIsPublic(t *testing.T) {
	before := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := before.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	after := before.rotated(t, testIssuer+"/keys.json")
	early, err := after.live(t).Keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	_, err = after.publisher(t).S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("shop-issuer"), Key: aws.String("keys.json"), Body: bytes.NewReader(early),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	seen := Look(t.Context(), after.http(), testIssuer)
	if seen.Err() != nil {
		t.Fatal(seen.Err())
	}
	want := before.live(t).Keys.Union(after.live(t).Keys).IDs()
	if diff := cmp.Diff(want, seen.Keys.IDs()); diff != "" {
		t.Errorf("public keys (-want +got):\n%s", diff)
	}
}

func TestAnEmptyDirectoryTakesWhatIsPublicElsewhere(t *testing.T) {
	before := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := before.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	after := before.rotated(t, "")
	dir := t.TempDir()
	publish := func(t *testing.T, change func(*Publisher)) (*Publisher, error) {
		t.Helper()
		var used *Publisher
		_, err := after.publish(t, func(p *Publisher) {
			p.Target, used = Target{Kind: ToDir, Dir: dir}, p
			if change != nil {
				change(p)
			}
		})
		return used, err
	}
	if _, err := publish(t, func(p *Publisher) { p.Stranger = deaf() }); err == nil {
		t.Error("it was written although nobody could see what is public")
	}
	p, err := publish(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := before.live(t).Keys.Union(after.live(t).Keys).IDs()
	if diff := cmp.Diff(want, p.Documents().Keys.IDs()); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if _, err := publish(t, func(p *Publisher) { p.Stranger = deaf() }); err != nil {
		t.Errorf("a directory that holds the keys is the truth: %v", err)
	}
}

func TestForStandardOutputNothingPublicMayBeOverlooked(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	after := c.rotated(t, "")
	p := after.publisher(t)
	docs, _, err := p.Public(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := c.live(t).Keys.Union(after.live(t).Keys).IDs()
	if diff := cmp.Diff(want, docs.Keys.IDs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p = after.publisher(t)
	p.Stranger = deaf()
	if _, _, err = p.Public(t.Context()); !errors.As(err, new(*UnseenError)) {
		t.Errorf("a look that nobody answered: %v", err)
	}
	p = after.publisher(t)
	p.Stranger, p.Prune = deaf(), true
	if docs, _, err = p.Public(t.Context()); err != nil || len(docs.Keys.Keys) != 1 {
		t.Errorf("--prune takes the cluster's keys alone: %d keys, %v", len(docs.Keys.Keys), err)
	}
}

// deaf is a client whose way leads to nobody.
func deaf() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:9"})}}
}

func TestWhatLeavesOpenWhatIsPublic(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"nothing there":              {&oidc.StatusError{Status: http.StatusNotFound}, false},
		"nobody may read it":         {&oidc.StatusError{Status: http.StatusForbidden}, false},
		"the server has an accident": {&oidc.StatusError{Status: http.StatusBadGateway}, true},
		"the server is busy":         {&oidc.StatusError{Status: http.StatusTooManyRequests}, true},
		"the name does not exist":    {&oidc.DNSError{NotFound: true}, false},
		"no name server answers":     {&oidc.DNSError{}, true},
		"TLS, maybe intercepted":     {&oidc.TLSError{}, true},
		"no answer in time":          {&oidc.TimeoutError{}, true},
		"nobody listens":             {&oidc.UnreachableError{}, true},
		"a page in its place":        {&oidc.HTMLAnswer{}, false},
		"interrupted":                {context.Canceled, true},
	} {
		if got := unseen(errors.Join(nil, tc.err)); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}
