package main

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// An API server that takes connections and never shakes hands is waited for once:
// there is nobody to ask for the ServiceAccount.
func TestASilentAPIServerIsAskedOnce(t *testing.T) {
	s := newStand(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var taken atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	_, errOut, err := s.run(t.Context(), "login", "cart", "--server=https://"+listener.Addr().String(), "--request-timeout=300ms")
	if err == nil || !strings.Contains(errOut, "hint: the API server did not answer in time") {
		t.Errorf("%v: %s", err, errOut)
	}
	if got := taken.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}
