// Package awstest is AWS in a process: STS, IAM and S3 behind one listener, for
// tests that keep the real SDK clients and for demonstrations on machines where no
// other server can run. It really fetches the discovery document and key set of an
// issuer, verifies tokens and signatures, evaluates trust policies, and answers
// with AWS's codes and texts.
//
// What it cannot be trusted for is anything that Cases of package conformance does
// not pin down. Its policy evaluator is its own on purpose: a double that shared
// pkg/trustpolicy could only agree with it.
package awstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Generation chooses between the texts that AWS has used for InvalidIdentityToken.
type Generation int

const (
	// Texts2026 is what users report since July 2026: one sentence for a missing
	// provider and for a wrong audience.
	Texts2026 Generation = iota
	// TextsBefore2026 names the missing provider and the wrong audience.
	TextsBefore2026
)

// Options shape a Server. The zero value is one account in partition aws.
type Options struct {
	// Addr is where to listen for both http and https; default 127.0.0.1:0, a free port each.
	Addr, TLSAddr string
	// AccountID is the default account, default 111122223333.
	AccountID string
	// Partition is aws, aws-cn, aws-us-gov or aws-eusc; default aws.
	Partition string
	// Region is the home of requests whose host name tells none; default the
	// partition's first region (us-east-1, cn-north-1, us-gov-west-1, eusc-de-east-1).
	Region string
	// Now is AWS's clock, default time.Now.
	Now func() time.Time
	// Generation chooses the texts of InvalidIdentityToken.
	Generation Generation
	// IssuerClient fetches the documents of issuers; default Server.Client, which
	// reaches this server under the true host names of AWS and nothing else
	// specially. Its transport's TLS roots stand for AWS's CA library.
	IssuerClient *http.Client
	// IssuerTimeout bounds each fetch from an issuer; default 5 s, as re:Post says of AWS.
	IssuerTimeout time.Duration
	// SessionLife, where set, replaces the life of each session asked for, so that
	// a test sees credentials expire: func(time.Duration) time.Duration { return 2 * time.Second }.
	SessionLife func(asked time.Duration) time.Duration
	// KeySetCache is how long a key set is kept; default 0: fetched for each exchange.
	KeySetCache time.Duration
	// ProviderQuota is the number of OIDC providers an account may have; default 100.
	ProviderQuota int
	// PublicAccessLag is how many PutBucketPolicy calls are still refused, and how
	// many anonymous reads, after Block Public Access was relaxed; default 0.
	PublicAccessLag int
	// BucketLag is how many signed calls, but HeadBucket, do not find a new bucket
	// yet; default 0. S3's list and HEAD of buckets agree first:
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
	BucketLag int
	// RoleLag and ProviderLag are how many exchanges do not see a new role or a
	// new provider yet; default 0.
	RoleLag, ProviderLag int
	// Log, where set, gets one line for each request, without secrets.
	Log io.Writer
}

// Server is a running AWS. Its methods may be called from several goroutines.
type Server struct {
	// URL and TLSURL are the base addresses, http and https; every service answers
	// at each, and also by its true host name. URL also works as HTTPS_PROXY, by
	// which unmodified clients reach the true host names.
	URL, TLSURL string
	// CAPEM is the CA of TLSURL and of every AWS host name, for AWS_CA_BUNDLE.
	CAPEM []byte
	// Faults holds what goes wrong on purpose.
	Faults *Faults
	// Account is the default account.
	Account *Account

	opts     Options
	ca       *Authority
	record   *record
	issuers  *issuerDocuments
	mu       sync.Mutex // guards everything below, and what hangs on accounts
	accounts map[string]*Account
	keys     map[string]*accessKey
	buckets  map[string]*bucket

	servers []*http.Server
	tlsPort string
	done    context.CancelFunc
	ctx     context.Context
}

// New starts a Server that stops when the test ends; it fails the test where it
// cannot. At most one Options may be given.
func New(tb testing.TB, options ...Options) *Server {
	tb.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s, err := Start(tb.Context(), o)
	if err != nil {
		tb.Fatalf("starting the AWS double: %v", err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// Start starts a Server; ctx bounds only the start. Close stops it.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	ca, err := NewAuthority()
	if err != nil {
		return nil, fmt.Errorf("starting the AWS double: %w", err)
	}
	s := &Server{
		opts: o, ca: ca, CAPEM: ca.PEM, record: &record{}, accounts: map[string]*Account{},
		keys: map[string]*accessKey{}, buckets: map[string]*bucket{},
	}
	s.Faults = &Faults{now: o.Now}
	s.ctx, s.done = context.WithCancel(context.WithoutCancel(ctx))
	s.Account = s.AddAccount(o.AccountID, o.Partition)
	if err := s.listen(ctx); err != nil {
		s.done()
		return nil, fmt.Errorf("starting the AWS double: %w", err)
	}
	client := o.IssuerClient
	if client == nil {
		client = s.Client()
	}
	s.issuers = &issuerDocuments{client: client, timeout: o.IssuerTimeout, keep: o.KeySetCache, now: s.now}
	return s, nil
}

func (o Options) withDefaults() Options {
	setDefault(&o.Addr, "127.0.0.1:0")
	setDefault(&o.TLSAddr, "127.0.0.1:0")
	setDefault(&o.AccountID, "111122223333")
	setDefault(&o.Partition, "aws")
	setDefault(&o.Region, globalRegion(o.Partition))
	setDefault(&o.IssuerTimeout, 5*time.Second)
	setDefault(&o.ProviderQuota, 100)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// globalRegion is where the partition's IAM is signed for.
func globalRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	case "aws-eusc":
		return "eusc-de-east-1"
	}
	return "us-east-1"
}

func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	plain, err := lc.Listen(ctx, "tcp", s.opts.Addr)
	if err != nil {
		return err
	}
	secure, err := lc.Listen(ctx, "tcp", s.opts.TLSAddr)
	if err != nil {
		_ = plain.Close()
		return err
	}
	s.URL = "http://" + plain.Addr().String()
	s.TLSURL = "https://" + secure.Addr().String()
	s.tlsPort = secure.Addr().String()
	handler := http.HandlerFunc(s.serve)
	for _, l := range []net.Listener{plain, secure} {
		srv := &http.Server{
			Handler: handler, ReadHeaderTimeout: 10 * time.Second,
			BaseContext: func(net.Listener) context.Context { return s.ctx },
			ErrorLog:    quietLog(),
		}
		s.servers = append(s.servers, srv)
		if l == secure {
			srv.TLSConfig = s.ca.ServerConfig()
			go func() { _ = srv.ServeTLS(l, "", "") }()
			continue
		}
		go func() { _ = srv.Serve(l) }()
	}
	return nil
}

// Close stops the server at once; requests that hang are cut off.
func (s *Server) Close() error {
	s.done()
	var errs []error
	for _, srv := range s.servers {
		errs = append(errs, srv.Close())
	}
	return errors.Join(errs...)
}

// Client trusts the server's CA, and leads every AWS host name to it. Other hosts
// are dialled as usual. It holds no cookies and follows redirects.
func (s *Server) Client() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   s.ca.ClientConfig(),
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   30 * time.Second,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(addr); err == nil && isAWSHost(host) {
				addr = s.tlsPort
			}
			return dialer.DialContext(ctx, network, addr)
		},
	}}
}

// Config is an SDK configuration for the default account's administrator that
// reaches this server under the true host names of AWS, with no endpoint override.
func (s *Server) Config() aws.Config { return s.ConfigFor(s.Account.Admin) }

// ConfigFor is Config with other credentials; nil makes the calls anonymous.
func (s *Server) ConfigFor(credentials aws.CredentialsProvider) aws.Config {
	return aws.Config{Region: s.opts.Region, Credentials: credentials, HTTPClient: s.Client()}
}

func (s *Server) now() time.Time { return s.Faults.clock() }

// Requests are all requests so far, in the order in which they were answered.
func (s *Server) Requests() []Request { return s.record.all() }

// ForgetRequests empties the record.
func (s *Server) ForgetRequests() { s.record.reset() }

// isAWSHost reports whether a host name belongs to AWS.
func isAWSHost(host string) bool {
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
