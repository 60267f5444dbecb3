package doctor

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func TestWhatIsSaidOfPublishedKeys(t *testing.T) {
	strange := oidc.Key{ID: "x", Type: "OKP", Unusable: `its kty "OKP" is neither RSA nor EC`}
	others := make([]oidc.Key, oidc.MaxKeysPerType)
	for i := range others {
		others[i] = oidc.Key{ID: itoa(i), Type: "EC"}
	}
	// beside has the key set hold these besides the one that signs.
	beside := func(more ...oidc.Key) func(*Facts) {
		return func(f *Facts) { f.Keys.Value.Parsed.Keys = append(f.Keys.Value.Parsed.Keys, more...) }
	}
	// renamed has the one published key bear another name.
	renamed := func(id string) func(*Facts) {
		return func(f *Facts) { f.Keys.Value.Parsed.Keys[0].ID, f.Token.Value.Parsed.Header.KeyID = id, "newer" }
	}
	eddsa := func(f *Facts) { f.Token.Value.Parsed.Header.Algorithm = "EdDSA" }
	judge(t, map[string]judged{
		"none is there":                             {keysUsable, func(f *Facts) { f.Keys.Value.Parsed = oidc.KeySet{} }, []string{"fail PUB7", "the key set is empty", "$ kubectl irsa publish"}},
		"none can be used":                          {keysUsable, func(f *Facts) { f.Keys.Value.Parsed.Keys = []oidc.Key{strange} }, []string{"fail ALG1", "key 1 (OKP): its kty \"OKP\" is neither RSA nor EC", "$ kubectl irsa publish", "$ kubectl irsa publish --prune"}},
		"one of two can be used":                    {keysUsable, beside(strange), []string{"warn ALG1", "key 2 (OKP): its kty \"OKP\" is neither RSA nor EC", "$ kubectl irsa publish --prune"}},
		"a key without a name":                      {keysUsable, renamed(""), []string{"warn PUB6", "1 of 1 have no kid, by which AWS finds a token's key", "$ kubectl irsa publish --prune"}},
		"a private key":                             {privateKeysKept, func(f *Facts) { f.Keys.Value.Parsed.Keys[0].Private = true }, []string{"fail", "1 published with the private key: whoever read it can sign for this cluster; change the signing key", "$ kubectl irsa publish"}},
		"as many as AWS reads":                      {keysFew, beside(others[1:]...), []string{"pass", "100 keys"}},
		"one more than AWS reads":                   {keysFew, beside(others...), []string{"fail PUB8", "101 keys of type EC; AWS reads 100 of a type", "$ kubectl irsa publish --prune"}},
		"the token names none":                      {keyPublished, func(f *Facts) { f.Token.Value.Parsed.Header.KeyID = "" }, []string{"fail PUB6", "the token names no key"}},
		"the token's is not there":                  {keyPublished, renamed("older"), []string{"fail PUB7", "the token is signed with newer; published are older: the documents are of an older key, or of another cluster", "$ kubectl irsa publish"}},
		"the token's may be the one without a name": {keyPublished, renamed(""), []string{"fail PUB6", "the token is signed with newer; published are none: a published key has no kid", "$ kubectl irsa publish"}},
		"the token's may be behind a cache": {keyPublished, func(f *Facts) {
			renamed("older")(f)
			f.Keys.Value.Document.Age = time.Minute
		}, []string{"fail PUB9", "the token is signed with newer; published are older: a cache has held the key set for 1m0s", "$ kubectl irsa publish"}},
		"an algorithm that is not announced": {algorithmAnnounced, func(f *Facts) { f.Discovery.Value.Parsed.SigningAlgorithms = []string{"RS256"} }, []string{"fail ALG1", "tokens are signed with ES256; id_token_signing_alg_values_supported lists RS256", "$ kubectl irsa publish"}},
		"another key under the token's name": {signaturePublished, func(f *Facts) {
			name := f.Token.Value.Parsed.Header.KeyID
			*f = healthy(t)
			f.Keys.Value.Parsed.Keys[0].ID = name
			f.Token.Value.Parsed.Header.KeyID = name
		}, []string{"pass"}},
		"a signature that cannot be judged":                {signaturePublished, eddsa, []string{"unknown", "the token is signed with \"EdDSA\"; AWS accepts RS256, RS384, RS512, ES256, ES384, ES512"}},
		"a signature of the cluster that cannot be judged": {signatureLive, eddsa, []string{"unknown", "the token is signed with \"EdDSA\"; AWS accepts RS256, RS384, RS512, ES256, ES384, ES512"}},
	})
}

func TestWhatIsSaidOfPublishedDocuments(t *testing.T) {
	answered := func(status int, change func(*oidc.StatusError)) func(*Facts) {
		return func(f *Facts) {
			e := &oidc.StatusError{URL: "https://example.com/x", Status: status}
			if change != nil {
				change(e)
			}
			f.Discovery.Err, f.STS.Err, f.Blocks.Err = e, ErrNotAsked, ErrNotAsked
		}
	}
	at := func(uri string) func(*Facts) { return func(f *Facts) { f.Discovery.Value.Parsed.JWKSURI = uri } }
	until := func(left time.Duration) func(*Facts) {
		return func(f *Facts) {
			f.Discovery.Value.Document.Certificates = []*x509.Certificate{{NotAfter: noon.Add(left)}}
		}
	}
	kept := func(control string) func(*Facts) {
		return func(f *Facts) { f.Keys.Value.Document.CacheControl = control }
	}
	judge(t, map[string]judged{
		"status 401":                            {discoveryPublic, answered(401, nil), []string{"fail PUB1", "https://example.com/x is not public: status 401", "$ kubectl irsa publish"}},
		"status 403 of a server that is not S3": {discoveryPublic, answered(403, func(e *oidc.StatusError) { e.Code = "AccessDenied" }), []string{"fail PUB1", "https://example.com/x is not public: status 403", "$ kubectl irsa publish"}},
		"status 403 of S3 for another reason":   {discoveryPublic, answered(403, func(e *oidc.StatusError) { e.Server, e.Code = "AmazonS3", "AllAccessDisabled" }), []string{"fail PUB1", "https://example.com/x is not public: status 403", "$ kubectl irsa publish"}},
		"status 404":                            {discoveryPublic, answered(404, nil), []string{"fail PUB1", "https://example.com/x is not there: status 404", "$ kubectl irsa publish"}},
		"status 404 with a web page":            {discoveryPublic, answered(404, func(e *oidc.StatusError) { e.HTML = true }), []string{"fail PUB1", "https://example.com/x is not there: status 404", "$ kubectl irsa publish"}},
		"status 410":                            {discoveryPublic, answered(410, nil), []string{"fail PUB1", "fetching https://example.com/x: status 410 Gone", "$ kubectl irsa publish"}},
		"status 500":                            {discoveryPublic, answered(500, nil), []string{"fail PUB1", "fetching https://example.com/x: status 500 Internal Server Error: that is the server's own trouble: try again in a moment"}},
		"status 500 here, and AWS got it": {discoveryPublic, func(f *Facts) {
			answered(500, nil)(f)
			f.STS.Err = nil
		}, []string{"warn PUB1", "fetching https://example.com/x: status 500 Internal Server Error", "AWS reaches it: STS accepted the token just now"}},
		"a document that names no issuer":                 {issuerPublished, func(f *Facts) { f.Discovery.Value.Parsed.Issuer = "" }, []string{"fail PUB5", "the discovery document has no issuer", "$ kubectl irsa publish"}},
		"a document that does not say where the keys are": {jwksURIPublic, at(""), []string{"fail PUB4", "the discovery document has no jwks_uri", "$ kubectl irsa publish"}},
		"keys at what is no URL":                          {jwksURIPublic, at("https://a b/keys"), []string{"fail PUB4", "jwks_uri \"https://a b/keys\" is not a URL", "$ kubectl irsa publish"}},
		"keys at a path":                                  {jwksURIPublic, at("/openid/v1/jwks"), []string{"fail PUB4", "jwks_uri \"/openid/v1/jwks\" is not a URL", "$ kubectl irsa publish"}},
		"keys without https":                              {jwksURIPublic, at("http://example.com/keys"), []string{"fail PUB4", "jwks_uri http://example.com/keys is not https", "$ kubectl irsa publish"}},
		"keys inside the cluster":                         {jwksURIPublic, at("https://10.0.0.1:6443/openid/v1/jwks"), []string{"fail PUB4", "jwks_uri https://10.0.0.1:6443/openid/v1/jwks leads to an address that only the cluster knows", "$ kubectl irsa publish"}},
		"a certificate of two weeks":                      {certificateLasting, until(shortestCertificate), []string{"pass", "until 2026-12-07"}},
		"a certificate that ends sooner":                  {certificateLasting, until(shortestCertificate - time.Hour), []string{"warn PUB10", "it ends 2026-12-07, in 13 days"}},
		"an hour in a cache":                              {cacheShort, func(f *Facts) { f.Keys.Value.Document.Age = time.Hour }, []string{"pass"}},
		"longer in a cache":                               {cacheShort, func(f *Facts) { f.Discovery.Value.Document.Age = time.Hour + time.Second }, []string{"warn PUB9", "a cache has held the discovery document for 1h0m1s"}},
		"a cache may keep it for an hour":                 {cacheShort, kept("public, max-age=3600"), []string{"pass"}},
		"a cache may keep it for longer":                  {cacheShort, kept("public, max-age=3601"), []string{"warn PUB9", "the key set may be kept for 1h0m1s (Cache-Control: public, max-age=3601): a new key is not seen that long"}},
		"a shared cache may keep it for longer":           {cacheShort, kept("max-age=60, s-maxage=86400"), []string{"warn PUB9", "the key set may be kept for 24h0m0s (Cache-Control: max-age=60, s-maxage=86400): a new key is not seen that long"}},
		"a shared cache may keep it for less":             {cacheShort, kept("max-age=86400, s-maxage=60"), []string{"pass"}},
		"a shared cache, whatever is said behind it":      {cacheShort, kept("s-maxage=60, max-age=86400"), []string{"pass"}},
		"a cache may keep it for ever":                    {cacheShort, kept("max-age=99999999999999999999"), []string{"warn PUB9", "the key set may be kept for 596523h14m7s (Cache-Control: max-age=99999999999999999999): a new key is not seen that long"}},
		"another directive with a number":                 {cacheShort, kept("max-age=60, stale-if-error=86400"), []string{"pass"}},
		"a number that is none":                           {cacheShort, kept("max-age=soon"), []string{"pass"}},
		"the key set was not seen":                        {cacheShort, func(f *Facts) { f.Keys.Value.Document = nil }, []string{"pass"}},
		"neither was seen":                                {cacheShort, func(f *Facts) { f.Keys.Value.Document, f.Discovery.Value.Document = nil, nil }, []string{"unknown", "neither document was seen"}},
	})
}
