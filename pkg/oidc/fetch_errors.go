package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// StatusError is an answer with a status other than 200 that is no redirect.
type StatusError struct {
	URL    string
	Status int
	Server string // Server header, such as AmazonS3
	Code   string // code of an S3 error document, such as AccessDenied or NoSuchBucket
	HTML   bool   // whether the body is a web page
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("fetching %s: status %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Server != "" {
		text += " from " + e.Server
	}
	return text
}

// Redirect is an answer that points elsewhere. It was not followed.
type Redirect struct {
	URL      string
	Status   int
	Location string // as sent; it may be relative
}

func (e *Redirect) Error() string {
	return fmt.Sprintf("fetching %s: status %d redirects to %s", e.URL, e.Status, e.Location)
}

// HTMLAnswer is a web page with status 200 where a document was asked for.
type HTMLAnswer struct{ URL, Server string }

func (e *HTMLAnswer) Error() string {
	return fmt.Sprintf("fetching %s: the answer is an HTML page, not a document", e.URL)
}

// TooLargeError is a body that went on beyond the limit.
type TooLargeError struct {
	URL   string
	Limit int64 // in bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("fetching %s: the answer is larger than %d bytes", e.URL, e.Limit)
}

// DNSError is a host name that could not be resolved.
type DNSError struct {
	URL, Host string
	NotFound  bool // true where the name does not exist, false where nobody answered
	Err       error
}

func (e *DNSError) Error() string {
	if e.NotFound {
		return fmt.Sprintf("fetching %s: the host %s does not resolve", e.URL, e.Host)
	}
	return fmt.Sprintf("fetching %s: looking up %s: %v", e.URL, e.Host, e.Err)
}

func (e *DNSError) Unwrap() error { return e.Err }

// TLSFault is what is wrong with a TLS connection.
type TLSFault string

// The faults that TLSError tells apart.
const (
	TLSUnknownAuthority TLSFault = "unknown-authority" // the chain leads to no CA that the client trusts
	TLSExpired          TLSFault = "expired"           // a certificate is expired, or not yet valid
	TLSHostname         TLSFault = "hostname"          // the certificate is for other names
	TLSInvalid          TLSFault = "invalid"           // any other fault of a certificate
	TLSHandshake        TLSFault = "handshake"         // versions or ciphers do not meet, or it is no TLS
)

// TLSError is a connection that was refused because of its TLS.
type TLSError struct {
	URL, Host string
	Fault     TLSFault
	// Certificate is the one at fault, nil where the error names none.
	Certificate *x509.Certificate
	Err         error
}

func (e *TLSError) Error() string { return fmt.Sprintf("fetching %s: %v", e.URL, e.Err) }

func (e *TLSError) Unwrap() error { return e.Err }

// TimeoutError is an answer that did not come, or did not end, in time.
type TimeoutError struct {
	URL   string
	Limit time.Duration
	Err   error
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("fetching %s: no complete answer within %s", e.URL, e.Limit)
}

func (e *TimeoutError) Unwrap() error { return e.Err }

// UnreachableError is any other failure to get an answer: a refused or broken
// connection, no route, a proxy that does not answer.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string { return fmt.Sprintf("fetching %s: %v", e.URL, e.Err) }

func (e *UnreachableError) Unwrap() error { return e.Err }

// classify turns an error of net/http into one of the types above. An end that the
// caller's own context brought stays recognizable by errors.Is.
func classify(ctx context.Context, rawURL, host string, limit time.Duration, err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) && strings.EqualFold(strings.TrimSuffix(dns.Name, "."), host) { // not the proxy's
		return &DNSError{URL: rawURL, Host: host, NotFound: dns.IsNotFound, Err: dns}
	}
	if fault, cert, cause := tlsFault(err); fault != "" {
		return &TLSError{URL: rawURL, Host: host, Fault: fault, Certificate: cert, Err: cause}
	}
	var timeout net.Error
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()) {
		return &TimeoutError{URL: rawURL, Limit: limit, Err: context.DeadlineExceeded}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("fetching %s: %w", rawURL, ctx.Err())
	}
	return &UnreachableError{URL: rawURL, Err: innermost(err)}
}

func tlsFault(err error) (TLSFault, *x509.Certificate, error) {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &authority):
		return TLSUnknownAuthority, authority.Cert, authority
	case errors.As(err, &hostname):
		return TLSHostname, hostname.Certificate, hostname
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return TLSExpired, invalid.Cert, invalid
	case errors.As(err, &invalid):
		return TLSInvalid, invalid.Cert, invalid
	case errors.As(err, &verify):
		return TLSInvalid, firstOf(verify.UnverifiedCertificates), verify.Err
	case errors.As(err, &record), errors.As(err, &alert), strings.Contains(err.Error(), "tls: "):
		return TLSHandshake, nil, innermost(err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return TLSHandshake, nil, errors.New("the server speaks http, not https")
	}
	return "", nil, nil
}

func firstOf(certs []*x509.Certificate) *x509.Certificate {
	if len(certs) == 0 {
		return nil
	}
	return certs[0]
}

// innermost drops net/http's wrapping, which repeats method and URL, down to what
// happened to the connection where that is known.
func innermost(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
