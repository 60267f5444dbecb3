package awsapi

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
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
