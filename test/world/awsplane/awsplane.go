// Package awsplane runs a real IAM, STS and S3 server, VersityGW, at the true
// names of AWS.
//
// VersityGW's processes listen on unix sockets; a front of ours holds port 443,
// ends TLS, hands each request to the process that serves its host, and records
// it. So a server can be replaced by a fresh one while clients go on, and a
// bucket made a moment ago has a certificate.
package awsplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/process"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
)

// Account is the number of the one account that VersityGW has.
const Account = "000000000000"

// Region is the one region that it signs and listens for.
const Region = "us-east-1"

// health is the path at which each process says that it is up.
const health = "/healthz"

// A Config says how to run the servers.
type Config struct {
	Dir       string // of their data and sockets; exists; short, a socket's path holds 108 bytes
	Logs      string // directory of the servers' logs; exists
	VersityGW string // the program
	Address   string // to listen at, port 443
	AccessKey string // of the account's root
	SecretKey string
	Env       []string // of the servers; has SSL_CERT_FILE for the issuers they fetch
}

// A Plane is a running set of servers.
type Plane struct {
	config   Config
	launcher *process.Launcher
	front    *http.Server
	servers  []*process.Server
}

// Start listens at port 443 for every name under amazonaws.com, records in log,
// and returns when all servers are up.
func Start(ctx context.Context, config Config, launcher *process.Launcher, ca *authority.Authority, log *requestlog.Writer) (*Plane, error) {
	p := &Plane{config: config, launcher: launcher}
	listener, err := net.Listen("tcp", net.JoinHostPort(config.Address, "443"))
	if err != nil {
		return nil, fmt.Errorf("listening for the AWS services: %w", err)
	}
	p.front = newFront(config.Dir, ca, log)
	go func() { _ = p.front.ServeTLS(listener, "", "") }()
	if err := p.StartServers(ctx); err != nil {
		return nil, errors.Join(err, p.front.Close())
	}
	return p, nil
}

// StartServers starts the servers behind the front, in the place of those that
// run, and returns when they are up.
func (p *Plane) StartServers(ctx context.Context) error {
	p.KillServers()
	data, sidecar := filepath.Join(p.config.Dir, "buckets"), filepath.Join(p.config.Dir, "attributes")
	identities, private := filepath.Join(p.config.Dir, "iam"), p.socket("private")
	for _, dir := range []string{data, sidecar, identities} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("preparing the AWS services: %w", err)
		}
	}
	s3 := func(name, domain string) []string {
		return []string{"--region", Region, "-p", p.socket(name), "--virtual-domain", domain, "--health", health,
			"--iam-standalone-endpoint", private, "posix", "--sidecar", sidecar, data}
	}
	for _, server := range []struct {
		name string
		argv []string
	}{
		{iamServer, []string{"-p", p.socket(iamServer), "--health", health, "iam", "--dir", identities, "--private-ports", private}},
		{s3Server, s3(s3Server, regionalS3)},
		{globalServer, s3(globalServer, globalS3)},
	} {
		_ = os.Remove(p.socket(server.name)) // of a former process
		env := append([]string{"ROOT_ACCESS_KEY=" + p.config.AccessKey, "ROOT_SECRET_KEY=" + p.config.SecretKey}, p.config.Env...)
		argv := append([]string{p.config.VersityGW}, server.argv...)
		started, err := p.launcher.Serve("versitygw "+server.name, filepath.Join(p.config.Logs, server.name+".log"), env, argv...)
		if err != nil {
			return err
		}
		p.servers = append(p.servers, started)
		if err := p.await(ctx, started, server.name); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plane) await(ctx context.Context, server *process.Server, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := &http.Client{Transport: sockets(p.config.Dir)}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+name+health, http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("HTTP %d", response.StatusCode)
		}
		select {
		case <-server.Done():
			return server.Ended()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s to be up (%w): %w; the end of its log:\n%s",
				server.Name, err, ctx.Err(), process.Tail(server.Log, 2000))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// KillServers ends the servers behind the front; the front then answers 503
// until StartServers.
func (p *Plane) KillServers() {
	for _, server := range p.servers {
		server.Kill()
	}
	p.servers = nil
}

// Empty removes all buckets, roles and providers. The servers must not run.
func (p *Plane) Empty() error {
	for _, dir := range []string{"buckets", "attributes", "iam"} {
		if err := os.RemoveAll(filepath.Join(p.config.Dir, dir)); err != nil {
			return fmt.Errorf("emptying the AWS services: %w", err)
		}
	}
	return nil
}

// Pause has the servers accept requests and never answer.
func (p *Plane) Pause() error {
	return p.each((*process.Server).Pause)
}

// Resume ends Pause.
func (p *Plane) Resume() error {
	return p.each((*process.Server).Resume)
}

func (p *Plane) each(do func(*process.Server) error) error {
	var failed []error
	for _, server := range p.servers {
		failed = append(failed, do(server))
	}
	return errors.Join(failed...)
}

// Kill ends everything at once.
func (p *Plane) Kill() {
	_ = p.front.Close()
	p.KillServers()
}

func (p *Plane) socket(name string) string { return filepath.Join(p.config.Dir, name+".sock") }
