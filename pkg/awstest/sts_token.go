package awstest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// The texts of InvalidIdentityToken, as users have reported them.
const (
	textNotValidated = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements."
	textNoKey        = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	textNotAJWT      = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	textNoProvider   = "No OpenIDConnect provider found in your account for "
	textAudience     = "Incorrect token audience"
	textThumbprint   = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
	textTwoAudiences = "Token audience contains more than one audience while authorized party is not present"
)

// tokenLeeway is how long after its end, or before its beginning, a token is taken.
const tokenLeeway = 5 * time.Minute

// webToken is what a verified token says.
type webToken struct {
	subject  string
	audience string // aud, or azp where there is one
	oaud     []string
	issuer   string
	provider string // ARN
	keys     map[string][]string
}

func invalidToken(text string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidIdentityToken", text, args...)
}

// byGeneration is the text that names the fault, or the one that replaced it.
func (c *call) byGeneration(before string) *apiError {
	if c.s.opts.Generation == TextsBefore2026 {
		return &apiError{status: http.StatusBadRequest, code: "InvalidIdentityToken", message: before}
	}
	return invalidToken(textNotValidated)
}

// verifyToken does everything that comes before the role is looked at.
func (c *call) verifyToken(req webIdentityRequest) (webToken, error) {
	t, err := oidc.ParseToken(req.token)
	if err != nil {
		return webToken{}, &apiError{status: http.StatusBadRequest, code: "InvalidIdentityToken", message: textNotAJWT}
	}
	claims := t.Claims
	if claims.Issuer == "" {
		return webToken{}, c.byGeneration("Missing a required claim: iss.")
	}
	p, ok := c.findProvider(req.role, claims.Issuer)
	if !ok {
		return webToken{}, c.byGeneration(textNoProvider + claims.Issuer)
	}
	if !slices.Contains(oidc.Algorithms(), t.Header.Algorithm) {
		return webToken{}, invalidToken(textNotValidated)
	}
	keys, err := c.s.issuers.keys(c.r.Context(), claims.Issuer, p.thumbprints)
	if err != nil {
		text := textNoKey
		if errors.Is(err, errThumbprint) {
			text = textThumbprint
		}
		return webToken{}, &apiError{status: http.StatusBadRequest, code: "InvalidIdentityToken", message: text}
	}
	if e := c.checkKey(t, keys); e != nil {
		return webToken{}, e
	}
	if e := c.checkClaims(claims); e != nil {
		return webToken{}, e
	}
	return c.audience(claims, p)
}

func (c *call) checkKey(t oidc.Token, keys oidc.KeySet) *apiError {
	_, err := oidc.Verify(t, keys)
	var unknown *oidc.UnknownKeyError
	switch {
	case err == nil && t.Header.KeyID != "":
		return nil
	case errors.As(err, &unknown) && c.s.opts.Generation == TextsBefore2026:
		return &apiError{status: http.StatusBadRequest, code: "InvalidIdentityToken", message: textNoKey}
	}
	return invalidToken(textNotValidated)
}

func (c *call) checkClaims(claims oidc.Claims) *apiError {
	if claims.IssuedAt.IsZero() {
		return invalidToken("Missing a required claim: iat.")
	}
	if claims.Expiry.IsZero() {
		return c.byGeneration("Missing a required claim: exp")
	}
	now := c.now()
	if now.After(claims.Expiry.Add(tokenLeeway)) {
		return refuse(http.StatusBadRequest, "ExpiredTokenException",
			"Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), claims.Expiry.Unix())
	}
	if claims.NotBefore.After(now.Add(tokenLeeway)) {
		return invalidToken(textNotValidated)
	}
	if claims.Subject == "" {
		return c.byGeneration("Missing a required claim: sub")
	}
	if len(claims.Audience) == 0 {
		return c.byGeneration("Missing a required claim: aud")
	}
	return nil
}

func (c *call) audience(claims oidc.Claims, p provider) (webToken, error) {
	w := webToken{subject: claims.Subject, issuer: claims.Issuer, provider: p.arn, oaud: claims.Audience}
	switch {
	case claims.AuthorizedParty != "":
		w.audience = claims.AuthorizedParty
	case len(claims.Audience) > 1:
		return w, invalidToken(textTwoAudiences)
	default:
		w.audience = claims.Audience[0]
	}
	if !slices.Contains(p.clientIDs, w.audience) {
		return w, c.byGeneration(textAudience)
	}
	name := strings.ToLower(strings.TrimPrefix(p.url, "https://"))
	w.keys = map[string][]string{
		name + ":aud": {w.audience}, name + ":sub": {w.subject}, "aws:federatedprovider": {p.arn},
	}
	if claims.AuthorizedParty != "" {
		w.keys[name+":oaud"] = claims.Audience
	}
	return w, nil
}

// findProvider looks in the account of the role for the provider of an issuer, and
// returns a copy of it.
func (c *call) findProvider(role arnParts, issuer string) (provider, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	account := c.s.accounts[role.account]
	if account == nil || account.Partition != role.partition {
		return provider{}, false
	}
	for _, p := range account.providers {
		if p.url != issuer {
			continue
		}
		if p.lag > 0 {
			p.lag--
			return provider{}, false
		}
		found := *p
		found.clientIDs, found.thumbprints = slices.Clone(p.clientIDs), slices.Clone(p.thumbprints)
		return found, true
	}
	return provider{}, false
}
