package awsapi

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// preconnection is a transport whose first connection can be opened before
// there is a request to send on it. net/http has no call for that, so the
// transport's dial functions hand out a connection that is already under way.
type preconnection struct {
	transport        *http.Transport
	dialTCP, dialTLS dialFunc

	mu      sync.Mutex
	waiting map[string]*dialling // by host:port
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

type dialling struct {
	done chan struct{}
	conn net.Conn
	err  error
}

// newPreconnection takes transport over; it must have a DialContext. A connection
// gets patience to open, TLS and all.
func newPreconnection(transport *http.Transport, patience time.Duration) *preconnection {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if transport.TLSClientConfig != nil {
		config = transport.TLSClientConfig.Clone() // net/http changes its own at the first request
	}
	p := &preconnection{transport: transport, dialTCP: transport.DialContext, waiting: map[string]*dialling{}}
	p.dialTLS = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		raw, err := p.dialTCP(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return handshake(ctx, raw, addr, config)
	}
	transport.DialContext = p.orTake(p.dialTCP)
	transport.DialTLSContext = p.orTake(p.dialTLS)
	return p
}

func handshake(ctx context.Context, raw net.Conn, addr string, config *tls.Config) (net.Conn, error) {
	config = config.Clone()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		config.ServerName = host
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

// open starts to connect to u and returns at once. Behind a proxy nothing is
// opened ahead: what comes first there is the proxy's business.
func (p *preconnection) open(ctx context.Context, u *url.URL) {
	if p.transport.Proxy != nil {
		proxy, err := p.transport.Proxy(&http.Request{URL: u})
		if err != nil || proxy != nil {
			return
		}
	}
	addr, dial := address(u), p.dialTCP
	if u.Scheme == "https" {
		dial = p.dialTLS
	}
	d := &dialling{done: make(chan struct{})}
	p.mu.Lock()
	p.waiting[addr] = d
	p.mu.Unlock()
	go func() {
		defer close(d.done)
		d.conn, d.err = dial(ctx, "tcp", addr)
	}()
}

// orTake gives the connection that is under way to an address, once, and
// dials where there is none.
func (p *preconnection) orTake(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		p.mu.Lock()
		d := p.waiting[addr]
		delete(p.waiting, addr)
		p.mu.Unlock()
		if d == nil {
			return dial(ctx, network, addr)
		}
		select {
		case <-d.done:
			return d.conn, d.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// close drops the idle connections and the one that nobody took.
func (p *preconnection) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for addr, d := range p.waiting {
		delete(p.waiting, addr)
		go func() {
			if <-d.done; d.conn != nil {
				_ = d.conn.Close()
			}
		}()
	}
	p.transport.CloseIdleConnections()
}

func address(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}
