package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/awsplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/control"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/controlplane"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/netns"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/process"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/trust"
)

// The account's administrator, known to nobody but this world.
const (
	adminAccessKey = "AKIAIOSFODNN7EXAMPLE" // AWS's own example
	adminSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// A world is its running servers.
type world struct {
	spec     spec
	plan     trust.Plan
	launcher *process.Launcher
	api      *controlplane.ControlPlane
	aws      *awsplane.Plane // nil where AWS is a double
	record   *requestlog.Writer
	proxy    []string // variables that lead a command to a double of AWS
}

// superviseFrom is supervise in a process of its own.
func superviseFrom(dir string) (int, error) {
	s, err := load(dir)
	if err != nil {
		return 1, fmt.Errorf("starting the world: %w", err)
	}
	return supervise(s)
}

// supervise starts the servers, runs the command, and ends the servers.
func supervise(s spec) (int, error) {
	signals := notify()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &world{spec: s, plan: s.plan()}
	defer w.kill()
	started := make(chan error, 1)
	go func() { started <- w.start(ctx) }()
	select {
	case err := <-started:
		if err != nil {
			return 1, fmt.Errorf("starting the world: %w", err)
		}
	case signal := <-signals:
		cancel()
		<-started //nolint:errcheck // its end is what is waited for
		return signalCode(signal), nil
	}
	listener, err := control.Listen(filepath.Join(s.Dir, controlSocket), w.control)
	if err != nil {
		return 1, err
	}
	defer listener.Close()
	return w.command(signals)
}

// start brings the servers up, the two kinds side by side, and sets them up.
func (w *world) start(ctx context.Context) error {
	s := w.spec
	for _, name := range []string{"home", "logs", "no-certificates", "kubernetes", "aws"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, name), 0o700); err != nil {
			return err
		}
	}
	var err error
	if w.launcher, err = process.NewLauncher(nil); err != nil {
		return err
	}
	awsUp := make(chan error, 1)
	go func() { awsUp <- w.startAWS(ctx) }()
	apiErr := w.startKubernetes(ctx)
	if err := errors.Join(apiErr, <-awsUp); err != nil {
		return err
	}
	if !s.Options.Bare {
		if err := w.plan.Apply(ctx, w.api); err != nil {
			return fmt.Errorf("setting it up: %w", err)
		}
	}
	if s.Options.AnonymousDiscovery {
		if err := trust.OpenDiscovery(ctx, w.api); err != nil {
			return fmt.Errorf("setting it up: %w", err)
		}
	}
	w.record.Begin()
	return nil
}

func (w *world) startKubernetes(ctx context.Context) error {
	s, now := w.spec, time.Now()
	config := controlplane.Config{
		Dir: filepath.Join(s.Dir, "kubernetes"), Logs: filepath.Join(s.Dir, "logs"), Audit: filepath.Join(s.Dir, "audit.log"),
		APIServer: s.Servers.APIServer, Etcd: s.Servers.Etcd,
		Address: netns.API, Port: 6443, PrivateEtcdNet: true,
		Issuers: append([]string{s.Options.issuer()}, s.Options.ExtraIssuers...), JWKSURI: s.Options.JWKSURI,
		SigningKey: s.Options.SigningKey, MaxExpiration: s.Options.MaxTokenExpiration,
		Env: w.serverEnvironment(),
	}
	if !s.Private {
		port, err := controlplane.FreePort()
		if err != nil {
			return err
		}
		config.Address, config.Port, config.PrivateEtcdNet = "127.0.0.1", port, false
	}
	api, err := controlplane.New(config, w.launcher, now)
	if err != nil {
		return err
	}
	w.api = api
	kubeconfig, err := api.Kubeconfig(trust.Namespace, now)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "kubeconfig"), kubeconfig, 0o600); err != nil {
		return err
	}
	return api.Start(ctx)
}

func (w *world) startAWS(ctx context.Context) error {
	s := w.spec
	log, err := os.OpenFile(filepath.Join(s.Dir, requestlog.File), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.record = requestlog.NewWriter(log)
	if !s.Private {
		return w.startDouble(ctx)
	}
	ca, err := authority.New("aws", time.Now())
	if err != nil {
		return err
	}
	if err := w.introduce(ca.PEM, adminAccessKey, adminSecretKey); err != nil {
		return err
	}
	w.plan.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}}}
	w.plan.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: adminAccessKey, SecretAccessKey: adminSecretKey}, nil
	})
	w.aws, err = awsplane.Start(ctx, awsplane.Config{
		Dir: filepath.Join(s.Dir, "aws"), Logs: filepath.Join(s.Dir, "logs"), VersityGW: s.Servers.VersityGW,
		Address: netns.AWS, AccessKey: adminAccessKey, SecretKey: adminSecretKey, Env: w.serverEnvironment(),
	}, w.launcher, ca, w.record)
	return err
}

// introduce writes what a command needs to talk to AWS: the authority of its
// certificates and the administrator's credentials.
func (w *world) introduce(ca []byte, accessKey, secretKey string) error {
	credentials := fmt.Sprintf("[admin]\naws_access_key_id = %s\naws_secret_access_key = %s\n", accessKey, secretKey)
	return errors.Join(
		os.WriteFile(filepath.Join(w.spec.Dir, caFile), ca, 0o644),
		os.WriteFile(filepath.Join(w.spec.Dir, adminFile), []byte(credentials), 0o600),
	)
}

// serverEnvironment is small: the servers take nothing from outside.
func (w *world) serverEnvironment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(w.spec.Dir, "logs"),
		"SSL_CERT_FILE=" + filepath.Join(w.spec.Dir, caFile),
		"SSL_CERT_DIR=" + filepath.Join(w.spec.Dir, "no-certificates"),
	}
}

// plan is how to set the world up.
func (s spec) plan() trust.Plan {
	return trust.Plan{
		Issuer: s.Options.issuer(), Bucket: s.Options.Bucket, Prefix: s.Options.IssuerPath, Audience: s.Options.Audience,
		Account: awsplane.Account, Region: awsplane.Region,
	}
}

// command runs the command and returns its exit code.
func (w *world) command(signals <-chan os.Signal) (int, error) {
	s := w.spec
	env := append(s.environment(), w.proxy...)
	path, err := lookup(s.Options.Command[0], env)
	if err != nil {
		return 127, err
	}
	launcher, err := process.NewLauncher(s.clientPrepare(func(err error) { fmt.Fprintln(os.Stderr, "world:", err) }))
	if err != nil {
		return 1, fmt.Errorf("preparing the command's network: %w", err)
	}
	if s.Options.Welcome {
		fmt.Fprint(os.Stderr, welcome(s.Options.Bare))
	}
	cmd := exec.Command(path, s.Options.Command[1:]...)
	cmd.Args[0] = s.Options.Command[0]
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	if err := launcher.Start(cmd, false); err != nil {
		return 126, fmt.Errorf("starting the command: %w", err)
	}
	forward(signals, cmd.Process, s.Interactive)
	return process.ExitCode(cmd.Wait())
}

// welcome is what a person reads before the shell's first prompt.
func welcome(bare bool) string {
	chain := "The ServiceAccount shop/cart may become the role cart: kubectl irsa login cart -n shop"
	if bare {
		chain = "Nothing is set up yet: kubectl irsa setup cart -n default"
	}
	return `A cluster and the services of AWS, at their true names. "exit" ends both.
` + chain + `
Credentials for IAM and S3: export AWS_SHARED_CREDENTIALS_FILE=$IRSA_ADMIN_CREDENTIALS AWS_PROFILE=admin
Other users of the cluster: kubectl config get-contexts
What can be broken:         $IRSA_WORLD_BIN control --help
`
}

// lookup finds a program on the search path of env.
func lookup(name string, env []string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, nil
	}
	for _, variable := range env {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			if err := os.Setenv("PATH", path); err != nil {
				return "", err
			}
		}
	}
	return exec.LookPath(name)
}

// kill ends the servers at once.
func (w *world) kill() {
	if w.aws != nil {
		w.aws.Kill()
	}
	if w.api != nil {
		w.api.Kill()
	}
}
