// Package kubetest is a small Kubernetes API server in a process, for tests that
// keep the real client-go: TLS, HTTP/2, JSON and protobuf bodies, ServiceAccounts
// and their tokens, discovery of the issuer, and a few other kinds as plain
// objects. Tokens are signed by an awstest.Issuer, so that an awstest.Server
// accepts them once the issuer's documents are public.
//
// Texts and statuses are those of kube-apiserver v1.37. There are no controllers,
// no admission beyond namespaces, no watches, and RBAC is a list of grants.
package kubetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

// Options shape a Server. The zero value is a cluster whose issuer is its own URL.
type Options struct {
	// Addr is where to listen; default 127.0.0.1:0, a free port.
	Addr string
	// Issuer signs tokens; default an RSA issuer whose URL is the server's.
	Issuer *awstest.Issuer
	// JWKSURI is what the served discovery document names; default the server's
	// own, as without --service-account-jwks-uri.
	JWKSURI string
	// APIAudiences are the audiences of a token for which none were asked; default
	// the issuer's URL.
	APIAudiences []string
	// MaxTokenSeconds is --service-account-max-token-expiration; 0 means none.
	MaxTokenSeconds int64
	// PublicDiscovery lets anybody read the issuer's documents.
	PublicDiscovery bool
	// Now is the cluster's clock, default that of the issuer.
	Now func() time.Time
}

// Server is a running API server. Its methods may be called from several goroutines.
type Server struct {
	// URL is https://127.0.0.1:PORT; CAPEM is the CA of its certificate.
	URL   string
	CAPEM []byte
	// Issuer signs the tokens.
	Issuer *awstest.Issuer
	// Faults is what goes wrong on purpose.
	Faults *Faults

	opts   Options
	http   *http.Server
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex // guards what follows
	users    map[string]*user
	objects  map[string]map[objectKey]object // by resource
	version  int
	requests []Request
}

// New starts a Server that stops when the test ends; it fails the test where it
// cannot. At most one Options may be given. Namespace default exists.
func New(tb testing.TB, options ...Options) *Server {
	tb.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s, err := Start(tb.Context(), o)
	if err != nil {
		tb.Fatalf("starting the API server double: %v", err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// Start starts a Server; ctx bounds only the start. Close stops it.
func Start(ctx context.Context, o Options) (*Server, error) {
	ca, err := awstest.NewAuthority()
	if err != nil {
		return nil, fmt.Errorf("starting the API server double: %w", err)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("starting the API server double: %w", err)
	}
	s := &Server{
		URL: "https://" + listener.Addr().String(), CAPEM: ca.PEM, Faults: &Faults{},
		users: map[string]*user{}, objects: map[string]map[objectKey]object{},
	}
	if err := s.complete(o); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("starting the API server double: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, TLSConfig: ca.ServerConfig(),
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(io.Discard, "", 0),
	}
	go func() { _ = s.http.ServeTLS(listener, "", "") }()
	return s, nil
}

func (s *Server) complete(o Options) error {
	if o.Issuer == nil {
		issuer, err := awstest.NewIssuer(s.URL, "RSA")
		if err != nil {
			return err
		}
		o.Issuer = issuer
	}
	if o.JWKSURI == "" {
		o.JWKSURI = s.URL + "/openid/v1/jwks"
	}
	if o.APIAudiences == nil {
		o.APIAudiences = []string{o.Issuer.URL}
	}
	if o.Now == nil {
		o.Now = o.Issuer.Now
	}
	s.opts, s.Issuer = o, o.Issuer
	s.users[adminToken] = &user{name: "kubernetes-admin", groups: []string{"system:masters"}, admin: true}
	s.AddNamespace("default")
	return nil
}

// Close stops the server at once; requests that hang are cut off.
func (s *Server) Close() error {
	s.cancel()
	if err := s.http.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stopping the API server double: %w", err)
	}
	return nil
}

// RESTConfig is a client configuration for the administrator.
func (s *Server) RESTConfig() *rest.Config {
	return &rest.Config{
		Host: s.URL, BearerToken: adminToken, TLSClientConfig: rest.TLSClientConfig{CAData: s.CAPEM},
		QPS: -1,
	}
}

// Request is what the server remembers of one request. Bodies and credentials are
// not kept.
type Request struct {
	Verb        string // get, list, create, update, patch, delete, or the method in lower case
	Resource    string // such as serviceaccounts/token; empty for other paths
	Namespace   string
	Name        string
	Path        string // with the query string
	Proto       string // HTTP/1.1 or HTTP/2.0
	User        string // who asked, impersonation included
	UserAgent   string
	ContentType string // of the request
	Accept      string
	Status      int // of the answer; 0 where none was given
}

// String is verb, resource and name, such as "create serviceaccounts/token shop/cart".
func (r Request) String() string {
	if r.Resource == "" {
		return r.Verb + " " + r.Path
	}
	return strings.TrimSpace(r.Verb + " " + r.Resource + " " + strings.Trim(r.Namespace+"/"+r.Name, "/"))
}

// Requests are all requests so far, in the order in which they were answered.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// ForgetRequests empties the record.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
