package oidc

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Algorithms are the signing algorithms that AWS STS accepts for web identity
// tokens (STS API Reference, AssumeRoleWithWebIdentity).
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}
}

// AlgorithmError says that a token is signed with an algorithm AWS does not accept.
type AlgorithmError struct{ Algorithm string }

func (e *AlgorithmError) Error() string {
	return fmt.Sprintf("the token is signed with %q; AWS accepts %s",
		e.Algorithm, strings.Join(Algorithms(), ", "))
}

// UnknownKeyError says that the key set has no entry with the token's kid.
type UnknownKeyError struct {
	KeyID string   // kid of the token; empty where the token has none and no key fits its alg
	Have  []string // the distinct key ids of the set, sorted
}

func (e *UnknownKeyError) Error() string {
	if e.KeyID == "" {
		return fmt.Sprintf("the token names no key and none of the %d in the key set fits", len(e.Have))
	}
	if len(e.Have) == 0 {
		return fmt.Sprintf("the token's key %q is not in the key set, which has no key with an id", e.KeyID)
	}
	return fmt.Sprintf("the token's key %q is not in the key set, which has %s",
		e.KeyID, strings.Join(e.Have, ", "))
}

// UnusableKeyError says that every entry with the token's kid is one with which no
// signature can be checked, or one of another type than the algorithm needs.
type UnusableKeyError struct {
	KeyID  string
	Reason string // Key.Unusable of the first such entry, or why it does not fit
}

func (e *UnusableKeyError) Error() string {
	return fmt.Sprintf("the token's key %q cannot be used: %s", e.KeyID, e.Reason)
}

// SignatureError says that no candidate key verifies the signature.
type SignatureError struct {
	KeyID string // kid of the token; empty where it has none
	Tried int    // how many keys were tried
}

func (e *SignatureError) Error() string {
	if e.KeyID == "" {
		return fmt.Sprintf("the token's signature fits none of %d keys", e.Tried)
	}
	return fmt.Sprintf("the token's signature does not fit key %q", e.KeyID)
}

// Verify checks the signature of a token, and nothing else about it, and returns
// the key that matched. Where the kid occurs more than once each entry is tried;
// a token without kid is tried with every key that fits its algorithm. The error
// is an *AlgorithmError, *UnknownKeyError, *UnusableKeyError or *SignatureError.
func Verify(t Token, keys KeySet) (Key, error) {
	alg := t.Header.Algorithm
	if !slices.Contains(Algorithms(), alg) {
		return Key{}, &AlgorithmError{Algorithm: alg}
	}
	if t.signed == nil {
		return Key{}, &SignatureError{KeyID: t.Header.KeyID}
	}
	named := keys.Keys
	if t.Header.KeyID != "" {
		if named = keys.Find(t.Header.KeyID); len(named) == 0 {
			return Key{}, &UnknownKeyError{KeyID: t.Header.KeyID, Have: keys.IDs()}
		}
	}
	jws, err := jose.ParseSignedCompact(t.signed.compact, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return Key{}, &SignatureError{KeyID: t.Header.KeyID}
	}
	tried, misfit := 0, ""
	for _, k := range named {
		if reason := k.misfit(alg); reason != "" {
			if misfit == "" {
				misfit = reason
			}
			continue
		}
		tried++
		if _, err := jws.Verify(k.Public); err == nil {
			return k, nil
		}
	}
	switch {
	case tried > 0:
		return Key{}, &SignatureError{KeyID: t.Header.KeyID, Tried: tried}
	case t.Header.KeyID == "":
		return Key{}, &UnknownKeyError{Have: keys.IDs()}
	}
	return Key{}, &UnusableKeyError{KeyID: t.Header.KeyID, Reason: misfit}
}

// misfit says why the key cannot verify signatures of alg, empty where it can.
// The curve is checked here because RFC 7518, section 3.4, ties each algorithm to
// one, while an alg member in the key set is only advice.
func (k Key) misfit(alg string) string {
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(alg, "RS") {
			return ""
		}
	case *ecdsa.PublicKey:
		if curveAlgorithm(p.Curve) == alg {
			return ""
		}
	default:
		return k.Unusable
	}
	return fmt.Sprintf("it is of type %s, which does not sign %s", strings.TrimSpace(k.Type+" "+k.Curve), alg)
}
