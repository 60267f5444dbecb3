package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// testKeys are n keys of a type, with kids that can be read.
func testKeys(t *testing.T, kind string, names ...string) oidc.KeySet {
	t.Helper()
	var set oidc.KeySet
	for _, name := range names {
		private, err := awstest.NewSigningKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		key, err := oidc.NewKey(private.Public())
		if err != nil {
			t.Fatal(err)
		}
		key.ID = name
		set.Keys = append(set.Keys, key)
	}
	return set
}

func changes(reports []KeyReport) map[string]KeyChange {
	m := map[string]KeyChange{}
	for _, r := range reports {
		m[r.ID] = r.Change
	}
	return m
}

func TestMergingKeys(t *testing.T) {
	all := testKeys(t, "P-256", "a", "b", "c", "d")
	pick := func(at ...int) oidc.KeySet {
		var s oidc.KeySet
		for _, i := range at {
			s.Keys = append(s.Keys, all.Keys[i])
		}
		return s
	}
	rename := func(k oidc.Key, id string) oidc.KeySet {
		k.ID = id
		return oidc.KeySet{Keys: []oidc.Key{k}}
	}
	unusable, err := oidc.ParseKeySet([]byte(`{"keys":[{"kty":"OKP","kid":"ed","crv":"Ed25519","x":"AAAA"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	doomed := pick(1)
	tests := map[string]struct {
		live, public oidc.KeySet
		prune        bool
		doomed       *oidc.KeySet
		want         map[string]KeyChange
		ids          []string
		err          error
	}{
		"the first keys are added":                               {live: pick(0), want: map[string]KeyChange{"a": KeyAdded}, ids: []string{"a"}},
		"what is public stays without prune":                     {live: pick(0), public: pick(1), want: map[string]KeyChange{"a": KeyAdded, "b": KeyKept}, ids: []string{"a", "b"}},
		"nothing changes where all is public":                    {live: pick(0, 1), public: pick(1, 0), want: map[string]KeyChange{"a": KeyPublic, "b": KeyPublic}, ids: []string{"a", "b"}},
		"a shrunken live set loses nothing":                      {live: pick(0), public: pick(0, 1), want: map[string]KeyChange{"a": KeyPublic, "b": KeyKept}, ids: []string{"a", "b"}},
		"prune removes what the cluster does not show":           {live: pick(0), public: pick(0, 1), prune: true, want: map[string]KeyChange{"a": KeyPublic, "b": KeyRemoved}, ids: []string{"a"}},
		"prune keeps a key that came after it was shown":         {live: pick(0), public: pick(0, 1, 2), prune: true, doomed: &doomed, want: map[string]KeyChange{"a": KeyPublic, "b": KeyRemoved, "c": KeyKept}, ids: []string{"a", "c"}},
		"prune refuses a set that has no key of the cluster":     {live: pick(0), public: pick(1, 2), prune: true, err: &StrangersError{2}},
		"an empty live set is refused":                           {public: pick(0), err: ErrNoKeys},
		"an empty live set is refused with prune too":            {public: pick(0), prune: true, err: ErrNoKeys},
		"a live set without a usable key is refused":             {live: unusable, public: pick(0), err: ErrNoKeys},
		"another key under the same kid is in the way":           {live: pick(0), public: rename(all.Keys[1], "a"), err: &CollisionError{"a"}},
		"prune replaces another key under the same kid":          {live: pick(0, 2), public: oidc.KeySet{Keys: []oidc.Key{rename(all.Keys[1], "a").Keys[0], all.Keys[2]}}, prune: true, want: map[string]KeyChange{"a": KeyRemoved, "c": KeyPublic}, ids: []string{"a", "c"}},
		"an entry without kid gives way to the same key with it": {live: pick(0), public: rename(all.Keys[0], ""), want: map[string]KeyChange{"a": KeyAdded}, ids: []string{"a"}},
		"a public entry nobody can use is kept":                  {live: pick(0), public: unusable, want: map[string]KeyChange{"a": KeyAdded, "ed": KeyKept}, ids: []string{"a", "ed"}},
		"a key that the server shows twice is there once":        {live: pick(0, 0), want: map[string]KeyChange{"a": KeyAdded}, ids: []string{"a"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, reports, err := Merge{Live: tc.live, Prune: tc.prune, Doomed: tc.doomed}.Keys(tc.public)
			if fmt.Sprint(err) != fmt.Sprint(tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, changes(reports)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.ids, got.IDs()); diff != "" {
				t.Errorf("kids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoreKeysThanAWSReadsAreRefused(t *testing.T) {
	names := make([]string, oidc.MaxKeysPerType)
	for i := range names {
		names[i] = fmt.Sprintf("k%03d", i)
	}
	public := testKeys(t, "P-256", names...)
	_, _, err := Merge{Live: testKeys(t, "P-256", "new")}.Keys(public)
	if crowd, ok := errors.AsType[*CrowdError](err); !ok || crowd.Type != "EC" {
		t.Errorf("got %v", err)
	}
	if _, _, err := (Merge{Live: testKeys(t, "RSA", "new")}).Keys(public); err != nil {
		t.Errorf("a key of another type: %v", err)
	}
}

func TestWhereTheKeySetIs(t *testing.T) {
	const issuer = "https://b.s3.eu-west-1.amazonaws.com/a/"
	tests := map[string]struct {
		live      string
		published *oidc.Discovery
		want      string
	}{
		"below the issuer by default":                  {"https://10.0.0.1:6443/openid/v1/jwks", nil, "https://b.s3.eu-west-1.amazonaws.com/a/openid/v1/jwks"},
		"where the API server says, below the issuer":  {"https://b.s3.eu-west-1.amazonaws.com/a/keys.json", nil, "https://b.s3.eu-west-1.amazonaws.com/a/keys.json"},
		"where it was published before":                {"https://10.0.0.1/x", &oidc.Discovery{Issuer: issuer, JWKSURI: "https://b.s3.eu-west-1.amazonaws.com/a/jwks"}, "https://b.s3.eu-west-1.amazonaws.com/a/jwks"},
		"never elsewhere":                              {"https://b.s3.eu-west-1.amazonaws.com/other/keys", &oidc.Discovery{Issuer: issuer, JWKSURI: "https://evil.example.com/jwks"}, "https://b.s3.eu-west-1.amazonaws.com/a/openid/v1/jwks"},
		"never where a document of another issuer led": {"", &oidc.Discovery{Issuer: "https://other", JWKSURI: "https://b.s3.eu-west-1.amazonaws.com/a/jwks"}, "https://b.s3.eu-west-1.amazonaws.com/a/openid/v1/jwks"},
		"never at the discovery document":              {"https://b.s3.eu-west-1.amazonaws.com/a/.well-known/openid-configuration", nil, "https://b.s3.eu-west-1.amazonaws.com/a/openid/v1/jwks"},
	}
	for name, tc := range tests {
		if got := jwksURI(issuer, tc.live, tc.published); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestTheDiscoveryDocumentKeepsWhatIsNotOurs(t *testing.T) {
	published := oidc.Discovery{Extra: map[string]json.RawMessage{"claims_supported": json.RawMessage(`["sub","iss"]`)}}
	got := Discovery(oidc.Discovery{Issuer: "https://i/"}, &published, "https://i/keys", testKeys(t, "P-384", "a"))
	want := oidc.Discovery{
		Issuer: "https://i/", JWKSURI: "https://i/keys", ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
		SigningAlgorithms: []string{"ES384"}, Extra: published.Extra,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
