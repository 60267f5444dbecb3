package awsapi

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// TestASilentSTSIsGivenUp looks at each way to be silent: before the handshake,
// and after the request.
func TestASilentSTSIsGivenUp(t *testing.T) {
	const patience = 200 * time.Millisecond
	done := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(mute.Close)
	t.Cleanup(func() { close(done) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for name, endpoint := range map[string]string{
		"it takes the request": mute.URL, "it takes the connection": "https://" + listener.Addr().String(),
	} {
		for ahead, open := range map[string]bool{" that was opened ahead": true, "": false} {
			t.Run(name+ahead, func(t *testing.T) {
				client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: endpoint, Patience: patience})
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				if open {
					client.Preconnect(t.Context())
				}
				err = (&answering{}).call(t, client) // which never returns by itself
				if silence, ok := errors.AsType[*Silence](err); !ok || Brief(err).Error() != client.Endpoint.Host+" did not answer within 200ms" {
					t.Errorf("error %v, %v", silence, err)
				}
			})
		}
	}
}

// What looks into IAM and S3 or changes them does not wait longer than a login.
func TestTheClientsOfAnAdministratorNameWhoDidNotAnswer(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	admin, err := NewAdmin(t.Context(), AdminOptions{Files: Files{Config: os.DevNull, Credentials: os.DevNull}})
	if err != nil {
		t.Fatal(err)
	}
	options := admin.IAM.Options()
	client, ok := options.HTTPClient.(patient)
	if !ok || client.patience != defaultPatience {
		t.Fatalf("it waits as long as %#v", options.HTTPClient)
	}
	buildable, ok := client.HTTPClient.(*awshttp.BuildableClient)
	if !ok || buildable.GetTimeout() != defaultPatience {
		t.Fatalf("what gives up is %#v", client.HTTPClient)
	}
	done := make(chan struct{})
	asked := 0
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++; <-done }))
	defer mute.Close()
	defer close(done)
	const patience = 100 * time.Millisecond
	_, err = admin.IAM.ListRoles(t.Context(), nil, func(o *iam.Options) {
		o.BaseEndpoint, o.HTTPClient = &mute.URL, patient{buildable.WithTimeout(patience), patience}
	})
	host := strings.TrimPrefix(mute.URL, "http://")
	if text := Brief(err).Error(); text != host+" did not answer within 100ms" || asked != 1 {
		t.Errorf("asked %d times: %s", asked, text)
	}
}
