package issuer

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// Whoever waited for a connection in vain does not wait for another one.
func TestAnAPIServerThatIsSilentIsAskedOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var asked atomic.Int32
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
			asked.Add(1) // and no word of TLS
		}
	}()
	core, err := corev1client.NewForConfig(&rest.Config{Host: "https://" + listener.Addr().String(), Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), core.RESTClient()); err == nil || asked.Load() != 1 {
		t.Errorf("got %v after %d connections", err, asked.Load())
	}
}
