package awsplane

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
)

// The processes behind the front, each named like its socket.
const (
	iamServer    = "iam"    // IAM and STS
	s3Server     = "s3"     // S3 with the region in its name
	globalServer = "global" // S3 at s3.amazonaws.com, over the same buckets
)

const (
	domain     = "amazonaws.com"
	regionalS3 = "s3." + Region + "." + domain
	globalS3   = "s3." + domain
)

// route is the process that serves a host name of AWS.
func route(host string) string {
	host = strings.ToLower(host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	switch {
	case strings.HasPrefix(host, "sts."), strings.HasPrefix(host, "iam."):
		return iamServer
	case host == globalS3, strings.HasSuffix(host, "."+globalS3):
		return globalServer
	}
	return s3Server
}

// sockets is a transport that takes the host of a URL for the name of a socket
// in a folder. Each request has a connection of its own, as the servers close
// theirs after every answer; and an answer counts although the server read no
// more than the headers before it closed, for which net/http's own transport
// may give the error of the body's write.
type sockets string

func (folder sockets) RoundTrip(r *http.Request) (*http.Response, error) {
	connection, err := folder.dial(r.Context(), r.URL.Hostname())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(r.Context(), func() { _ = connection.Close() })
	go func() { _ = r.Write(connection) }() // what ends it before its time ends the answer too, or does not matter
	response, err := http.ReadResponse(bufio.NewReader(connection), r)
	if err != nil {
		stop()
		_ = connection.Close()
		return nil, err
	}
	response.Body = &closing{response.Body, func() error {
		stop()
		return connection.Close()
	}}
	return response, nil
}

// dial connects to the socket called name. A process that is being replaced is
// waited for.
func (folder sockets) dial(ctx context.Context, name string) (net.Conn, error) {
	var dialer net.Dialer
	for deadline := time.Now().Add(5 * time.Second); ; {
		connection, err := dialer.DialContext(ctx, "unix", filepath.Join(string(folder), name+".sock"))
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return connection, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// closing is the body of an answer whose Close ends its connection.
type closing struct {
	io.ReadCloser
	close func() error
}

func (c *closing) Close() error { return errors.Join(c.ReadCloser.Close(), c.close()) }

// newFront is the server of port 443. It speaks HTTP/1.1 only, as these
// services of AWS do.
func newFront(dir string, ca *authority.Authority, log *requestlog.Writer) *http.Server {
	quiet := stdlog.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{
		Transport: sockets(dir),
		ErrorLog:  quiet,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", route(r.In.Host)
			r.Out.Host = r.In.Host // signatures cover it
		},
		ModifyResponse: func(response *http.Response) error {
			if record, ok := response.Request.Context().Value(recordKey{}).(*requestlog.Request); ok {
				record.Status = response.StatusCode
				return log.Write(*record) // before the client can see the answer
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if record, ok := r.Context().Value(recordKey{}).(*requestlog.Request); ok {
				record.Status, record.Error = http.StatusServiceUnavailable, err.Error()
				_ = log.Write(*record)
			}
			http.Error(w, "the server behind did not answer: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := takeBody(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			record := describe(r, body)
			proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), recordKey{}, record)))
		}),
		TLSConfig:         &tls.Config{GetCertificate: ca.Certify(domain), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:          quiet,
		ReadHeaderTimeout: time.Minute,
	}
}

type recordKey struct{}

// largestBody bounds what the front holds of one request, in bytes.
const largestBody = 8 << 20

// takeBody reads the body of r and puts it back, so that all of it has arrived
// before there is an answer: a client whose connection is closed while it still
// sends may not see the answer at all. One that waits for 100 Continue gets it.
func takeBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, largestBody))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	r.Header.Del("Expect")
	return body, nil
}

// describe is the record of a request before it is answered.
func describe(r *http.Request, body []byte) *requestlog.Request {
	query := r.URL.Query()
	record := &requestlog.Request{
		Time: time.Now().UTC(), Remote: r.RemoteAddr, Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(),
		Query: requestlog.Censored(query), Action: query.Get("Action"), UserAgent: r.UserAgent(),
		Signed:  r.Header.Get("Authorization") != "" || query.Has("X-Amz-Signature"),
		Session: r.Header.Get("X-Amz-Security-Token") != "" || query.Has("X-Amz-Security-Token"),
	}
	if route(r.Host) != iamServer || r.Method != http.MethodPost {
		return record
	}
	if form, err := url.ParseQuery(string(body)); err == nil {
		record.Form, record.Action = requestlog.Censored(form), form.Get("Action")
	}
	return record
}
