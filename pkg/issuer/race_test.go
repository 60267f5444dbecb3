package issuer

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// TestTwoPublishersLoseNoKey lets two clusters with keys of their own publish to
// one issuer at the same time, a hundred times, each with a new key each round,
// while somebody polls without credentials.
func TestTwoPublishersLoseNoKey(t *testing.T) {
	const rounds = 100
	a := newCluster(t, testIssuer, "P-256", awstest.Options{})
	b := a.beside(t, "P-384")
	both := []*cluster{a, b}
	if _, err := a.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var polled int
	var poller sync.WaitGroup
	poller.Go(func() {
		client := a.http()
		for {
			select {
			case <-done:
				return
			default:
			}
			o := Look(t.Context(), client, testIssuer)
			if o.Err() != nil || len(o.Keys.Usable()) == 0 {
				t.Errorf("after %d reads: %v, %d keys", polled, o.Err(), len(o.Keys.Keys))
				return
			}
			polled++
		}
	})
	for round := range rounds {
		if round > 0 && round%25 == 0 { // AWS reads no more than 100 keys of a type
			for _, c := range both {
				c.issuer.DropOldKeys()
			}
			pruneBoth(t, both)
		}
		var running sync.WaitGroup
		for i, c := range both {
			if err := c.issuer.Rotate([]string{"P-256", "P-384"}[i]); err != nil {
				t.Fatal(err)
			}
			running.Go(func() {
				if _, err := c.publish(t, func(p *Publisher) { p.Sleep = plan.Pause }); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		running.Wait()
		o := a.outside(t)
		if o.Err() != nil {
			t.Fatal(o.Err())
		}
		for _, c := range both {
			if missing := c.issuer.KeySet().Without(*o.Keys).Keys; len(missing) > 0 {
				t.Fatalf("round %d: %d keys are lost", round, len(missing))
			}
		}
		if got := list(o.Discovery.SigningAlgorithms); got != "ES256, ES384" {
			t.Fatalf("round %d: the discovery document names %s", round, got)
		}
	}
	close(done)
	poller.Wait()
	if polled < rounds {
		t.Errorf("only %d reads in %d rounds", polled, rounds)
	}
}

// pruneBoth leaves of the public keys those that both clusters show.
func pruneBoth(t *testing.T, both []*cluster) {
	t.Helper()
	live := both[0].live(t)
	live.Keys = live.Keys.Union(both[1].issuer.KeySet())
	if _, err := both[0].publish(t, func(p *Publisher) { p.Live, p.Prune = live, true }); err != nil {
		t.Fatal(err)
	}
}

func TestPruningTakesNoKeyThatItDidNotShow(t *testing.T) {
	a := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := a.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	old := a.issuer.KeySet()
	if err := a.issuer.Rotate("P-256"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	a.issuer.DropOldKeys()
	p := a.publisher(t)
	p.Prune = true
	steps, err := p.Steps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	outlook, err := plan.Look(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	late := a.beside(t, "P-384")
	if _, err := late.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	keys := *a.outside(t).Keys
	if len(late.issuer.KeySet().Without(keys).Keys) > 0 || len(a.issuer.KeySet().Without(keys).Keys) > 0 {
		t.Error("a key that was not shown to be removed is gone")
	}
	if len(old.Without(keys).Keys) == 0 {
		t.Error("the old key is still public")
	}
}

func TestWritingTheKeySetTakesTwoWritesHoweverManyKeys(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := c.issuer.Rotate("P-256"); err != nil {
			t.Fatal(err)
		}
	}
	c.aws.ForgetRequests()
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	if w := c.writes(); len(w) != 2 {
		t.Errorf("%v", w)
	}
	if objects := headers(t, c); objects != "application/json public, max-age=60" {
		t.Errorf("the key set comes as %s", objects)
	}
}

func headers(t *testing.T, c *cluster) string {
	t.Helper()
	d, err := oidc.Fetch(t.Context(), c.http(), testIssuer+JWKSPath, oidc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.ContentType + " " + d.CacheControl
}

func TestNothingIsPublishedThatDoesNotVerify(t *testing.T) {
	tests := map[string]func(*testing.T, *cluster) string{
		"a token of a key that the server does not show": func(t *testing.T, c *cluster) string {
			return c.beside(t, "RSA").issuer.Mint("default", "default", "x")
		},
		"a token of another issuer": func(_ *testing.T, c *cluster) string {
			claims := c.issuer.Claims("default", "default", "x")
			claims["iss"] = testIssuer + "/"
			token, _ := c.issuer.Sign(claims, nil)
			return token
		},
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{})
			raw := token(t, c)
			outlook, err := c.publish(t, func(p *Publisher) {
				p.Token = func(context.Context) (oidc.Token, error) { return oidc.ParseToken(raw) }
			})
			if err == nil || states(outlook)[StepKeys] != plan.Conflict || c.writes() != nil {
				t.Errorf("%v, %v, %v", err, states(outlook), c.writes())
			}
		})
	}
}

func TestADirectoryIsMergedWithAndSharedByPublishers(t *testing.T) {
	a := newCluster(t, "https://id.example.com/a", "P-256", awstest.Options{})
	both := []*cluster{a, a.beside(t, "P-384")}
	dir := filepath.Join(t.TempDir(), "www")
	publish := func(c *cluster) ([]plan.Outlook, error) {
		p := c.publisherTo(t, Target{Kind: ToDir, Dir: dir})
		steps, err := p.Steps(t.Context())
		if err != nil {
			return nil, err
		}
		return plan.Run(t.Context(), steps, plan.Options{})
	}
	for range 20 {
		var running sync.WaitGroup
		for _, c := range both {
			if err := c.issuer.Rotate("P-256"); err != nil {
				t.Fatal(err)
			}
			running.Go(func() {
				if _, err := publish(c); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
	}
	text, err := os.ReadFile(filepath.Join(dir, "openid", "v1", "jwks"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := oidc.ParseKeySet(text)
	if err != nil {
		t.Fatal(err)
	}
	if names := entries(t, dir); !slices.Equal(names, []string{".well-known", "openid"}) {
		t.Errorf("the web server shows %q", names)
	}
	for _, c := range both {
		if missing := c.issuer.KeySet().Without(keys).Keys; len(missing) > 0 {
			t.Errorf("%d keys are lost", len(missing))
		}
		outlook, err := publish(c)
		if err != nil || plan.Any(outlook, plan.Applied) {
			t.Errorf("a further run: %v, %v", states(outlook), err)
		}
	}
	text, err = os.ReadFile(filepath.Join(dir, ".well-known", "openid-configuration"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := oidc.ParseDiscovery(text)
	if err != nil || d.Issuer != "https://id.example.com/a" || d.JWKSURI != "https://id.example.com/a/openid/v1/jwks" || list(d.SigningAlgorithms) != "ES256, ES384" {
		t.Errorf("%+v, %v", d, err)
	}
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		names = append(names, entry.Name())
	}
	return names
}

func (c *cluster) publisherTo(t *testing.T, target Target) *Publisher {
	t.Helper()
	return &Publisher{
		Live: c.live(t), Target: target, Stranger: &http.Client{Timeout: time.Second},
	}
}
