package oidc_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func issuer(t *testing.T, keyType string) *awstest.Issuer {
	t.Helper()
	i, err := awstest.NewIssuer("https://oidc.example.com", keyType)
	if err != nil {
		t.Fatal(err)
	}
	i.Now = func() time.Time { return time.Unix(1795423951, 0) }
	return i
}

func parse(t *testing.T, raw string) oidc.Token {
	t.Helper()
	token, err := oidc.ParseToken(raw)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTheClaimsOfAServiceAccountTokenAreRead(t *testing.T) {
	i := issuer(t, "RSA")
	raw, err := i.Sign(map[string]any{
		"iss": "https://oidc.example.com", "sub": "system:serviceaccount:default:test", "aud": []string{"a", "b"},
		"iat": 1795423951, "nbf": 1795423951, "exp": 1795427551, "jti": "fc5dd1af", "azp": "a",
		"kubernetes.io": map[string]any{
			"namespace": "default", "serviceaccount": map[string]any{"name": "test", "uid": "8675"},
			"pod": map[string]any{"name": "p", "uid": "1"}, "node": map[string]any{"name": "n", "uid": "2"},
			"secret": map[string]any{"name": "s", "uid": "3"}, "warnafter": 1795427558,
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := parse(t, raw+"\n")
	want := oidc.Token{
		Header: oidc.Header{Algorithm: "RS256", KeyID: i.KeySet().Keys[0].ID},
		Claims: oidc.Claims{
			Issuer: "https://oidc.example.com", Subject: "system:serviceaccount:default:test", Audience: []string{"a", "b"},
			AuthorizedParty: "a", IssuedAt: time.Unix(1795423951, 0).UTC(), NotBefore: time.Unix(1795423951, 0).UTC(),
			Expiry: time.Unix(1795427551, 0).UTC(), ID: "fc5dd1af",
			Kubernetes: &oidc.KubernetesClaims{
				Namespace: "default", ServiceAccount: oidc.ObjectRef{Name: "test", UID: "8675"},
				Pod: &oidc.ObjectRef{Name: "p", UID: "1"}, Node: &oidc.ObjectRef{Name: "n", UID: "2"},
				Secret: &oidc.ObjectRef{Name: "s", UID: "3"}, WarnAfter: 1795427558,
			},
			Names: []string{"aud", "azp", "exp", "iat", "iss", "jti", "kubernetes.io", "nbf", "sub"},
		},
	}
	options := cmp.Options{cmpopts.IgnoreUnexported(oidc.Token{}), cmpopts.SortSlices(strings.Compare)}
	if diff := cmp.Diff(want, token, options); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
}

func TestAMalformedTokenIsNamedAndNeverRepeated(t *testing.T) {
	good := issuer(t, "P-256").Mint("shop", "cart", "sts.amazonaws.com")
	parts := strings.Split(good, ".")
	with := func(payload string) string {
		return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + parts[2]
	}
	head := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + parts[2]
	}
	for name, tc := range map[string]struct{ raw, want string }{
		"nothing":                     {" \n", "the token is malformed: its text is empty"},
		"a path":                      {"/var/run/secrets/token", "the token is malformed: its text has 1 parts between dots instead of 3"},
		"no signature":                {parts[0] + "." + parts[1], "the token is malformed: its text has 2 parts between dots instead of 3"},
		"encrypted":                   {good + "." + parts[1] + "." + parts[1], "the token is malformed: its text has 5 parts between dots: it is encrypted, not signed"},
		"a header that is not base64": {"!!." + parts[1] + "." + parts[2], "the token is malformed: its header is not base64url"},
		"a payload with padding":      {parts[0] + ".e30=." + parts[2], "the token is malformed: its payload is not base64url"},
		"a signature with a blank":    {parts[0] + "." + parts[1] + ". x", "the token is malformed: its signature is not base64url"},
		"a payload that is an array":  {with(`[]`), "the token is malformed: its payload is not a JSON object"},
		"a payload that is null":      {with(`null`), "the token is malformed: its payload is not a JSON object"},
		"no alg":                      {head(`{"kid":"x"}`), "the token is malformed: its header has no alg"},
		"alg is a number":             {head(`{"alg":256}`), "the token is malformed: its header has an alg that is not a string"},
		"iss is a number":             {with(`{"iss":1}`), "the token is malformed: its claim iss is not a string"},
		"exp is a text":               {with(`{"exp":"soon"}`), "the token is malformed: its claim exp is not a number of seconds"},
		"exp is beyond all times":     {with(`{"exp":1e300}`), "the token is malformed: its claim exp is out of range"},
		"aud is an object":            {with(`{"aud":{}}`), "the token is malformed: its claim aud is neither a string nor an array of strings"},
		"kubernetes.io is a list":     {with(`{"kubernetes.io":[]}`), "the token is malformed: its claim kubernetes.io is not what Kubernetes writes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oidc.ParseToken(tc.raw)
			var malformed *oidc.MalformedError
			if !errors.As(err, &malformed) || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestPrintingATokenNeverShowsIt(t *testing.T) {
	raw := issuer(t, "P-256").Mint("shop", "cart", "sts.amazonaws.com")
	token := parse(t, raw)
	holder := struct {
		Token   oidc.Token
		private oidc.Token
		pointer *oidc.Token
	}{token, token, &token}
	printed := fmt.Sprintf("%v %+v %#v %s %q %v %+v %#v", token, token, token, token, token, holder, holder, holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(raw, ".") {
		if strings.Contains(printed+string(encoded), part) {
			t.Errorf("a part of the token is printed: %s", printed)
		}
	}
}

func TestVerifyTellsWhichKeyMatchedOrWhyNone(t *testing.T) {
	rsaIssuer, ec, other := issuer(t, "RSA"), issuer(t, "P-256"), issuer(t, "P-256")
	ecKeyID, rsaKeyID := ec.KeySet().Keys[0].ID, rsaIssuer.KeySet().Keys[0].ID
	sign := func(i *awstest.Issuer, header map[string]any) oidc.Token {
		raw, err := i.Sign(i.Claims("shop", "cart", "sts.amazonaws.com"), header)
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, raw)
	}
	renamed := func(set oidc.KeySet, id string) oidc.KeySet {
		set.Keys[0].ID = id
		return set
	}
	both := rsaIssuer.KeySet().Union(ec.KeySet())
	unusable, err := oidc.ParseKeySet([]byte(`{"keys":[{"kid":"` + ecKeyID + `","kty":"OKP"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		token oidc.Token
		keys  oidc.KeySet
		key   string
		err   error
	}{
		"RS256":                          {sign(rsaIssuer, nil), both, rsaKeyID, nil},
		"RS512":                          {sign(rsaIssuer, map[string]any{"alg": "RS512"}), both, rsaKeyID, nil},
		"ES256":                          {sign(ec, nil), both, ecKeyID, nil},
		"no kid, one key fits":           {sign(ec, map[string]any{"kid": nil}), both, ecKeyID, nil},
		"a kid that is listed twice":     {sign(ec, nil), renamed(other.KeySet(), ecKeyID).Union(ec.KeySet()), ecKeyID, nil},
		"a kid that is not there":        {sign(ec, nil), rsaIssuer.KeySet(), "", &oidc.UnknownKeyError{KeyID: ecKeyID, Have: []string{rsaKeyID}}},
		"no keys at all":                 {sign(ec, nil), oidc.KeySet{}, "", &oidc.UnknownKeyError{KeyID: ecKeyID}},
		"no kid and no key that fits":    {sign(ec, map[string]any{"kid": nil}), rsaIssuer.KeySet(), "", &oidc.UnknownKeyError{Have: []string{rsaKeyID}}},
		"alg none":                       {sign(ec, map[string]any{"alg": "none"}), both, "", &oidc.AlgorithmError{Algorithm: "none"}},
		"HS256":                          {sign(ec, map[string]any{"alg": "HS256"}), both, "", &oidc.AlgorithmError{Algorithm: "HS256"}},
		"PS256":                          {sign(rsaIssuer, map[string]any{"alg": "PS256"}), both, "", &oidc.AlgorithmError{Algorithm: "PS256"}},
		"EdDSA":                          {sign(ec, map[string]any{"alg": "EdDSA"}), both, "", &oidc.AlgorithmError{Algorithm: "EdDSA"}},
		"another key under the kid":      {sign(ec, nil), renamed(other.KeySet(), ecKeyID), "", &oidc.SignatureError{KeyID: ecKeyID, Tried: 1}},
		"no kid and another key":         {sign(ec, map[string]any{"kid": nil}), other.KeySet(), "", &oidc.SignatureError{Tried: 1}},
		"an RSA key under the kid":       {sign(ec, nil), renamed(rsaIssuer.KeySet(), ecKeyID), "", &oidc.UnusableKeyError{KeyID: ecKeyID, Reason: "it is of type RSA, which does not sign ES256"}},
		"a key that is unusable":         {sign(ec, nil), unusable, "", &oidc.UnusableKeyError{KeyID: ecKeyID, Reason: `its kty "OKP" is neither RSA nor EC`}},
		"ES384 with a key on P-256":      {sign(ec, map[string]any{"alg": "ES384"}), both, "", &oidc.UnusableKeyError{KeyID: ecKeyID, Reason: "it is of type EC P-256, which does not sign ES384"}},
		"a token that nobody has parsed": {oidc.Token{Header: oidc.Header{Algorithm: "ES256"}}, both, "", &oidc.SignatureError{}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			key, err := oidc.Verify(tc.token, tc.keys)
			if diff := cmp.Diff(tc.err, err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if key.ID != tc.key {
				t.Errorf("key %q, want %q", key.ID, tc.key)
			}
		})
	}
}

func TestACurveIsTiedToItsAlgorithm(t *testing.T) {
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		if got := newKey(t, ecKey(t, curve).Public()).Algorithm; got != alg {
			t.Errorf("%s: got %s", alg, got)
		}
	}
	if _, err := oidc.NewKey(ecKey(t, elliptic.P224()).Public()); err == nil {
		t.Error("P-224 has an algorithm")
	}
}

// FuzzParseToken states that an error never repeats what was read, and that a
// token that was read can be verified without a panic.
func FuzzParseToken(f *testing.F) {
	f.Add("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4IiwiYXVkIjoieSIsImV4cCI6MX0.AAAA")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, raw string) {
		token, err := oidc.ParseToken(raw)
		if err != nil {
			if len(raw) > 40 && strings.Contains(err.Error(), raw) {
				t.Fatal("the error repeats the token")
			}
			return
		}
		_, _ = oidc.Verify(token, oidc.KeySet{})
	})
}
