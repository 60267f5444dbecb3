package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// stranger is a client that knows nobody: no credentials, no cookies, and the
// proxy and certificate authorities of this machine. Those of AWS_CA_BUNDLE come beside
// them: the SDKs trust them alone, for AWS's endpoints, and an issuer may be anywhere.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
func (f *Factory) stranger() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if path := f.Getenv("AWS_CA_BUNDLE"); path != "" {
		bundle, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(bundle)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}, nil
}
