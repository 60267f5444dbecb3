package oidc

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// MaxKeysPerType is how many RSA keys, and how many EC keys, AWS reads from one
// key set (IAM User Guide, "Create an OpenID Connect identity provider in IAM").
const MaxKeysPerType = 100

// Key is one entry of a JSON Web Key Set (RFC 7517). Private members of an entry
// are never kept.
type Key struct {
	ID        string // kid; empty where the entry has none
	Type      string // kty: RSA, EC, OKP, oct or whatever else was found
	Algorithm string // alg; empty where the entry has none
	Use       string // use; "sig" from Kubernetes
	Curve     string // crv of an EC key, such as P-256
	// Public is an *rsa.PublicKey or an *ecdsa.PublicKey, nil for an unusable entry.
	Public crypto.PublicKey
	// Unusable says why no signature that AWS accepts can be checked with the
	// entry, empty for a usable one.
	Unusable string
	// Private is true where the entry published private key material.
	Private bool

	// rest is the entry with its members sorted and without private ones, for
	// writing back what Public cannot express.
	rest json.RawMessage
}

// KeySet is a JSON Web Key Set in the order in which it was read. The same kid may
// occur more than once: a kube-apiserver that is given a key twice lists it twice.
type KeySet struct{ Keys []Key }

// NewKey is the entry that a kube-apiserver would publish for a public key: kid as
// KeyID computes it, use sig, and the algorithm that belongs to the type and curve.
func NewKey(public crypto.PublicKey) (Key, error) {
	id, err := KeyID(public)
	if err != nil {
		return Key{}, err
	}
	k := Key{ID: id, Use: "sig", Public: public}
	switch p := public.(type) {
	case *rsa.PublicKey:
		k.Type, k.Algorithm = "RSA", "RS256"
	case *ecdsa.PublicKey:
		k.Type, k.Curve = "EC", p.Curve.Params().Name
		if k.Algorithm = curveAlgorithm(p.Curve); k.Algorithm == "" {
			return Key{}, fmt.Errorf("describing a public key: curve %s is not supported", k.Curve)
		}
	default:
		return Key{}, fmt.Errorf("describing a public key: type %T is not supported", public)
	}
	return k, nil
}

// KeyID is the kid that Kubernetes gives a public key: the unpadded base64url form
// of the SHA-256 sum of its PKIX DER encoding.
func KeyID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("computing the key id of a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func curveAlgorithm(curve elliptic.Curve) string {
	switch curve {
	case elliptic.P256():
		return "ES256"
	case elliptic.P384():
		return "ES384"
	case elliptic.P521():
		return "ES512"
	}
	return ""
}

// ParseKeySet reads a JSON Web Key Set. An entry that cannot be used, whether its
// kty is unknown or its numbers make no key, is kept with the reason in Unusable;
// only a document that is no object with an array named keys is an error.
func ParseKeySet(data []byte) (KeySet, error) {
	var doc struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return KeySet{}, fmt.Errorf("reading the key set: %w", notJSON(data, err))
	}
	if doc.Keys == nil {
		return KeySet{}, errors.New("reading the key set: it has no array named keys")
	}
	set := KeySet{Keys: make([]Key, 0, len(*doc.Keys))}
	for _, raw := range *doc.Keys {
		set.Keys = append(set.Keys, parseKey(raw))
	}
	return set, nil
}

// privateMembers are the members of RFC 7518, section 6, that must stay secret.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

func parseKey(raw json.RawMessage) Key {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return Key{Unusable: "it is not a JSON object"}
	}
	var k Key
	for name, into := range map[string]*string{
		"kid": &k.ID, "kty": &k.Type, "alg": &k.Algorithm, "use": &k.Use, "crv": &k.Curve,
	} {
		if value, ok := members[name]; ok && json.Unmarshal(value, into) != nil {
			k.Unusable = "its " + name + " is not a string"
		}
	}
	for _, name := range privateMembers {
		if _, ok := members[name]; ok {
			k.Private = true
			delete(members, name)
		}
	}
	rest, err := encode(members)
	if err != nil {
		return Key{Unusable: "it cannot be read"}
	}
	k.rest = rest
	if k.Unusable == "" {
		k.Public, k.Unusable = publicKey(k, rest)
	}
	return k
}

// maxRSABits keeps a document from making one verification last for minutes.
const maxRSABits = 16384

// go-jose alone would call a key of more than 4096 bits none: clusters have such
// keys, and AWS names no limit. Its bound, which holds for the whole program, is set
// above ours, so that ours is the one that is named.
func init() { jose.MaxRSAModulusBits = max(jose.MaxRSAModulusBits, 2*maxRSABits) }

func publicKey(k Key, entry []byte) (crypto.PublicKey, string) {
	switch k.Type {
	case "RSA", "EC":
	case "":
		return nil, "it has no kty"
	default:
		return nil, fmt.Sprintf("its kty %q is neither RSA nor EC", k.Type)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(entry); err != nil {
		return nil, fmt.Sprintf("its numbers make no %s key", k.Type)
	}
	switch p := jwk.Key.(type) {
	case *rsa.PublicKey:
		if p.E < 2 || p.N.Sign() <= 0 {
			return nil, "its numbers make no RSA key"
		}
		if p.N.BitLen() > maxRSABits {
			return nil, fmt.Sprintf("its RSA key has %d bits, more than %d", p.N.BitLen(), maxRSABits)
		}
		return p, ""
	case *ecdsa.PublicKey:
		if curveAlgorithm(p.Curve) == "" {
			return nil, fmt.Sprintf("its curve %q is not supported", k.Curve)
		}
		return p, ""
	}
	return nil, fmt.Sprintf("its numbers make no %s key", k.Type)
}

// Counts is the number of entries by kty, unusable ones included.
func (s KeySet) Counts() map[string]int {
	counts := map[string]int{}
	for _, k := range s.Keys {
		counts[k.Type]++
	}
	return counts
}

// OverLimit names the key types of which AWS would not read all entries, sorted;
// nil when the set is within MaxKeysPerType.
func (s KeySet) OverLimit() []string {
	var over []string
	for kty, n := range s.Counts() {
		if n > MaxKeysPerType {
			over = append(over, kty)
		}
	}
	slices.Sort(over)
	return over
}

// Find returns the entries whose kid is id, in order; more than one is possible.
func (s KeySet) Find(id string) []Key {
	var found []Key
	for _, k := range s.Keys {
		if k.ID == id {
			found = append(found, k)
		}
	}
	return found
}

// IDs are the distinct key ids of the set, sorted, without the empty one.
func (s KeySet) IDs() []string {
	var ids []string
	for _, k := range s.Keys {
		if k.ID != "" {
			ids = append(ids, k.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Usable are the entries with which a signature can be checked, in order.
func (s KeySet) Usable() []Key {
	var usable []Key
	for _, k := range s.Keys {
		if k.Unusable == "" && k.Public != nil {
			usable = append(usable, k)
		}
	}
	return usable
}

// Algorithms are the signing algorithms of the usable keys, sorted and distinct:
// what id_token_signing_alg_values_supported has to list. An entry without alg
// counts for the one that Kubernetes uses with such a key.
func (s KeySet) Algorithms() []string {
	var algs []string
	for _, k := range s.Usable() {
		alg := k.Algorithm
		if alg == "" {
			if described, err := NewKey(k.Public); err == nil {
				alg = described.Algorithm
			}
		}
		algs = append(algs, alg)
	}
	slices.Sort(algs)
	return slices.Compact(algs)
}

// Union is every entry of s followed by the entries of other that s does not have.
func (s KeySet) Union(other KeySet) KeySet {
	return KeySet{Keys: append(slices.Clone(s.Keys), other.Without(s).Keys...)}
}

// Without is every entry of s that other does not have.
func (s KeySet) Without(other KeySet) KeySet {
	have := map[string]bool{}
	for _, k := range other.Keys {
		have[k.identity()] = true
	}
	var left KeySet
	for _, k := range s.Keys {
		if !have[k.identity()] {
			left.Keys = append(left.Keys, k)
		}
	}
	return left
}

// identity is equal for entries that hold the same key under the same kid.
func (k Key) identity() string {
	if k.Public != nil {
		if der, err := x509.MarshalPKIXPublicKey(k.Public); err == nil {
			return k.ID + "\x00" + string(der)
		}
	}
	return k.ID + "\x00" + string(k.rest)
}

// Equal reports whether both entries hold the same key under the same kid,
// however they were written.
func (k Key) Equal(other Key) bool { return k.identity() == other.identity() }

// MarshalJSON writes the entry with the members in the order of a kube-apiserver.
// An unusable entry is written as it was read, members sorted; private members
// are never written.
func (k Key) MarshalJSON() ([]byte, error) {
	if k.Public == nil {
		if k.rest == nil {
			return nil, errors.New("writing a key: the entry holds none")
		}
		return k.rest, nil
	}
	encoded, err := (jose.JSONWebKey{Key: k.Public}).MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("writing key %q: %w", k.ID, err)
	}
	var numbers struct{ N, E, Crv, X, Y string }
	if err := json.Unmarshal(encoded, &numbers); err != nil {
		return nil, fmt.Errorf("writing key %q: %w", k.ID, err)
	}
	w := &objectWriter{}
	for _, member := range [][2]string{
		{"use", k.Use}, {"kty", k.Type}, {"kid", k.ID}, {"crv", numbers.Crv}, {"alg", k.Algorithm},
		{"n", numbers.N}, {"e", numbers.E}, {"x", numbers.X}, {"y", numbers.Y},
	} {
		if member[1] != "" {
			w.add(member[0], member[1])
		}
	}
	return w.bytes()
}

// Marshal renders the set in one canonical form: the same keys give the same bytes
// whatever their order and however often each was listed.
func (s KeySet) Marshal() ([]byte, error) {
	keys := slices.DeleteFunc(slices.Clone(s.Keys), func(k Key) bool {
		return k.Public == nil && k.rest == nil
	})
	slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Compare(a.identity(), b.identity()) })
	keys = slices.CompactFunc(keys, Key.Equal)
	var buf bytes.Buffer
	buf.WriteString(`{"keys":[`)
	for i, k := range keys {
		if i > 0 {
			buf.WriteByte(',')
		}
		encoded, err := k.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("writing the key set: %w", err)
		}
		buf.Write(encoded)
	}
	buf.WriteString("]}")
	return buf.Bytes(), nil
}
