package awsplane

import (
	"bytes"
	"context"
	"crypto/tls"
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

// dialSockets is a transport that takes the host of a URL for the name of a
// socket in dir. A process that is being replaced is waited for.
func dialSockets(dir string) *http.Transport {
	return &http.Transport{
		DisableCompression: true, // the client's Accept-Encoding stands
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			name, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			var dialer net.Dialer
			for deadline := time.Now().Add(5 * time.Second); ; {
				connection, err := dialer.DialContext(ctx, "unix", filepath.Join(dir, name+".sock"))
				if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
					return connection, err
				}
				time.Sleep(20 * time.Millisecond)
			}
		},
	}
}

// newFront is the server of port 443. It speaks HTTP/1.1 only, as these
// services of AWS do.
func newFront(dir string, ca *authority.Authority, log *requestlog.Writer) *http.Server {
	quiet := stdlog.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{
		Transport: dialSockets(dir),
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
				record.Status = http.StatusServiceUnavailable
				_ = log.Write(*record)
			}
			http.Error(w, "the server behind is not up: "+err.Error(), http.StatusServiceUnavailable)
		},
	}
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			record, err := describe(r)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), recordKey{}, record)))
		}),
		TLSConfig:         &tls.Config{GetCertificate: ca.Certify(domain), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:          quiet,
		ReadHeaderTimeout: time.Minute,
	}
}

type recordKey struct{}

// describe is the record of a request before it is answered. The body of a form
// is read and put back.
func describe(r *http.Request) (*requestlog.Request, error) {
	query := r.URL.Query()
	record := &requestlog.Request{
		Time: time.Now().UTC(), Remote: r.RemoteAddr, Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(),
		Query: requestlog.Censored(query), Action: query.Get("Action"), UserAgent: r.UserAgent(),
		Signed:  r.Header.Get("Authorization") != "" || query.Has("X-Amz-Signature"),
		Session: r.Header.Get("X-Amz-Security-Token") != "" || query.Has("X-Amz-Security-Token"),
	}
	if route(r.Host) != iamServer || r.Method != http.MethodPost {
		return record, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return record, nil
	}
	record.Form, record.Action = requestlog.Censored(form), form.Get("Action")
	return record, nil
}
