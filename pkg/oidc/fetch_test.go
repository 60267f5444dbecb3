package oidc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// quick are limits that a test can wait for.
var quick = oidc.Limits{MaxBytes: 1000, Timeout: 5 * time.Second}

func answering(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *http.Client) {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are meant
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, srv.Client()
}

func TestADocumentComesWithWhatItsServerSaysAboutIt(t *testing.T) {
	var asked *http.Request
	srv, client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Server", "AmazonS3")
		h.Set("Cache-Control", "max-age=60")
		h.Set("Age", "17")
		h.Set("ETag", `"abc"`)
		h.Set("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
		h.Set("Last-Modified", "Mon, 23 Nov 2026 09:00:00 GMT")
		_, _ = w.Write([]byte(`{}`))
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(srv.URL)
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "mine"}})
	client.Jar = jar
	got, err := oidc.Fetch(t.Context(), client, srv.URL+"/x", quick)
	if err != nil {
		t.Fatal(err)
	}
	want := &oidc.Document{
		URL: srv.URL + "/x", Status: 200, ContentType: "application/json", Server: "AmazonS3", CacheControl: "max-age=60",
		ETag: `"abc"`, Age: 17 * time.Second, Date: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		LastModified: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Body: []byte("{}"),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(oidc.Document{}, "Certificates")); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if len(got.Certificates) == 0 || !got.Certificates[0].Equal(srv.Certificate()) {
		t.Error("the chain of the server is not in the document")
	}
	if asked.Header.Get("Cookie") != "" || asked.Header.Get("Authorization") != "" || asked.Header.Get("Accept") != "*/*" {
		t.Errorf("asked with %v", asked.Header)
	}
}

func TestRefusedAnswersCanBeToldApart(t *testing.T) {
	s3 := func(status int, code string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "AmazonS3")
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>m</Message></Error>"))
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		want    func(url string) error
		text    string
	}{
		"a private bucket": {s3(403, "AccessDenied"), func(u string) error {
			return &oidc.StatusError{URL: u, Status: 403, Server: "AmazonS3", Code: "AccessDenied"}
		}, "status 403 Forbidden (AccessDenied) from AmazonS3"},
		"a bucket that does not exist": {s3(404, "NoSuchBucket"), func(u string) error {
			return &oidc.StatusError{URL: u, Status: 404, Server: "AmazonS3", Code: "NoSuchBucket"}
		}, "status 404 Not Found (NoSuchBucket) from AmazonS3"},
		"a firewall's page": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("\n\n<HTML><body>blocked</body></HTML>"))
		}, func(u string) error { return &oidc.StatusError{URL: u, Status: 403, HTML: true} }, "status 403 Forbidden"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
			func(u string) error { return &oidc.Redirect{URL: u, Status: 307, Location: "/elsewhere"} }, "redirects to /elsewhere"},
		"a page in place of a document": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "nginx")
			_, _ = w.Write([]byte("<!doctype html><p>It works!"))
		}, func(u string) error { return &oidc.HTMLAnswer{URL: u, Server: "nginx"} }, "the answer is an HTML page"},
		"more than the limit": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 1001)) },
			func(u string) error { return &oidc.TooLargeError{URL: u, Limit: 1000} }, "larger than 1000 bytes"},
		"no content": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			func(u string) error { return &oidc.StatusError{URL: u, Status: 204} }, "status 204"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			srv, client := answering(t, tc.handler)
			doc, err := oidc.Fetch(t.Context(), client, srv.URL, quick)
			if diff := cmp.Diff(tc.want(srv.URL), err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if doc == nil || err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("document %v, error %v, want %q", doc, err, tc.text)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var paths []string
	srv, client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "/next", http.StatusMovedPermanently)
	})
	_, _ = oidc.Fetch(t.Context(), client, srv.URL+"/first", quick)
	if diff := cmp.Diff([]string{"/first"}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestABodyThatNeverEndsIsCutAtTheLimit(t *testing.T) {
	srv, client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 4096)); err != nil {
				return
			}
		}
	})
	doc, err := oidc.Fetch(t.Context(), client, srv.URL, quick)
	var large *oidc.TooLargeError
	if !errors.As(err, &large) || len(doc.Body) != 1000 {
		t.Errorf("got %v", err)
	}
}

func TestAnAnswerThatDoesNotComeIsATimeout(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nothing at all": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half a body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"iss`))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv, client := answering(t, handler)
			_, err := oidc.Fetch(t.Context(), client, srv.URL, oidc.Limits{Timeout: 150 * time.Millisecond})
			var timeout *oidc.TimeoutError
			if !errors.As(err, &timeout) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

func TestAnEndByTheCallerIsNoTimeout(t *testing.T) {
	srv, client := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := oidc.Fetch(ctx, client, srv.URL, quick)
	var timeout *oidc.TimeoutError
	if !errors.Is(err, context.Canceled) || errors.As(err, &timeout) {
		t.Errorf("got %T %v", err, err)
	}
}

func TestFaultsBelowHTTPCanBeToldApart(t *testing.T) {
	srv, client := answering(t, func(http.ResponseWriter, *http.Request) {})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	transport := func(change func(*http.Transport)) *http.Client {
		tr := client.Transport.(*http.Transport).Clone()
		change(tr)
		return &http.Client{Transport: tr}
	}
	named := transport(func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
		}
	})
	dns := func(notFound bool) *http.Client {
		return transport(func(tr *http.Transport) {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "gone.example", IsNotFound: notFound, IsTimeout: !notFound}}
			}
		})
	}
	unknown := transport(func(tr *http.Transport) {
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	})
	later := transport(func(tr *http.Transport) {
		tr.TLSClientConfig.Time = func() time.Time { return time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC) }
	})
	type fault struct {
		Kind  string
		Fault oidc.TLSFault
	}
	for name, tc := range map[string]struct {
		client *http.Client
		url    string
		want   fault
	}{
		"a host that does not exist":    {dns(true), "https://gone.example", fault{"dns, not found", ""}},
		"a resolver that is silent":     {dns(false), "https://gone.example", fault{"dns", ""}},
		"a proxy that does not exist":   {dns(true), "https://there.example", fault{"unreachable", ""}},
		"a CA that nobody knows":        {unknown, srv.URL, fault{"tls", oidc.TLSUnknownAuthority}},
		"a certificate that is expired": {later, srv.URL, fault{"tls", oidc.TLSExpired}},
		"a certificate of another name": {named, "https://other.test", fault{"tls", oidc.TLSHostname}},
		"http where https is expected":  {client, "https://" + plain.Listener.Addr().String(), fault{"tls", oidc.TLSHandshake}},
		"nobody listens":                {client, "https://127.0.0.1:1", fault{"unreachable", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := oidc.Fetch(t.Context(), tc.client, tc.url, quick)
			var got fault
			var dnsErr *oidc.DNSError
			var tlsErr *oidc.TLSError
			var unreachable *oidc.UnreachableError
			switch {
			case errors.As(err, &dnsErr) && dnsErr.NotFound:
				got.Kind = "dns, not found"
			case errors.As(err, &dnsErr):
				got.Kind = "dns"
			case errors.As(err, &tlsErr):
				got = fault{"tls", tlsErr.Fault}
			case errors.As(err, &unreachable):
				got.Kind = "unreachable"
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || doc != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if n := strings.Count(err.Error(), tc.url); n != 1 {
				t.Errorf("the error names the URL %d times: %v", n, err)
			}
		})
	}
}

func TestSomeURLsAreNotFetched(t *testing.T) {
	for name, tc := range map[string]struct{ url, want string }{
		"a password":       {"https://me:secret@x.example/", "fetching https://me:xxxxx@x.example/: a URL with a user name is not fetched"},
		"a file":           {"file:///etc/passwd", `fetching "file:///etc/passwd": it is neither https nor http`},
		"no host":          {"https:///path", `fetching "https:///path": it names no host`},
		"a broken escape":  {"https://me:secret@x/%zz", "fetching a document: its URL cannot be read"},
		"an internal name": {"kubernetes/serviceaccount", `fetching "kubernetes/serviceaccount": it is neither https nor http`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oidc.Fetch(t.Context(), nil, tc.url, quick)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}
