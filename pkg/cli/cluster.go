package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"k8s.io/cli-runtime/pkg/printers"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// cluster is what a kubeconfig context says, before anybody is asked.
type cluster struct {
	kubeconfig string // absolute; a list keeps its separators; "" where no file says anything
	context    string
	namespace  string
	plugin     *clientcmdapi.ExecConfig // of the context's user; nil where it has none
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
		return nil, explainKubeconfig(err)
	}
	c := &cluster{context: cmp.Or(*f.kube.Context, raw.CurrentContext)}
	if c.config, err = loader.ClientConfig(); err != nil {
		return nil, explainKubeconfig(err)
	}
	if c.config.ExecProvider != nil {
		if c.config.ExecProvider.PluginPolicy, err = f.pluginPolicy(); err != nil {
			return nil, err
		}
	}
	if len(raw.Contexts) == 0 && c.config.Host == noServer {
		return nil, explainKubeconfig(clientcmd.ErrEmptyConfig)
	}
	if c.namespace, _, err = loader.Namespace(); err != nil {
		return nil, explainKubeconfig(err)
	}
	if !clientcmdapi.IsConfigEmpty(&raw) { // else flags, or the pod that this runs in, say it all
		c.kubeconfig = kubeconfigPath(loader)
	}
	user := *f.kube.AuthInfoName
	if context := raw.Contexts[c.context]; context != nil && user == "" {
		user = context.AuthInfo
	}
	if info := raw.AuthInfos[user]; info != nil {
		c.plugin = info.Exec
	}
	c.key = creds.Key{Server: c.config.Host, Authority: authority(c.config), User: requester(user, c.config), Context: c.context}
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

// tune says who we are, and bounds requests where the user does not.
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
func explainKubeconfig(err error) error {
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
	if f.marker() == "" {
		return nil
	}
	for _, variable := range append(slices.Clone(credentialVariables), markerVariable, markedKeyVariable) {
		if err := f.process.Unsetenv(variable); err != nil {
			return err
		}
	}
	return nil
}

// markerVariable says in the environment of a child whose the credentials beside it
// are: NAMESPACE/SERVICEACCOUNT@CONTEXT. markedKeyVariable says which they are, by
// the ID of the access key: a person may put others in their place.
const (
	markerVariable    = "KUBECTL_IRSA"
	markedKeyVariable = "KUBECTL_IRSA_KEY_ID"
)

// marker is what markerVariable says, "" where the credentials in the environment are
// none of ours.
func (f *Factory) marker() string {
	if key := f.Getenv("AWS_ACCESS_KEY_ID"); key == "" || key != f.Getenv(markedKeyVariable) {
		return ""
	}
	return f.Getenv(markerVariable)
}

var credentialVariables = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"}

// exchangeTimeout bounds a whole exchange where nothing asks a person.
const exchangeTimeout = time.Minute

// within gives ctx the deadline of an exchange in c.
func (c *cluster) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.plugin != nil {
		return context.WithTimeout(ctx, pluginTimeout+exchangeTimeout)
	}
	return context.WithTimeout(ctx, exchangeTimeout)
}
