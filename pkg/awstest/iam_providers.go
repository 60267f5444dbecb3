package awstest

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// provider is an OpenID Connect provider of an account.
type provider struct {
	url         string // with its scheme
	arn         string
	clientIDs   []string
	thumbprints []string
	tags        []tag
	created     time.Time
	lag         int // how many exchanges do not see it yet
}

// AddProvider makes a provider, as CreateOpenIDConnectProvider would, without a
// thumbprint, and returns its ARN. One that exists gets the client ids it lacks.
func (a *Account) AddProvider(issuer string, clientIDs ...string) string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	arn := a.providerARN(issuer)
	p := a.providers[arn]
	if p == nil {
		p = &provider{url: issuer, arn: arn, created: a.server.now()}
		a.providers[arn] = p
	}
	for _, id := range clientIDs {
		if !slices.Contains(p.clientIDs, id) {
			p.clientIDs = append(p.clientIDs, id)
		}
	}
	return arn
}

func (a *Account) providerARN(issuer string) string {
	return a.arn("iam", "oidc-provider/"+strings.TrimPrefix(issuer, "https://"))
}

var thumbprintPattern = regexp.MustCompile(`^[0-9a-fA-F]{40}$`)

func createProvider(c *call) (*node, error) {
	issuer := c.form.Get("Url")
	u, err := url.Parse(issuer)
	ids, thumbprints := c.list("ClientIDList"), c.list("ThumbprintList")
	switch {
	case issuer == "" || len(issuer) > 255:
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'url' failed to satisfy constraint: Member must have length less than or equal to 255, and greater than or equal to 1")
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, refuse(http.StatusBadRequest, "ValidationError", "Invalid Open ID Connect Provider URL")
	case u.RawQuery != "" || u.Fragment != "" || u.Port() != "" && !isLoopback(u.Hostname()):
		return nil, refuse(http.StatusBadRequest, "InvalidInput", "Invalid Open ID Connect Provider URL")
	}
	if e := checkClientIDs(ids); e != nil {
		return nil, e
	}
	if e := checkThumbprints(thumbprints); e != nil {
		return nil, e
	}
	a := c.account()
	arn := a.providerARN(issuer)
	if a.providers[arn] != nil {
		return nil, refuse(http.StatusConflict, "EntityAlreadyExists", "Provider with url %s already exists.", issuer)
	}
	if len(a.providers) >= c.s.opts.ProviderQuota {
		return nil, refuse(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", c.s.opts.ProviderQuota)
	}
	if len(thumbprints) == 0 {
		if thumbprints, err = c.dialForThumbprint(issuer); err != nil {
			return nil, refuse(http.StatusBadRequest, "OpenIdIdpCommunicationError", "Unable to connect to the OpenID Connect identity provider %s", issuer)
		}
	}
	for i := range thumbprints {
		thumbprints[i] = strings.ToLower(thumbprints[i])
	}
	if a.providers[arn] != nil { // made by another call during the dial
		return nil, refuse(http.StatusConflict, "EntityAlreadyExists", "Provider with url %s already exists.", issuer)
	}
	tags, err := mergeTags(nil, c.tags())
	if err != nil {
		return nil, err
	}
	a.providers[arn] = &provider{
		url: issuer, arn: arn, clientIDs: slices.Compact(ids), thumbprints: thumbprints, tags: tags,
		created: c.now(), lag: c.s.opts.ProviderLag,
	}
	result := el("", tx("OpenIDConnectProviderArn", "%s", arn), members("Tags", tags, tagNode))
	return &result, nil
}

// isLoopback allows a port in the issuer of a test server, which AWS would not.
func isLoopback(host string) bool { return host == "127.0.0.1" || host == "localhost" || host == "::1" }

// dialForThumbprint computes the thumbprint that IAM would: the SHA-1 sum of the
// top certificate that the issuer presents. The lock is given up meanwhile, since
// the issuer may be this server.
func (c *call) dialForThumbprint(issuer string) ([]string, error) {
	c.s.mu.Unlock()
	defer c.s.mu.Lock()
	ctx, cancel := context.WithTimeout(c.r.Context(), c.s.opts.IssuerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.s.issuers.client.Do(req)
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &authority) && authority.Cert != nil:
		return []string{sha1Hex(authority.Cert.Raw)}, nil
	case err != nil:
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return nil, errors.New("the issuer presented no certificate")
	}
	certs := resp.TLS.PeerCertificates
	return []string{sha1Hex(certs[len(certs)-1].Raw)}, nil
}

func sha1Hex(der []byte) string {
	sum := sha1.Sum(der) // IAM's thumbprints are SHA-1
	return hex.EncodeToString(sum[:])
}

func checkClientIDs(ids []string) *apiError {
	if len(ids) > 100 {
		return refuse(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	}
	for _, id := range ids {
		if id == "" || len(id) > 255 {
			return refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%s' at 'clientID' failed to satisfy constraint: Member must have length less than or equal to 255", id)
		}
	}
	return nil
}

func checkThumbprints(thumbprints []string) *apiError {
	if len(thumbprints) > 5 {
		return refuse(http.StatusBadRequest, "InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
	}
	for _, t := range thumbprints {
		if !thumbprintPattern.MatchString(t) {
			return refuse(http.StatusBadRequest, "ValidationError", "Thumbprint must be 40 hexadecimal characters")
		}
	}
	return nil
}

func (c *call) provider() (*provider, error) {
	arn := c.form.Get("OpenIDConnectProviderArn")
	if _, ok := parseARN(arn); !ok || !strings.Contains(arn, ":oidc-provider/") {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "Invalid Open ID Connect Provider ARN: %s", arn)
	}
	p := c.account().providers[arn]
	if p == nil {
		return nil, noSuch("OpenIDConnect Provider not found for arn %s", arn)
	}
	return p, nil
}

func getProvider(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	result := el("",
		tx("Url", "%s", strings.TrimPrefix(p.url, "https://")),
		members("ClientIDList", p.clientIDs, func(id string) node { return tx("", "%s", id) }),
		members("ThumbprintList", p.thumbprints, func(t string) node { return tx("", "%s", t) }),
		tx("CreateDate", "%s", p.created.UTC().Format(time.RFC3339)),
		members("Tags", p.tags, tagNode),
	)
	return &result, nil
}

func listProviders(c *call) (*node, error) {
	arns := slices.Sorted(maps.Keys(c.account().providers))
	result := el("", members("OpenIDConnectProviderList", arns, func(arn string) node {
		return el("", tx("Arn", "%s", arn))
	}))
	return &result, nil
}

// deleteProvider succeeds for a provider that does not exist, as the service model says.
func deleteProvider(c *call) (*node, error) {
	delete(c.account().providers, c.form.Get("OpenIDConnectProviderArn"))
	return nil, nil
}

func addClientID(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	id := c.form.Get("ClientID")
	if slices.Contains(p.clientIDs, id) {
		return nil, nil
	}
	if e := checkClientIDs(append(slices.Clone(p.clientIDs), id)); e != nil {
		return nil, e
	}
	p.clientIDs = append(p.clientIDs, id)
	return nil, nil
}

func removeClientID(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	p.clientIDs = slices.DeleteFunc(p.clientIDs, func(id string) bool { return id == c.form.Get("ClientID") })
	return nil, nil
}

func updateThumbprints(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	thumbprints := c.list("ThumbprintList")
	if e := checkThumbprints(thumbprints); e != nil {
		return nil, e
	}
	for i := range thumbprints {
		thumbprints[i] = strings.ToLower(thumbprints[i])
	}
	p.thumbprints = thumbprints
	return nil, nil
}

func tagProvider(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	merged, err := mergeTags(p.tags, c.tags())
	if err == nil {
		p.tags = merged
	}
	return nil, err
}

func untagProvider(c *call) (*node, error) {
	p, err := c.provider()
	if err == nil {
		p.tags = withoutTags(p.tags, c.list("TagKeys"))
	}
	return nil, err
}

func listProviderTags(c *call) (*node, error) {
	p, err := c.provider()
	if err != nil {
		return nil, err
	}
	shown, tail := page(c, p.tags)
	result := el("", append([]node{members("Tags", shown, tagNode)}, tail...)...)
	return &result, nil
}
