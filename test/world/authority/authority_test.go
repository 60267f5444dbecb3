package authority

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	a, err := New("test", now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM block")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestServer(t *testing.T) {
	a := newAuthority(t)
	pair, err := a.Server("192.0.2.20", "localhost", "kubernetes.default.svc")
	if err != nil {
		t.Fatal(err)
	}
	certificate := parse(t, pair.Certificate)
	for name, valid := range map[string]bool{
		"192.0.2.20": true, "localhost": true, "kubernetes.default.svc": true, "192.0.2.21": false, "example.com": false,
	} {
		_, err := certificate.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: name, CurrentTime: now})
		if valid != (err == nil) {
			t.Errorf("verifying for %s: %v", name, err)
		}
	}
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: newAuthority(t).Pool(), CurrentTime: now}); err == nil {
		t.Error("another authority vouches for it")
	}
	if _, err := tls.X509KeyPair(pair.Certificate, pair.Key); err != nil {
		t.Error(err)
	}
}

func TestClient(t *testing.T) {
	for name, tc := range map[string]struct {
		until time.Time
		valid bool
	}{
		"a certificate for a day holds":                {now.Add(24 * time.Hour), true},
		"a certificate that ended an hour ago is not":  {now.Add(-time.Hour), false},
		"a certificate that ended a minute ago is not": {now.Add(-time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t)
			pair, err := a.Client("admin", tc.until, "system:masters")
			if err != nil {
				t.Fatal(err)
			}
			certificate := parse(t, pair.Certificate)
			if certificate.Subject.CommonName != "admin" {
				t.Errorf("common name %q", certificate.Subject.CommonName)
			}
			if diff := cmp.Diff([]string{"system:masters"}, certificate.Subject.Organization); diff != "" {
				t.Error(diff)
			}
			_, err = certificate.Verify(x509.VerifyOptions{
				Roots: a.Pool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			if tc.valid != (err == nil) {
				t.Error(err)
			}
		})
	}
}

func TestCertify(t *testing.T) {
	a := newAuthority(t)
	certify := a.Certify("amazonaws.com")
	for name, tc := range map[string]struct {
		host string
		made bool
	}{
		"a service of a region":              {"sts.us-east-1.amazonaws.com", true},
		"a bucket nobody named before":       {"brand-new.s3.us-east-1.amazonaws.com", true},
		"the case of a name does not matter": {"STS.AmazonAWS.com", true},
		"another domain":                     {"example.com", false},
		"a domain that ends alike":           {"evilamazonaws.com", false},
		"no name at all":                     {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			leaf, err := certify(&tls.ClientHelloInfo{ServerName: tc.host})
			if tc.made != (err == nil) {
				t.Fatal(err)
			}
			if !tc.made {
				return
			}
			certificate, err := x509.ParseCertificate(leaf.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := certificate.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: tc.host, CurrentTime: now}); err != nil {
				t.Error(err)
			}
			again, err := certify(&tls.ClientHelloInfo{ServerName: tc.host})
			if err != nil || again != leaf {
				t.Errorf("the second connection has another certificate (%v)", err)
			}
		})
	}
}
