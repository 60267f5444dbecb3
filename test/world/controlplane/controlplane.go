// Package controlplane runs a real Kubernetes API server with its etcd, and
// nothing else of a cluster: objects are stored and tokens are issued, no pod
// ever runs.
package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/process"
)

// Setup is the name of the user, an administrator, by which the world itself
// talks to the API server. The audit log leaves it out.
const Setup = "world-setup"

// readyWithin is how long a start may take, on a busy machine too.
const readyWithin = 90 * time.Second

// A Config says what kind of API server to run.
type Config struct {
	Dir            string // of its own files; exists
	Logs           string // directory of the servers' logs; exists
	Audit          string // path of the audit log, see ReadAudit
	APIServer      string // the program
	Etcd           string // the program
	Address        string // to listen at
	Port           int    // to listen at
	Issuers        []string
	JWKSURI        string        // when not the API server's own
	SigningKey     string        // RSA or ECDSA
	MaxExpiration  time.Duration // of a token; zero leaves the server's default
	Env            []string      // of the servers
	PrivateEtcdNet bool          // whether the usual ports of etcd are sure to be free
}

// A ControlPlane is a running API server and its etcd.
type ControlPlane struct {
	// Authority is what its clients trust and what signs their certificates.
	Authority *authority.Authority

	config   Config
	launcher *process.Launcher
	keys     keyring
	client   *http.Client
	etcdURL  string
	etcd     *process.Server
	api      *process.Server
}

// New writes what the servers need. Start starts them.
func New(config Config, launcher *process.Launcher, now time.Time) (*ControlPlane, error) {
	cp := &ControlPlane{config: config, launcher: launcher, keys: keyring{dir: config.Dir}}
	var err error
	if cp.Authority, err = authority.New("kubernetes", now); err != nil {
		return nil, err
	}
	server, err := cp.Authority.Server(config.Address, "127.0.0.1", "localhost", "kubernetes.default.svc")
	if err != nil {
		return nil, err
	}
	if err := cp.keys.add(config.SigningKey); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{
		"ca.crt": cp.Authority.PEM, "server.crt": server.Certificate, "server.key": server.Key,
		"audit.yaml": []byte(auditPolicy),
	} {
		if err := os.WriteFile(cp.file(name), data, 0o600); err != nil {
			return nil, fmt.Errorf("preparing the API server: %w", err)
		}
	}
	setup, err := cp.Authority.Client(Setup, now.Add(30*24*time.Hour), "system:masters")
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(setup.Certificate, setup.Key)
	if err != nil {
		return nil, err
	}
	cp.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: cp.Authority.Pool(), Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, // the server may be another one next time
	}}
	return cp, nil
}

// URL is where the API server answers.
func (cp *ControlPlane) URL() string {
	return "https://" + net.JoinHostPort(cp.config.Address, strconv.Itoa(cp.config.Port))
}

// Start starts etcd and the API server and returns when it is ready.
func (cp *ControlPlane) Start(ctx context.Context) error {
	if err := cp.startEtcd(); err != nil {
		return err
	}
	return cp.StartAPI(ctx)
}

func (cp *ControlPlane) startEtcd() error {
	client, peer := 2379, 2380
	if !cp.config.PrivateEtcdNet {
		var err error
		if client, err = FreePort(); err != nil {
			return err
		}
		if peer, err = FreePort(); err != nil {
			return err
		}
	}
	cp.etcdURL = fmt.Sprintf("http://127.0.0.1:%d", client)
	peerURL := fmt.Sprintf("http://127.0.0.1:%d", peer)
	var err error
	cp.etcd, err = cp.launcher.Serve("etcd", filepath.Join(cp.config.Logs, "etcd.log"), cp.config.Env, cp.config.Etcd,
		"--data-dir="+cp.file("etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+cp.etcdURL, "--advertise-client-urls="+cp.etcdURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL)
	return err
}

// StartAPI starts the API server alone, in the place of one that runs, and
// returns when it is ready.
func (cp *ControlPlane) StartAPI(ctx context.Context) error {
	cp.api.Kill()
	argv := []string{cp.config.APIServer,
		"--etcd-servers=" + cp.etcdURL,
		"--bind-address=" + cp.config.Address, "--secure-port=" + strconv.Itoa(cp.config.Port),
		"--advertise-address=" + cp.config.Address, "--external-hostname=" + cp.config.Address,
		"--endpoint-reconciler-type=none", // else loopback is refused as an endpoint
		"--service-cluster-ip-range=10.0.0.0/24",
		"--tls-cert-file=" + cp.file("server.crt"), "--tls-private-key-file=" + cp.file("server.key"),
		"--client-ca-file=" + cp.file("ca.crt"), "--cert-dir=" + cp.config.Dir,
		"--authorization-mode=Node,RBAC",
		"--audit-log-path=" + cp.config.Audit, "--audit-policy-file=" + cp.file("audit.yaml"),
	}
	for _, issuer := range cp.config.Issuers {
		argv = append(argv, "--service-account-issuer="+issuer)
	}
	argv = append(argv, cp.keys.flags()...)
	if cp.config.JWKSURI != "" {
		argv = append(argv, "--service-account-jwks-uri="+cp.config.JWKSURI)
	}
	if cp.config.MaxExpiration != 0 {
		argv = append(argv, "--service-account-max-token-expiration="+cp.config.MaxExpiration.String())
	}
	var err error
	cp.api, err = cp.launcher.Serve("kube-apiserver", filepath.Join(cp.config.Logs, "kube-apiserver.log"), cp.config.Env, argv...)
	if err != nil {
		return err
	}
	return cp.await(ctx)
}

// await returns when the API server says that it is ready.
func (cp *ControlPlane) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		_, status, err := cp.call(ctx, http.MethodGet, "/readyz", nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-cp.etcd.Done():
			return cp.etcd.Ended()
		case <-cp.api.Done():
			return cp.api.Ended()
		case <-ctx.Done():
			return fmt.Errorf("waiting for the API server to be ready (%w): %w; the end of its log:\n%s",
				err, ctx.Err(), process.Tail(cp.api.Log, 2000))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill ends both servers at once.
func (cp *ControlPlane) Kill() {
	cp.api.Kill()
	cp.etcd.Kill()
}

// KillAPI ends the API server at once. StartAPI brings it back with all objects.
func (cp *ControlPlane) KillAPI() { cp.api.Kill() }

// PauseAPI has the API server accept connections and never answer.
func (cp *ControlPlane) PauseAPI() error { return cp.api.Pause() }

// ResumeAPI ends PauseAPI.
func (cp *ControlPlane) ResumeAPI() error { return cp.api.Resume() }

// Rotate makes a new signing key of a kind, RSA or ECDSA, or of the former
// one's kind when kind is empty. After the next StartAPI tokens are signed
// with it; those signed before stay valid when keep is true.
func (cp *ControlPlane) Rotate(kind string, keep bool) error {
	if kind == "" {
		kind = cp.config.SigningKey
	}
	if !keep {
		cp.keys.names = nil
	}
	return cp.keys.add(kind)
}

// SetIssuers has the next StartAPI use other issuers: the first signs.
func (cp *ControlPlane) SetIssuers(issuers ...string) { cp.config.Issuers = issuers }

// SetMaxExpiration has the next StartAPI shorten tokens that last longer.
func (cp *ControlPlane) SetMaxExpiration(d time.Duration) { cp.config.MaxExpiration = d }

// Create stores an object, as JSON, by a POST to the path of its kind. That it
// exists already is no error.
func (cp *ControlPlane) Create(ctx context.Context, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	answer, status, err := cp.call(ctx, http.MethodPost, path, body)
	if err != nil {
		return fmt.Errorf("creating an object at %s: %w", path, err)
	}
	if status != http.StatusCreated && status != http.StatusConflict {
		return fmt.Errorf("creating an object at %s: HTTP %d: %s", path, status, answer)
	}
	return nil
}

// Get is the answer to a GET of path.
func (cp *ControlPlane) Get(ctx context.Context, path string) ([]byte, error) {
	answer, status, err := cp.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("reading %s: HTTP %d: %s", path, status, answer)
	}
	return answer, nil
}

func (cp *ControlPlane) call(ctx context.Context, method, path string, body []byte) ([]byte, int, error) {
	request, err := http.NewRequestWithContext(ctx, method, cp.URL()+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := cp.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return answer, response.StatusCode, err
}

func (cp *ControlPlane) file(name string) string { return filepath.Join(cp.config.Dir, name) }

// FreePort is a TCP port on 127.0.0.1 that nobody listens on now.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(errors.New("looking for a free port: not a TCP address"), listener.Close())
	}
	return address.Port, listener.Close()
}

// auditPolicy records each request but the servers' own and the world's set-up.
// https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver, ` + Setup + `]
- level: None
  userGroups: [system:unauthenticated]
  nonResourceURLs: [/readyz, /livez, /healthz]
- level: Metadata
`
