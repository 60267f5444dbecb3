package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func newKey(t *testing.T, public any) oidc.Key {
	t.Helper()
	k, err := oidc.NewKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// kubernetesKeySet has the form in which a kube-apiserver v1.37 serves an EC key; the
// numbers are those of RFC 7515, appendix A.3.
const kubernetesKeySet = `{"keys":[{"use":"sig","kty":"EC","kid":"K1","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

func TestAKeySetIsWrittenAsKubernetesWritesIt(t *testing.T) {
	set, err := oidc.ParseKeySet([]byte(kubernetesKeySet))
	if err != nil {
		t.Fatal(err)
	}
	got, err := set.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kubernetesKeySet, string(got)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

// The key of RFC 7517, appendix A.1; its kid was computed by another program from the
// DER form that RFC 5480 gives for P-256.
func TestTheKeyIDIsThatOfKubernetes(t *testing.T) {
	set, err := oidc.ParseKeySet([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := oidc.KeyID(set.Keys[0].Public)
	if err != nil {
		t.Fatal(err)
	}
	if want := "UblEzfpUTUwyc6pr81BiWn3VO7tqcXIydPU4sZogd2A"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEntriesThatCannotBeUsedAreKeptWithTheReason(t *testing.T) {
	good := `"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"`
	type entry struct {
		ID, Type, Unusable string
		Private            bool
	}
	tests := map[string]struct {
		document string
		want     []entry
		counts   map[string]int
	}{
		"the same kid twice":       {`{"keys":[{"kid":"a",` + good + `},{"kid":"a",` + good + `}]}`, []entry{{"a", "EC", "", false}, {"a", "EC", "", false}}, map[string]int{"EC": 2}},
		"no kid":                   {`{"keys":[{` + good + `}]}`, []entry{{"", "EC", "", false}}, map[string]int{"EC": 1}},
		"an Ed25519 key":           {`{"keys":[{"kid":"ed","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`, []entry{{"ed", "OKP", `its kty "OKP" is neither RSA nor EC`, false}}, map[string]int{"OKP": 1}},
		"a kty from the future":    {`{"keys":[{"kid":"x","kty":"AKP"}]}`, []entry{{"x", "AKP", `its kty "AKP" is neither RSA nor EC`, false}}, map[string]int{"AKP": 1}},
		"no kty":                   {`{"keys":[{"kid":"x"}]}`, []entry{{"x", "", "it has no kty", false}}, map[string]int{"": 1}},
		"RSA without numbers":      {`{"keys":[{"kid":"x","kty":"RSA"}]}`, []entry{{"x", "RSA", "its numbers make no RSA key", false}}, map[string]int{"RSA": 1}},
		"a point off the curve":    {`{"keys":[{"kid":"x","kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}`, []entry{{"x", "EC", "its numbers make no EC key", false}}, map[string]int{"EC": 1}},
		"a curve that AWS has not": {`{"keys":[{"kid":"x","kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}]}`, []entry{{"x", "EC", "its numbers make no EC key", false}}, map[string]int{"EC": 1}},
		"a kid that is a number":   {`{"keys":[{"kid":7,` + good + `}]}`, []entry{{"", "EC", "its kid is not a string", false}}, map[string]int{"EC": 1}},
		"an entry that is a text":  {`{"keys":["x"]}`, []entry{{"", "", "it is not a JSON object", false}}, map[string]int{"": 1}},
		"a private key":            {`{"keys":[{"kid":"p","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",` + good + `}]}`, []entry{{"p", "EC", "", true}}, map[string]int{"EC": 1}},
		"no keys":                  {`{"keys":[]}`, nil, map[string]int{}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			set, err := oidc.ParseKeySet([]byte(tc.document))
			if err != nil {
				t.Fatal(err)
			}
			var got []entry
			for _, k := range set.Keys {
				got = append(got, entry{k.ID, k.Type, k.Unusable, k.Private})
				if (k.Public == nil) != (k.Unusable != "") {
					t.Errorf("key %q is %v and unusable for %q", k.ID, k.Public, k.Unusable)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.counts, set.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			written, err := set.Marshal()
			if err != nil || strings.Contains(string(written), "870MB6gf") {
				t.Errorf("written as %s, %v", written, err)
			}
		})
	}
}

func TestADocumentThatIsNoKeySetIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ document, want string }{
		"a web page":      {"\n<!DOCTYPE html><html></html>", "reading the key set: it is an HTML page, not JSON"},
		"nothing":         {" \n", "reading the key set: it is empty"},
		"an array":        {"[]", "reading the key set: it is a JSON array, not an object"},
		"no keys":         {`{"issuer":"x"}`, "reading the key set: it has no array named keys"},
		"keys is a text":  {`{"keys":"x"}`, "reading the key set: its keys is a JSON string"},
		"keys is nothing": {`{"keys":null}`, "reading the key set: it has no array named keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oidc.ParseKeySet([]byte(tc.document))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestTheCanonicalFormKnowsNeitherOrderNorRepetition(t *testing.T) {
	a, b, c := newKey(t, rsaKey(t).Public()), newKey(t, ecKey(t, elliptic.P256()).Public()), newKey(t, ecKey(t, elliptic.P521()).Public())
	one, err := oidc.KeySet{Keys: []oidc.Key{a, b, c}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	two, err := oidc.KeySet{Keys: []oidc.Key{c, a, b, a, c}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(one), string(two)); diff != "" {
		t.Errorf("(-one +two):\n%s", diff)
	}
	back, err := oidc.ParseKeySet(one)
	if err != nil {
		t.Fatal(err)
	}
	if left := (oidc.KeySet{Keys: []oidc.Key{a, b, c}}).Without(back); len(left.Keys) != 0 || len(back.Keys) != 3 {
		t.Errorf("read back %d keys, %d were lost", len(back.Keys), len(left.Keys))
	}
	if diff := cmp.Diff([]string{"ES256", "ES512", "RS256"}, back.Algorithms()); diff != "" {
		t.Errorf("algorithms (-want +got):\n%s", diff)
	}
}

func TestUnionKeepsWhatWasThereFirst(t *testing.T) {
	a, b, c := newKey(t, ecKey(t, elliptic.P256()).Public()), newKey(t, ecKey(t, elliptic.P256()).Public()), newKey(t, ecKey(t, elliptic.P256()).Public())
	union := oidc.KeySet{Keys: []oidc.Key{b, a}}.Union(oidc.KeySet{Keys: []oidc.Key{a, c}})
	var got []string
	for _, k := range union.Keys {
		got = append(got, k.ID)
	}
	if diff := cmp.Diff([]string{b.ID, a.ID, c.ID}, got); diff != "" {
		t.Errorf("union (-want +got):\n%s", diff)
	}
}

func TestMoreThanAHundredKeysOfATypeAreTooMany(t *testing.T) {
	var set oidc.KeySet
	for i := range oidc.MaxKeysPerType {
		set.Keys = append(set.Keys, oidc.Key{ID: fmt.Sprint(i), Type: "RSA"}, oidc.Key{ID: fmt.Sprint(i), Type: "EC"})
	}
	if over := set.OverLimit(); over != nil {
		t.Errorf("a hundred of each are too many of %v", over)
	}
	set.Keys = append(set.Keys, oidc.Key{ID: "one more", Type: "EC"})
	if diff := cmp.Diff([]string{"EC"}, set.OverLimit()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParseKeySet states that whatever is read can be written, and that what was
// written reads as the same set.
func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(kubernetesKeySet))
	f.Add([]byte(`{"keys":[{"kid":"a","kty":"OKP","x":"<&>"},{},"x",{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := oidc.ParseKeySet(data)
		if err != nil {
			return
		}
		once, err := set.Marshal()
		if err != nil {
			t.Fatalf("writing what was read: %v", err)
		}
		again, err := oidc.ParseKeySet(once)
		if err != nil {
			t.Fatalf("reading what was written: %v", err)
		}
		twice, err := again.Marshal()
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%v\nonce:  %s\ntwice: %s", err, once, twice)
		}
	})
}
