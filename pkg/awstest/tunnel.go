package awstest

import (
	"io"
	"net"
	"net/http"
)

// tunnel serves CONNECT for AWS host names and leads them to the TLS listener, so
// that HTTPS_PROXY=Server.URL gives any program the true host names. Other hosts
// are refused: nothing of a test should leave the machine.
func (s *Server) tunnel(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil || !isAWSHost(host) {
		http.Error(w, "the AWS double leads only to AWS host names", http.StatusForbidden)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no tunnel over HTTP/2", http.StatusNotImplemented)
		return
	}
	var dialer net.Dialer
	far, err := dialer.DialContext(s.ctx, "tcp", s.tlsPort)
	if err != nil {
		http.Error(w, "the AWS double is closing", http.StatusBadGateway)
		return
	}
	near, buffered, err := hijacker.Hijack()
	if err != nil {
		_ = far.Close()
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	stop := func() { _ = near.Close(); _ = far.Close() }
	go func() { <-s.ctx.Done(); stop() }()
	go func() { _, _ = io.Copy(far, buffered); stop() }()
	go func() { _, _ = io.Copy(near, far); stop() }()
}
