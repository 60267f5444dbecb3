//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/conformance"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// TestTheServersOfThisWorldAnswerAsTheTableSays runs the cases that the unit tests
// run against the double.
func TestTheServersOfThisWorldAnswerAsTheTableSays(t *testing.T) {
	w := inside.Here(t)
	server := conformance.VersityGW
	if w.Kind == "double" {
		server = conformance.AWS
	}
	ca, err := os.ReadFile(filepath.Join(w.Dir, "aws-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the CA of the world is no certificate")
	}
	admin, err := config.LoadDefaultConfig(t.Context(),
		config.WithSharedCredentialsFiles([]string{w.Admin}), config.WithSharedConfigProfile("admin"))
	if err != nil {
		t.Fatal(err)
	}
	results, err := conformance.Run(t.Context(), conformance.Target{
		Server: server, Admin: admin.Credentials, Bucket: w.SpareBuckets[len(w.SpareBuckets)-1], Now: time.Now,
		Client: &http.Client{Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.Case.Name, func(t *testing.T) {
			if !r.Agrees() {
				t.Errorf("got %+v %s\nwant %+v", r.Got, r.Fault, r.Want)
			}
		})
	}
}
