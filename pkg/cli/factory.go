package cli

import (
	"flag"
	"fmt"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
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

// application names this program to AWS.
func (f *Factory) application() string { return "kubectl-irsa/" + f.build.number() }

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

// book is where the profiles are.
func (f *Factory) book() (login.Book, error) {
	path, err := awsconfig.ConfigPath(f.Getenv)
	if err != nil {
		return login.Book{}, err
	}
	cache, err := f.cache(cacheFile)
	if err != nil {
		return login.Book{}, err
	}
	return login.Book{ConfigPath: path, GOOS: runtime.GOOS, Cache: cache, TokenDir: f.tokenDir(), CacheDir: cacheDirIn}, nil
}

// tokenDir is where token-file mode keeps its tokens, "" where nothing is kept.
func (f *Factory) tokenDir() string {
	dir := f.cacheDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "tokens")
}
