package awstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

var errThumbprint = errors.New("the certificate fits no thumbprint")

// issuerDocuments fetches key sets as STS does.
type issuerDocuments struct {
	client  *http.Client
	timeout time.Duration
	keep    time.Duration
	now     func() time.Time

	mu    sync.Mutex
	cache map[string]cachedKeys
}

type cachedKeys struct {
	set   oidc.KeySet
	until time.Time
}

// keys are the keys with which the issuer's tokens may be signed.
func (d *issuerDocuments) keys(ctx context.Context, issuer string, thumbprints []string) (oidc.KeySet, error) {
	d.mu.Lock()
	cached, ok := d.cache[issuer]
	d.mu.Unlock()
	if ok && d.now().Before(cached.until) {
		return cached.set, nil
	}
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := d.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", thumbprints, &discovery); err != nil {
		return oidc.KeySet{}, err
	}
	if discovery.Issuer != issuer {
		return oidc.KeySet{}, fmt.Errorf("the document is of issuer %q", discovery.Issuer)
	}
	var raw json.RawMessage
	if err := d.get(ctx, discovery.JWKSURI, thumbprints, &raw); err != nil {
		return oidc.KeySet{}, err
	}
	set, err := oidc.ParseKeySet(raw)
	if err != nil {
		return oidc.KeySet{}, err
	}
	set = withinLimits(set)
	if len(set.Usable()) == 0 {
		return oidc.KeySet{}, errors.New("the key set has no key")
	}
	if d.keep > 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.cache == nil {
			d.cache = map[string]cachedKeys{}
		}
		d.cache[issuer] = cachedKeys{set, d.now().Add(d.keep)}
	}
	return set, nil
}

// withinLimits reads at most 100 keys of each type, as AWS says it does.
func withinLimits(set oidc.KeySet) oidc.KeySet {
	count := map[string]int{}
	set.Keys = slices.DeleteFunc(set.Keys, func(k oidc.Key) bool {
		count[k.Type]++
		return count[k.Type] > oidc.MaxKeysPerType
	})
	return set
}

func (d *issuerDocuments) get(ctx context.Context, url string, thumbprints []string, into any) error {
	if !strings.HasPrefix(url, "https://") {
		return fmt.Errorf("%q is not an https URL", url)
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	body, err := fetch(ctx, d.client, url)
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) && len(thumbprints) > 0 {
		body, err = fetch(ctx, pinned(d.client, thumbprints), url)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	const limit = 1 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && len(body) > limit {
		err = errors.New("the document is too large")
	}
	return body, err
}

// pinned trusts a chain that holds a certificate with one of the thumbprints.
func pinned(client *http.Client, thumbprints []string) *http.Client {
	transport, ok := client.Transport.(*http.Transport)
	if !ok {
		return client
	}
	transport = transport.Clone()
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.InsecureSkipVerify = true // replaced by the check below
	transport.TLSClientConfig.VerifyConnection = func(state tls.ConnectionState) error {
		for _, cert := range state.PeerCertificates {
			if slices.Contains(thumbprints, sha1Hex(cert.Raw)) {
				return nil
			}
		}
		return errThumbprint
	}
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport}
}
