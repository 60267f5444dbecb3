package oidc

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits bound one Fetch. The zero value means the defaults.
type Limits struct {
	MaxBytes int64         // largest body, in bytes after decompression; default 1 MiB
	Timeout  time.Duration // for the whole fetch, the last byte included; default 10 s
}

// The limits that a zero value of Limits stands for.
const (
	DefaultMaxBytes = 1 << 20
	DefaultTimeout  = 10 * time.Second
)

func (l Limits) orDefault() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.Timeout <= 0 {
		l.Timeout = DefaultTimeout
	}
	return l
}

// Document is an answer to an anonymous GET, good or bad.
type Document struct {
	URL          string // what was asked for
	Status       int    // HTTP status of the only answer; redirects are not followed
	ContentType  string // Content-Type as sent
	Server       string // Server as sent, such as AmazonS3
	CacheControl string // Cache-Control as sent
	ETag         string // ETag as sent, quotes included
	// Age is how long a cache in between has held the answer (RFC 9111, section
	// 5.1); zero where no cache says so.
	Age time.Duration
	// Date is the clock of the server, zero where it sent none that can be read.
	Date time.Time
	// LastModified is when the document was last written, zero where unknown.
	LastModified time.Time
	// Certificates is the chain that the server presented, leaf first; nil over http.
	Certificates []*x509.Certificate
	// HTML is true where the body is a web page, whatever its content type.
	HTML bool
	// Body is the whole body, or its beginning where the answer is an error.
	Body []byte
}

// Fetch gets a document as a stranger would: no cookies, no credentials, no
// redirects followed, within limits. The client brings proxy, CA certificates and
// dialer; nil means http.DefaultClient. Its own redirect policy, cookie jar and
// timeout are not used.
//
// An answer that is not 200 is an error that errors.As can tell apart: *StatusError
// and *Redirect, *HTMLAnswer for a page instead of a document, *TooLargeError; and
// without an answer *DNSError, *TLSError, *TimeoutError, *UnreachableError. The
// Document is not nil whenever an answer came, also beside an error.
func Fetch(ctx context.Context, client *http.Client, rawURL string, limits Limits) (*Document, error) {
	limits = limits.orDefault()
	target, err := checkURL(rawURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", rawURL, err)
	}
	// A kube-apiserver answers 406 for its key set where only application/json
	// is accepted; Go sends no Accept at all unless told to.
	req.Header.Set("Accept", "*/*")
	resp, err := stranger(client).Do(req)
	if err != nil {
		return nil, classify(ctx, rawURL, target.Hostname(), limits.Timeout, err)
	}
	defer func() { _ = resp.Body.Close() }()
	doc := describe(rawURL, resp)
	body, err := io.ReadAll(io.LimitReader(resp.Body, limits.MaxBytes+1))
	doc.Body = body
	doc.HTML = strings.HasPrefix(doc.ContentType, "text/html") || LooksLikeHTML(body)
	if int64(len(body)) > limits.MaxBytes {
		doc.Body = body[:limits.MaxBytes]
		return doc, &TooLargeError{URL: rawURL, Limit: limits.MaxBytes}
	}
	if err == nil {
		// A server that sees the client go may end its body in good order before
		// the connection is closed: half a document would look whole.
		err = ctx.Err()
	}
	if err != nil {
		return doc, classify(ctx, rawURL, target.Hostname(), limits.Timeout, err)
	}
	return doc, doc.verdict(resp.Header.Get("Location"))
}

// stranger is the client without anything that would identify or lead it on.
func stranger(client *http.Client) *http.Client {
	if client == nil {
		client = http.DefaultClient
	}
	return &http.Client{
		Transport:     client.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func checkURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// url.Error repeats the URL, which may hold a password.
		return nil, errors.New("fetching a document: its URL cannot be read")
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("fetching %s: a URL with a user name is not fetched", u.Redacted())
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("fetching %q: it is neither https nor http", rawURL)
	case u.Hostname() == "":
		return nil, fmt.Errorf("fetching %q: it names no host", rawURL)
	}
	return u, nil
}

func describe(rawURL string, resp *http.Response) *Document {
	h := resp.Header
	doc := &Document{
		URL: rawURL, Status: resp.StatusCode, ContentType: h.Get("Content-Type"), Server: h.Get("Server"),
		CacheControl: h.Get("Cache-Control"), ETag: h.Get("ETag"),
	}
	if seconds, err := strconv.ParseInt(h.Get("Age"), 10, 32); err == nil && seconds > 0 {
		doc.Age = time.Duration(seconds) * time.Second
	}
	doc.Date, _ = http.ParseTime(h.Get("Date"))
	doc.LastModified, _ = http.ParseTime(h.Get("Last-Modified"))
	if resp.TLS != nil {
		doc.Certificates = resp.TLS.PeerCertificates
	}
	return doc
}

func (d *Document) verdict(location string) error {
	switch {
	case d.Status >= 300 && d.Status < 400 && location != "":
		return &Redirect{URL: d.URL, Status: d.Status, Location: location}
	case d.Status != http.StatusOK:
		return &StatusError{
			URL: d.URL, Status: d.Status, Server: d.Server, HTML: d.HTML, Code: s3Code(d.Body),
		}
	case d.HTML:
		return &HTMLAnswer{URL: d.URL, Server: d.Server}
	}
	return nil
}

// LooksLikeHTML reports whether a body begins like a web page.
func LooksLikeHTML(body []byte) bool {
	start := bytes.ToLower(bytes.TrimLeft(body[:min(len(body), 512)], "\ufeff \t\r\n"))
	for _, prefix := range []string{"<!doctype html", "<html", "<head", "<body", "<!--"} {
		if bytes.HasPrefix(start, []byte(prefix)) {
			return true
		}
	}
	return false
}

// s3Code is the code of an S3 error document, such as AccessDenied or NoSuchBucket.
func s3Code(body []byte) string {
	head := string(body[:min(len(body), 2048)])
	if !strings.Contains(head, "<Error") {
		return ""
	}
	_, after, ok := strings.Cut(head, "<Code>")
	if !ok {
		return ""
	}
	code, _, ok := strings.Cut(after, "</Code>")
	if !ok || len(code) > 64 {
		return ""
	}
	return code
}
