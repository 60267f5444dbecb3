package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/trust"
)

// worldFile shapes the world of a story that has a file world.yaml. Without one
// it is that of test/world: a cluster whose issuer is public in a bucket, a
// provider with the audience sts.amazonaws.com, and a role cart that trusts the
// ServiceAccount cart of namespace shop, which carries its annotation.
type worldFile struct {
	Issuer          string `json:"issuer"`          // default https://cluster-issuer.s3.us-east-1.amazonaws.com
	SigningKey      string `json:"signingKey"`      // RSA, P-256, P-384 or P-521
	Audience        string `json:"audience"`        // of provider, role and annotation
	MaxTokenSeconds int64  `json:"maxTokenSeconds"` // --service-account-max-token-expiration
	PublicDiscovery bool   `json:"publicDiscovery"` // anybody may read the API server's documents
	TextsBefore2026 bool   `json:"textsBefore2026"` // STS words InvalidIdentityToken as it used to
	SessionLife     string `json:"sessionLife"`     // what sessions live, whatever was asked
	KeySetCache     string `json:"keySetCache"`     // how long STS keeps a key set
	ClusterBehind   string `json:"clusterBehind"`   // how far the cluster's clock is behind
	Bare            bool   `json:"bare"`            // nothing set up
	PublicAccessLag int    `json:"publicAccessLag"` // how many policies and reads do not see a relaxed Block Public Access
	AccountBlocks   bool   `json:"accountBlocks"`   // Block Public Access of the account is on
	RoleLag         int    `json:"roleLag"`         // how many exchanges do not see a new role
	ProviderLag     int    `json:"providerLag"`     // how many exchanges do not see a new provider
}

// world is the servers of one story.
type world struct {
	counted int // requests to AWS that are accounted for
	dir     string
	kube    *kubetest.Server
	aws     *awstest.Server
	plan    trust.Plan
	rest    rest.Interface
	verbose bool
}

type worldKey struct{}

// worldOf is the world that a story is in.
func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

const region = "us-east-1"

// kubeTokens are the bearer tokens of the kubeconfig, which nobody may print.
var kubeTokens = []string{"kubetest-admin", "kubetest-alice", "of another day"}

// setUp starts the servers of a story and gives it an environment that leads to
// them, under AWS's own names, and to nothing else.
func setUp(env *testscript.Env, verbose bool) error {
	w := &world{dir: env.WorkDir, verbose: verbose}
	file, err := readWorldFile(env.WorkDir)
	if err != nil {
		return err
	}
	if err := w.start(context.Background(), file); err != nil {
		return err
	}
	env.Defer(func() {
		_ = w.kube.Close()
		_ = w.aws.Close()
	})
	env.Values[worldKey{}] = w
	home := filepath.Join(env.WorkDir, "home")
	if err := errors.Join(os.MkdirAll(home, 0o700), w.writeFiles()); err != nil {
		return err
	}
	homeVariable := "HOME"
	if runtime.GOOS == "windows" {
		homeVariable = "USERPROFILE"
	}
	for name, value := range map[string]string{
		homeVariable: home, "HOME": home,
		"KUBECONFIG":    filepath.Join(env.WorkDir, "kubeconfig"),
		"AWS_CA_BUNDLE": filepath.Join(env.WorkDir, "aws-ca.pem"), "SSL_CERT_FILE": filepath.Join(env.WorkDir, "aws-ca.pem"),
		"HTTPS_PROXY": w.aws.URL, "AWS_EC2_METADATA_DISABLED": "true",
		// For stories that go another way to AWS, and for those of administrators.
		"AWS_DOUBLE": w.aws.URL, "AWS_DOUBLE_TLS": w.aws.TLSURL, "KUBE_DOUBLE": w.kube.URL,
		"ADMIN_CREDENTIALS": filepath.Join(env.WorkDir, "admin-credentials"),
		"ISSUER":            w.plan.Issuer, "ROLE_ARN": w.plan.RoleARN(),
	} {
		env.Setenv(name, value)
	}
	if verbose {
		logs := filepath.Join(env.WorkDir, ".logs")
		env.Setenv(logVariable, logs)
		return os.MkdirAll(logs, 0o700)
	}
	return nil
}

func readWorldFile(dir string) (worldFile, error) {
	file := worldFile{
		Issuer: "https://cluster-issuer.s3." + region + ".amazonaws.com", SigningKey: "RSA", Audience: "sts.amazonaws.com",
	}
	text, err := os.ReadFile(filepath.Join(dir, "world.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return file, err
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return file, fmt.Errorf("reading world.yaml: %w", err)
	}
	return file, nil
}

func (w *world) start(ctx context.Context, file worldFile) error {
	issuer, err := awstest.NewIssuer(file.Issuer, file.SigningKey)
	if err != nil {
		return err
	}
	awsOptions := awstest.Options{
		PublicAccessLag: file.PublicAccessLag, RoleLag: file.RoleLag, ProviderLag: file.ProviderLag,
	}
	if file.TextsBefore2026 {
		awsOptions.Generation = awstest.TextsBefore2026
	}
	if file.SessionLife != "" {
		life, err := time.ParseDuration(file.SessionLife)
		if err != nil {
			return err
		}
		awsOptions.SessionLife = func(time.Duration) time.Duration { return life }
	}
	if file.KeySetCache != "" {
		if awsOptions.KeySetCache, err = time.ParseDuration(file.KeySetCache); err != nil {
			return err
		}
	}
	if w.aws, err = awstest.Start(ctx, awsOptions); err != nil {
		return err
	}
	w.aws.Account.BlockPublicAccess(file.AccountBlocks)
	if file.ClusterBehind != "" {
		behind, err := time.ParseDuration(file.ClusterBehind)
		if err != nil {
			return err
		}
		issuer.Now = func() time.Time { return time.Now().Add(-behind) }
	}
	w.kube, err = kubetest.Start(ctx, kubetest.Options{
		Issuer: issuer, MaxTokenSeconds: file.MaxTokenSeconds, PublicDiscovery: file.PublicDiscovery,
	})
	if err != nil {
		return err
	}
	host, prefix, _ := strings.Cut(strings.TrimPrefix(file.Issuer, "https://"), "/")
	bucket, _, _ := strings.Cut(host, ".")
	w.plan = trust.Plan{
		Issuer: file.Issuer, Bucket: bucket, Prefix: prefix, Audience: file.Audience, Account: w.aws.Account.ID,
		Region: region, Credentials: w.aws.Account.Admin, Client: w.aws.Client(),
	}
	if err := w.connect(); err != nil || file.Bare {
		return err
	}
	if err := w.plan.Apply(ctx, w); err != nil {
		return err
	}
	w.forget()
	return nil
}

// forget empties the servers' records.
func (w *world) forget() {
	w.kube.ForgetRequests()
	w.aws.ForgetRequests()
	w.counted = 0
}

func (w *world) connect() error {
	config := w.kube.RESTConfig()
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.ContentType = "application/json"
	client, err := rest.UnversionedRESTClientFor(config)
	w.rest = client
	return err
}

// Create stores an object at the path of its kind.
func (w *world) Create(ctx context.Context, path string, object any) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var typed map[string]any
	if err := json.Unmarshal(text, &typed); err != nil {
		return err
	}
	kind := map[string]string{"namespaces": "Namespace", "serviceaccounts": "ServiceAccount"}[path[strings.LastIndexByte(path, '/')+1:]]
	maps.Copy(typed, map[string]any{"apiVersion": "v1", "kind": kind})
	if text, err = json.Marshal(typed); err != nil {
		return err
	}
	err = w.rest.Post().AbsPath(path).SetHeader("Content-Type", "application/json").Body(text).Do(ctx).Error()
	if err != nil && strings.Contains(err.Error(), "already exists") {
		return nil
	}
	return err
}

// Get is the answer at a path.
func (w *world) Get(ctx context.Context, path string) ([]byte, error) {
	return w.rest.Get().AbsPath(path).SetHeader("Accept", "application/json, */*").DoRaw(ctx)
}

// writeFiles writes what leads to the servers. The kubeconfig has the contexts
// of test/world: world (an administrator), alice (no rights), expired (unknown
// credentials), wrong-ca, nowhere (nobody listens).
func (w *world) writeFiles() error {
	admin, err := w.aws.Account.Admin.Retrieve(context.Background())
	if err != nil {
		return err
	}
	contexts := map[string]kubetest.Kubeconfig{
		"world": {}, "alice": {Token: w.kube.AddUser("alice")}, "expired": {Token: kubeTokens[2]},
		"wrong-ca": {WrongCA: true}, "nowhere": {Server: "https://127.0.0.1:9"},
	}
	rules := &clientcmd.ClientConfigLoadingRules{}
	for name, k := range contexts {
		k.Context, k.Namespace = name, trust.Namespace
		part := filepath.Join(w.dir, ".kubeconfig-"+name)
		if err := w.kube.WriteKubeconfig(part, k); err != nil {
			return err
		}
		rules.Precedence = append(rules.Precedence, part)
	}
	config, err := rules.Load()
	if err != nil {
		return err
	}
	config.CurrentContext = "world"
	for _, part := range rules.Precedence {
		if err := os.Remove(part); err != nil {
			return err
		}
	}
	return errors.Join(
		clientcmd.WriteToFile(*config, filepath.Join(w.dir, "kubeconfig")),
		os.WriteFile(filepath.Join(w.dir, "aws-ca.pem"), w.aws.CAPEM, 0o600),
		os.WriteFile(filepath.Join(w.dir, "admin-credentials"), []byte(fmt.Sprintf(
			"[admin]\naws_access_key_id = %s\naws_secret_access_key = %s\n", admin.AccessKeyID, admin.SecretAccessKey)), 0o600),
	)
}
