package cli

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// Factory hands commands the outside world. Nothing is dialled, read or parsed
// until a command asks.
type Factory struct {
	Streams genericiooptions.IOStreams
	Now     func() time.Time
	Getenv  func(string) string

	process     Process
	build       Build
	flags       *pflag.FlagSet // the kubeconfig flags as they were given
	kube        *genericclioptions.ConfigFlags
	verbosity   int
	quietServer bool // the server's warnings are not for whoever reads our stderr
}

func newFactory(p Process) *Factory {
	kube := genericclioptions.NewConfigFlags(true)
	return &Factory{Streams: streams(p), Now: p.Now, Getenv: p.Getenv, process: p, build: p.Build, kube: kube}
}

func (f *Factory) addFlags(flags *pflag.FlagSet) {
	f.flags = flags
	f.kube.AddFlags(flags)
	if dir := f.Getenv("KUBECACHEDIR"); dir != "" {
		*f.kube.CacheDir = filepath.Join(dir, "cache")
	}
	flags.IntVarP(&f.verbosity, "v", "v", 0, "Log level of the Kubernetes client (0 to 10); bodies with tokens are never logged")
}

// begin runs before every command: klog stays silent unless -v asks, since
// client-go logs what the command reports anyway.
func (f *Factory) begin() error {
	logs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(logs)
	for name, value := range map[string]string{"v": strconv.Itoa(f.verbosity), "logtostderr": "false", "stderrthreshold": "FATAL"} {
		if err := logs.Set(name, value); err != nil {
			return err
		}
	}
	klog.SetOutput(discardBelow{f})
	return nil
}

// discardBelow passes the log on where -v was given.
type discardBelow struct{ f *Factory }

func (d discardBelow) Write(p []byte) (int, error) {
	if d.f.verbosity == 0 {
		return len(p), nil
	}
	return d.f.Streams.ErrOut.Write(p)
}

// note tells the user something on stderr.
func (f *Factory) note(format string, args ...any) {
	fmt.Fprintln(f.Streams.ErrOut, check.VisibleLines(fmt.Sprintf(format, args...)))
}

// cluster is what a kubeconfig context says, before anybody is asked.
type cluster struct {
	kubeconfig string // absolute; a list keeps its separators; "" where no file says anything
	context    string
	namespace  string
	plugin     *clientcmdapi.ExecConfig
	config     *rest.Config
	key        creds.Key // the fields that the cluster decides
}

// cluster reads the kubeconfig.
func (f *Factory) cluster() (*cluster, error) {
	if _, err := clientcmd.ParseTimeout(*f.kube.Timeout); err != nil {
		return nil, usageError{fmt.Errorf("--request-timeout: %w", err)}
	}
	loader := f.kube.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, f.explainKubeconfig(err)
	}
	c := &cluster{context: raw.CurrentContext}
	if *f.kube.Context != "" {
		c.context = *f.kube.Context
	}
	if c.config, err = loader.ClientConfig(); err != nil {
		return nil, f.explainKubeconfig(err)
	}
	if c.config.ExecProvider != nil {
		if c.config.ExecProvider.PluginPolicy, err = f.pluginPolicy(); err != nil {
			return nil, err
		}
	}
	if len(raw.Contexts) == 0 && c.config.Host == noServer {
		return nil, f.explainKubeconfig(clientcmd.ErrEmptyConfig)
	}
	if c.namespace, _, err = loader.Namespace(); err != nil {
		return nil, f.explainKubeconfig(err)
	}
	if !clientcmdapi.IsConfigEmpty(&raw) { // else flags, or the pod that this runs in, say it all
		c.kubeconfig = kubeconfigPath(loader)
	}
	userName := ""
	if context := raw.Contexts[c.context]; context != nil {
		userName = context.AuthInfo
	}
	if *f.kube.AuthInfoName != "" {
		userName = *f.kube.AuthInfoName
	}
	if info := raw.AuthInfos[userName]; info != nil {
		c.plugin = info.Exec
	}
	c.key = creds.Key{Server: c.config.Host, Authority: authority(c.config), User: requester(userName, c.config), Context: c.context}
	f.tune(c.config)
	return c, f.shieldPlugins(c)
}

// The time a request may take where --request-timeout says nothing. An exec
// plugin may wait for a person in a browser, but the API server's answer after
// that takes no longer than any.
const (
	requestTimeout = 15 * time.Second
	pluginTimeout  = 5 * time.Minute
)

func (f *Factory) tune(config *rest.Config) {
	config.UserAgent = "kubectl-irsa/" + f.build.number() + " (" + runtime.GOOS + "/" + runtime.GOARCH + ")"
	config.QPS = -1 // one person's command needs no throttle of its own
	if config.Timeout == 0 && !f.flags.Changed("request-timeout") {
		if config.Timeout = requestTimeout; config.ExecProvider != nil {
			config.Timeout = pluginTimeout
			// What is wrapped here is below the plugin, which client-go puts around it.
			config.Wrap(func(next http.RoundTripper) http.RoundTripper { return impatient{next, requestTimeout} })
		}
	}
	if f.quietServer {
		config.WarningHandler = rest.NoWarnings{}
		return
	}
	config.WarningHandler = rest.NewWarningWriter(f.Streams.ErrOut, rest.WarningWriterOptions{
		Deduplicate: true, Color: printers.AllowsColorOutput(f.Streams.ErrOut),
	})
}

// noServer is what cli-runtime asks where no kubeconfig says whom to ask.
const noServer = "http://localhost:8080"

// explainKubeconfig says what is wrong with the kubeconfig.
func (f *Factory) explainKubeconfig(err error) error {
	switch {
	case clientcmd.IsEmptyConfig(err):
		return hint.Wrap(errors.New("no kubeconfig: there is no cluster to ask for a token"),
			"name one with --kubeconfig or KUBECONFIG, or put it at ~/.kube/config")
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(fmt.Errorf("reading the kubeconfig: %w", err), "name one with --kubeconfig or KUBECONFIG, or put it at ~/.kube/config")
	case clientcmd.IsContextNotFound(err), strings.HasPrefix(err.Error(), "context "):
		return hint.Wrap(fmt.Errorf("reading the kubeconfig: %w", err), "kubectl config get-contexts")
	case strings.Contains(err.Error(), "does not exist"):
		return hint.Wrap(fmt.Errorf("reading the kubeconfig: %w", err), "kubectl config view")
	}
	return fmt.Errorf("reading the kubeconfig: %w", err)
}

// kubeconfigPath is what a later process must be told to read the same files:
// of a list, those that are there.
func kubeconfigPath(loader clientcmd.ClientConfig) string {
	access := loader.ConfigAccess()
	if explicit := access.GetExplicitFile(); explicit != "" {
		return pinnedPath(explicit)
	}
	var files []string
	for _, file := range access.GetLoadingPrecedence() {
		if _, err := os.Stat(file); err == nil {
			files = append(files, pinnedPath(file))
		}
	}
	return strings.Join(files, string(filepath.ListSeparator))
}

func absolute(path string) string {
	if path == "" {
		return "" // which is no folder, not even this one
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// splitKubeconfig lets --kubeconfig be a list, as the KUBECONFIG variable is.
func (f *Factory) splitKubeconfig() error {
	path := *f.kube.KubeConfig
	if len(login.KubeconfigFiles(path)) < 2 {
		return nil
	}
	*f.kube.KubeConfig = ""
	return f.process.Setenv(clientcmd.RecommendedConfigPathEnvVar, path)
}

// core is the typed client of the core API group.
func (c *cluster) core() (corev1client.CoreV1Interface, error) {
	client, err := corev1client.NewForConfig(c.config)
	if err != nil {
		return nil, fmt.Errorf("making a client of %s: %w", c.config.Host, err)
	}
	return client, nil
}

// shieldPlugins keeps an AWS_PROFILE that names a profile of ours from the
// kubeconfig's exec plugin: it would call this program again. The user's own
// AWS_PROFILE is what the plugin is meant to use, and stays.
func (f *Factory) shieldPlugins(c *cluster) error {
	if c.plugin == nil {
		return nil
	}
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		name := f.Getenv(variable)
		if name == "" || !f.ownsProfile(name) {
			continue
		}
		if err := f.process.Unsetenv(variable); err != nil {
			return err
		}
	}
	if f.Getenv(markerVariable) == "" {
		return nil
	}
	for _, variable := range append(slices.Clone(credentialVariables), markerVariable) {
		if err := f.process.Unsetenv(variable); err != nil {
			return err
		}
	}
	return nil
}

// markerVariable says in the environment of a child that the credentials
// beside it are ours: NAMESPACE/SERVICEACCOUNT@CONTEXT.
const markerVariable = "KUBECTL_IRSA"

var credentialVariables = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"}

// cacheDir is where this program keeps its files, "" where nobody named a place
// and there is no home: the default is relative then, and credentials must not
// lie about in whatever folder this is.
func (f *Factory) cacheDir() string {
	dir := *f.kube.CacheDir
	named := f.flags.Changed("cache-dir") || f.Getenv("KUBECACHEDIR") != ""
	if !named && !filepath.IsAbs(dir) {
		return ""
	}
	return cacheDirIn(dir)
}

// cacheDirIn is the folder of ours in kubectl's.
func cacheDirIn(dir string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(absolute(dir), "irsa")
}

// The values of --cache.
const (
	cacheFile = "file"
	cacheNone = "none"
)

func (f *Factory) cache(kind string) (creds.Cache, error) {
	cache := creds.Cache{Now: f.Now, Warn: func(err error) { f.note("warning: %v", err) }}
	switch kind {
	case cacheFile, "":
		cache.Dir = f.cacheDir()
	case cacheNone:
	default:
		return cache, usagef("--cache %q: use %s or %s", kind, cacheFile, cacheNone)
	}
	return cache, nil
}

// awsConfig is the user's AWS configuration, nil where it cannot be read: then
// no setting of it applies.
func (f *Factory) awsConfig() *awsconfig.File {
	path, err := awsconfig.ConfigPath(f.Getenv)
	if err != nil {
		return nil
	}
	file, err := awsconfig.Read(path)
	if err != nil {
		return nil
	}
	return file
}

// awsFiles are the AWS CLI's files for the SDK, which expands no ~ in their
// variables. Without a home there is none to name.
func (f *Factory) awsFiles() (files awsapi.Files) {
	if path, err := awsconfig.ConfigPath(f.Getenv); err == nil {
		files.Config = path
	}
	if path, err := awsconfig.CredentialsPath(f.Getenv); err == nil {
		files.Credentials = path
	}
	return files
}

// application names this program to AWS.
func (f *Factory) application() string { return "kubectl-irsa/" + f.build.number() }

// adminOptions choose the credentials of whoever looks into IAM and S3.
func (f *Factory) adminOptions(profile, region string) awsapi.AdminOptions {
	return awsapi.AdminOptions{
		Profile: profile, Region: region, Files: f.awsFiles(), Application: f.application(),
		Profiles: func() []string { return f.otherAWSProfiles(profile) },
	}
}

// osUser is who runs this program, as CloudTrail is to show it.
func (f *Factory) osUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	for _, variable := range []string{"USER", "USERNAME", "LOGNAME"} {
		if name := f.Getenv(variable); name != "" {
			return name
		}
	}
	return ""
}
