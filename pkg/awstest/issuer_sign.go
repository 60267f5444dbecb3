package awstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
)

func rawURL(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// signature signs with the algorithm that the header names where the key can do
// that, else with the key's own: a header may lie, which is why no JOSE library
// is asked (RFC 7518, sections 3.3 to 3.5).
func (k signingKey) signature(headerAlg any, input string) ([]byte, error) {
	alg, _ := headerAlg.(string)
	switch private := k.private.(type) {
	case *rsa.PrivateKey:
		hash := hashOf(alg)
		digest := sum(hash, input)
		if strings.HasPrefix(alg, "PS") {
			return rsa.SignPSS(rand.Reader, private, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, private, hash, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, sum(hashOf(k.public.Algorithm), input))
		if err != nil {
			return nil, err
		}
		size := (private.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out, nil
	}
	return nil, fmt.Errorf("signing with %T", k.private)
}

// hashOf is the hash of an algorithm by its last digits, SHA-256 where unknown.
func hashOf(alg string) crypto.Hash {
	switch {
	case strings.HasSuffix(alg, "384"):
		return crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		return crypto.SHA512
	}
	return crypto.SHA256
}

func sum(hash crypto.Hash, input string) []byte {
	h := hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}
