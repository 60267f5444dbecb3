package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// Kinds of signing key: RS256 with 2048 bits, and ES256.
const (
	RSA   = "rsa"
	ECDSA = "ecdsa"
)

// A keyring is the signing keys of an API server, files of a directory. The
// last one signs; the others still count for tokens signed before.
type keyring struct {
	dir   string
	names []string
	made  int
}

// add makes a key that signs from now on.
func (k *keyring) add(kind string) error {
	var key, public any
	switch kind {
	case RSA:
		made, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return fmt.Errorf("making a signing key: %w", err)
		}
		key, public = made, made.Public()
	case ECDSA:
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return fmt.Errorf("making a signing key: %w", err)
		}
		key, public = made, made.Public()
	default:
		return fmt.Errorf("unknown kind of signing key %q: use %s or %s", kind, RSA, ECDSA)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("writing a signing key: %w", err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("writing a signing key: %w", err)
	}
	k.made++
	name := fmt.Sprintf("sa-%d", k.made)
	for file, block := range map[string]*pem.Block{
		name + ".key": {Type: "PRIVATE KEY", Bytes: private},
		name + ".pub": {Type: "PUBLIC KEY", Bytes: pkix},
	} {
		if err := os.WriteFile(filepath.Join(k.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			return fmt.Errorf("writing a signing key: %w", err)
		}
	}
	k.names = append(k.names, name)
	return nil
}

// flags name the keys to the API server, which lists them in its key set in
// the order of its flags: the one that signs first.
func (k *keyring) flags() []string {
	last := len(k.names) - 1
	flags := []string{"--service-account-signing-key-file=" + filepath.Join(k.dir, k.names[last]+".key")}
	for i := last; i >= 0; i-- {
		flags = append(flags, "--service-account-key-file="+filepath.Join(k.dir, k.names[i]+".pub"))
	}
	return flags
}
