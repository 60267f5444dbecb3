// Package authority makes the certificates of a world: its authorities, the
// certificates of its servers and those of its users.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"
)

// An Authority signs certificates with an ECDSA P-256 key that never leaves
// the program.
type Authority struct {
	// PEM is its own certificate, what those who trust it are given.
	PEM []byte

	certificate *x509.Certificate
	key         crypto.Signer
	now         time.Time

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// A Pair is a certificate and its private key, both PEM.
type Pair struct{ Certificate, Key []byte }

// New makes an authority of the given common name. Everything it signs is valid
// from an hour before now for 30 days unless said otherwise.
func New(name string, now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of authority %q: %w", name, err)
	}
	a := &Authority{key: key, now: now, leaves: map[string]*tls.Certificate{}}
	template := a.template(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate of authority %q: %w", name, err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("reading back the certificate of authority %q: %w", name, err)
	}
	a.PEM = encode("CERTIFICATE", der)
	return a, nil
}

// Pool holds the authority alone, for those who trust nobody else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Server makes the certificate of a server. Each of hosts, one at least, is a
// DNS name or an IP address; the first is its common name too.
func (a *Authority) Server(hosts ...string) (Pair, error) {
	template := a.template(hosts[0])
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(template)
}

// Client makes the certificate of a Kubernetes user: the name is its common
// name, the groups its organizations. It is valid until the given time, which
// may be past.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
func (a *Authority) Client(user string, until time.Time, groups ...string) (Pair, error) {
	template := a.template(user)
	template.Subject.Organization = groups
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	template.NotAfter = until
	if !until.After(template.NotBefore) {
		template.NotBefore = until.Add(-time.Hour)
	}
	return a.sign(template)
}

// Certify is a tls.Config.GetCertificate that makes a certificate for whatever
// name under domain the client asks for, so that a bucket made a moment ago has
// one. Other names, and connections that name none, are refused.
func (a *Authority) Certify(domain string) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := strings.ToLower(hello.ServerName)
		if name != domain && !strings.HasSuffix(name, "."+domain) {
			return nil, fmt.Errorf("no certificate for %q: it is not under %s", name, domain)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if leaf := a.leaves[name]; leaf != nil {
			return leaf, nil
		}
		pair, err := a.Server(name)
		if err != nil {
			return nil, err
		}
		leaf, err := tls.X509KeyPair(pair.Certificate, pair.Key)
		if err != nil {
			return nil, fmt.Errorf("reading back the certificate for %q: %w", name, err)
		}
		a.leaves[name] = &leaf
		return &leaf, nil
	}
}

func (a *Authority) template(name string) *x509.Certificate {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // crypto/rand: never fails
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    a.now.Add(-time.Hour),
		NotAfter:     a.now.Add(30 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func (a *Authority) sign(template *x509.Certificate) (Pair, error) {
	name := template.Subject.CommonName
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("making the key of %q: %w", name, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("signing the certificate of %q: %w", name, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("writing the key of %q: %w", name, err)
	}
	return Pair{Certificate: encode("CERTIFICATE", der), Key: encode("PRIVATE KEY", pkcs8)}, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
