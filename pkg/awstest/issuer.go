package awstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// Issuer signs tokens as a kube-apiserver does and knows the documents that belong
// to them. Its methods may be called from several goroutines.
type Issuer struct {
	// URL is the iss of the tokens, byte for byte.
	URL string
	// JWKSURI is what the discovery document names; default URL + /openid/v1/jwks.
	JWKSURI string
	// Now is the issuer's clock, default time.Now.
	Now func() time.Time

	mu   sync.Mutex
	keys []signingKey // the last one signs
}

type signingKey struct {
	private crypto.Signer
	public  oidc.Key
}

// NewIssuer is an issuer with one new key: RSA (2048 bits), P-256, P-384 or P-521.
func NewIssuer(issuerURL, keyType string) (*Issuer, error) {
	i := &Issuer{URL: issuerURL, JWKSURI: strings.TrimSuffix(issuerURL, "/") + "/openid/v1/jwks", Now: time.Now}
	if err := i.Rotate(keyType); err != nil {
		return nil, err
	}
	return i, nil
}

// NewSigningKey makes a key of one of the types that NewIssuer knows.
func NewSigningKey(keyType string) (crypto.Signer, error) {
	switch keyType {
	case "RSA":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "P-256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P-521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	return nil, fmt.Errorf("making a signing key: unknown type %q", keyType)
}

// Rotate adds a new key, which signs from now on; the old ones stay published.
func (i *Issuer) Rotate(keyType string) error {
	private, err := NewSigningKey(keyType)
	if err != nil {
		return err
	}
	public, err := oidc.NewKey(private.Public())
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, signingKey{private, public})
	return nil
}

// DropOldKeys stops publishing every key but the one that signs.
func (i *Issuer) DropOldKeys() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[len(i.keys)-1:]
}

// KeySet are the published keys, oldest first.
func (i *Issuer) KeySet() oidc.KeySet {
	i.mu.Lock()
	defer i.mu.Unlock()
	var set oidc.KeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.public)
	}
	return set
}

// JWKS is the key set as a kube-apiserver serves it.
func (i *Issuer) JWKS() []byte {
	body, err := json.Marshal(map[string]any{"keys": i.KeySet().Keys})
	if err != nil {
		panic(err) // keys of our own making can always be written
	}
	return body
}

// Discovery is the discovery document as a kube-apiserver serves it.
func (i *Issuer) Discovery() []byte {
	body, err := oidc.Discovery{
		Issuer: i.URL, JWKSURI: i.JWKSURI, ResponseTypes: []string{"id_token"},
		SubjectTypes: []string{"public"}, SigningAlgorithms: i.KeySet().Algorithms(),
	}.Marshal()
	if err != nil {
		panic(err) // strings can always be written
	}
	return body
}

// ServeHTTP serves both documents below whatever path the issuer has, to anybody.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
	case strings.HasSuffix(r.URL.Path, oidc.DiscoveryPath):
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(i.Discovery())
	case strings.HasSuffix(r.URL.Path, "/openid/v1/jwks"):
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(i.JWKS())
	default:
		http.NotFound(w, r)
	}
}

// Subject is the sub of a ServiceAccount's tokens.
func Subject(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// Claims are those of a token as kube-apiserver mints it for a ServiceAccount, with
// a life of one hour from the issuer's clock. A test changes what it wants wrong,
// and deletes what it wants missing, before it calls Sign.
func (i *Issuer) Claims(namespace, name string, audience ...string) map[string]any {
	now := i.Now().Unix()
	if audience == nil {
		audience = []string{i.URL}
	}
	return map[string]any{
		"aud": audience, "exp": now + 3600, "iat": now, "iss": i.URL, "jti": requestID(),
		"kubernetes.io": map[string]any{
			"namespace":      namespace,
			"serviceaccount": map[string]any{"name": name, "uid": requestID()},
		},
		"nbf": now, "sub": Subject(namespace, name),
	}
}

// Mint is Sign of Claims: a valid token.
func (i *Issuer) Mint(namespace, name string, audience ...string) string {
	token, err := i.Sign(i.Claims(namespace, name, audience...), nil)
	if err != nil {
		panic(err) // claims and keys of our own making can always be signed
	}
	return token
}

// Sign signs claims with the newest key. Members of header replace those that
// Kubernetes writes, alg and kid; a nil value removes one. The signature is always
// a real one by the key, of the header's algorithm where the key can make it and
// else of its own: a header that lies is one of the things to test.
func (i *Issuer) Sign(claims, header map[string]any) (string, error) {
	i.mu.Lock()
	key := i.keys[len(i.keys)-1]
	i.mu.Unlock()
	return signWith(key, claims, header)
}

func signWith(key signingKey, claims, header map[string]any) (string, error) {
	all := map[string]any{"alg": key.public.Algorithm, "kid": key.public.ID}
	for name, value := range header {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	head, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	input := rawURL(head) + "." + rawURL(payload)
	signature, err := key.signature(all["alg"], input)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return input + "." + rawURL(signature), nil
}

// TrustPolicy is the usual trust policy: the provider of an issuer, one audience
// and, where any are given, subjects, compared with StringEquals or, where one
// holds a *, StringLike.
func TrustPolicy(providerARN, audience string, subjects ...string) string {
	_, name, _ := strings.Cut(providerARN, ":oidc-provider/")
	condition := map[string]map[string]any{"StringEquals": {name + ":aud": audience}}
	if len(subjects) > 0 {
		operator := "StringEquals"
		if strings.Contains(strings.Join(subjects, ""), "*") {
			operator = "StringLike"
		}
		keys := maps.Clone(condition[operator])
		if keys == nil {
			keys = map[string]any{}
		}
		keys[name+":sub"] = subjects
		condition[operator] = keys
	}
	document, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Federated": providerARN},
			"Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
		}},
	})
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(document)
}

// Trust makes provider and role in the default account: the provider of the issuer
// with audience sts.amazonaws.com, and the role of that ARN (or name) trusting the
// subjects, such as system:serviceaccount:shop:cart. It returns the role's ARN.
func (s *Server) Trust(issuer, role string, subjects ...string) string {
	const audience = "sts.amazonaws.com"
	provider := s.Account.AddProvider(issuer, audience)
	return s.Account.AddRole(role[strings.LastIndexByte(role, '/')+1:], TrustPolicy(provider, audience, subjects...))
}

// PublishIssuer makes the documents of an issuer public in a bucket of the default
// account, which is made where it is missing: for an issuer whose URL is
// https://BUCKET.s3.REGION.amazonaws.com, or that with a path.
func (s *Server) PublishIssuer(i *Issuer, bucketName string) {
	s.mu.Lock()
	_, exists := s.buckets[bucketName]
	s.mu.Unlock()
	if !exists {
		s.Account.AddBucket(bucketName, "")
	}
	s.OpenToPublic(bucketName)
	prefix := ""
	if u, err := url.Parse(i.URL); err == nil {
		prefix = strings.TrimPrefix(strings.TrimSuffix(u.Path, "/")+"/", "/")
	}
	s.PutObject(bucketName, prefix+strings.TrimPrefix(oidc.DiscoveryPath, "/"), "application/json", i.Discovery())
	s.PutObject(bucketName, prefix+"openid/v1/jwks", "application/json", i.JWKS())
}
