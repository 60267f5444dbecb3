// Package servers builds the real servers of a world from the modules beside
// it, once, into the user's cache directory.
//
// The modules are built from sources that the Go module proxy serves and whose
// hashes their go.sum pins. The first build takes six to ten minutes on two
// cores and 4 GB of disk; afterwards a checkout on the same machine finds the
// programs by the hash of what they are made from.
package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gofrs/flock"
)

// A Set is the paths of the programs that a world runs.
type Set struct {
	APIServer string `json:"apiServer"`
	Etcd      string `json:"etcd"`
	// VersityGW is the IAM, STS and S3 server. It is empty where no world with a
	// private network is possible.
	VersityGW string `json:"versityGW"`
	// Kubectl is empty where there is one on PATH.
	Kubectl string `json:"kubectl"`
}

// Version is the Kubernetes version that the API server says it has. It is
// the one its go.mod pins, which the build does not stamp by itself.
const Version = "v1.37.2"

// A program is one to build: how and from which of the modules.
type program struct {
	name, module, target, ldflags string
}

var programs = []program{
	{"versitygw", "aws", "github.com/versity/versitygw/cmd/versitygw", "-s -w"},
	{"etcd", "kubernetes", "go.etcd.io/etcd/server/v3", "-s -w"},
	{"kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", kubernetesFlags()},
	{"kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", kubernetesFlags()},
}

// needless reports whether a world on this machine does without a program.
func (p program) needless() bool {
	switch p.name {
	case "versitygw":
		return runtime.GOOS != "linux" // its world takes Linux's namespaces
	case "kubectl":
		_, err := exec.LookPath(p.name)
		return err == nil
	}
	return false
}

// kubernetesFlags has the API server and its clients know their version.
func kubernetesFlags() string {
	const stamp = "k8s.io/component-base/version"
	minor := strings.Split(strings.TrimPrefix(Version, "v"), ".")
	return "-s -w -X " + stamp + ".gitVersion=" + Version +
		" -X " + stamp + ".gitMajor=" + minor[0] + " -X " + stamp + ".gitMinor=" + minor[1] +
		" -X " + stamp + ".gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=" + Version
}

// A Builder builds what is missing.
type Builder struct {
	// Cache is the directory that keeps the programs.
	Cache string
	// Progress is told what is being built and how far it is.
	Progress io.Writer
	// Env is the environment of the go command.
	Env []string
}

// Ensure returns the programs and builds those that the cache lacks. Another
// process that builds at the same time is waited for.
func (b Builder) Ensure(ctx context.Context) (Set, error) {
	root, err := source()
	if err != nil {
		return Set{}, err
	}
	version, err := b.goEnv(ctx, "GOVERSION")
	if err != nil {
		return Set{}, err
	}
	paths := map[string]string{}
	for _, p := range programs {
		if p.needless() {
			continue
		}
		module := filepath.Join(root, p.module)
		hash, err := fingerprint(module, version, runtime.GOOS, runtime.GOARCH, p.target, p.ldflags)
		if err != nil {
			return Set{}, err
		}
		path := filepath.Join(b.Cache, p.name+"-"+hash, p.name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			err = b.build(ctx, p, module, path)
			if err != nil {
				return Set{}, fmt.Errorf("building %s: %w", p.name, err)
			}
		} else if err != nil {
			return Set{}, fmt.Errorf("looking for %s: %w", p.name, err)
		}
		paths[p.name] = path
	}
	return Set{APIServer: paths["kube-apiserver"], Etcd: paths["etcd"], VersityGW: paths["versitygw"], Kubectl: paths["kubectl"]}, nil
}

// build makes one program under a lock, to a temporary name first.
func (b Builder) build(ctx context.Context, p program, module, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(b.Cache, "building"))
	if free, err := lock.TryLock(); err != nil {
		return fmt.Errorf("locking the cache: %w", err)
	} else if !free {
		fmt.Fprintln(b.Progress, "world: waiting for another process that builds the servers")
		if _, err := lock.TryLockContext(ctx, pollInterval); err != nil {
			return fmt.Errorf("waiting for another process that builds the servers: %w", err)
		}
	}
	defer lock.Close()
	if _, err := os.Stat(path); err == nil {
		return nil // that other process built it
	}
	goCache, err := b.goEnv(ctx, "GOCACHE")
	if err != nil {
		return err
	}
	if err := enough(goCache, b.Cache); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := b.compile(ctx, p, module, temporary); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(temporary)))
	}
	return os.Rename(temporary, path)
}

// compile runs the go command and reports its progress.
func (b Builder) compile(ctx context.Context, p program, module, output string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-ldflags", p.ldflags, "-o", output, p.target)
	cmd.Dir = module
	cmd.Env = append(append([]string(nil), b.Env...), "CGO_ENABLED=0", "GOWORK=off")
	report := newProgress(b.Progress, p.name)
	defer report.stop()
	cmd.Stderr = report
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, report.complaints())
	}
	return nil
}

func (b Builder) goEnv(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", name)
	cmd.Env = b.Env
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking go for %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// fingerprint is the hash of what a program is made from: a module's go.mod and
// go.sum, and words that say how.
func fingerprint(module string, words ...string) (string, error) {
	hash := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", fmt.Errorf("reading what the servers are made from: %w", err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", name, len(text), text)
	}
	fmt.Fprintf(hash, "%q", words)
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// source is the directory of this package, which holds the modules: where the
// compiler found it, or, for a program built with -trimpath, below the working
// directory's module.
func source() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		if dir := filepath.Dir(file); isSource(dir) {
			return dir, nil
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if found := filepath.Join(at, "test", "world", "servers"); isSource(found) {
			return found, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no modules of the servers: %s is not in a checkout of kubectl-irsa", dir)
		}
	}
}

func isSource(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "kubernetes", "go.mod"))
	return err == nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
