// The world program runs a command beside real servers: a Kubernetes API
// server with etcd, and an IAM, STS and S3 server at the true names of AWS, in
// a private network that ends with the command.
//
//	go run ./test/world                              a shell in a world
//	go run ./test/world -- aws s3 ls                 a command in a world
//	go run ./test/world -- go test -tags e2e ./test/e2e/...
//	go run ./test/world build                        only builds the servers
//	go run ./test/world --help                       the options
//
// The exit code is the command's; but the go command makes 1 of every code that
// is not 0, so a script that looks at it builds the program first.
//
// Tests do not start worlds: they run inside one, which costs its start once,
// and package inside reads what the world told them by its environment. A
// command inside a world changes it with
//
//	"$IRSA_WORLD_BIN" control VERB [ARGUMENT ...]    --help lists the verbs
//
// A world is this program three times over. The first waits, hands signals on
// and removes the world's directory; the second is the first process of the new
// namespaces and reaps what is orphaned there; the third, started by the
// second, runs the servers and the command. Whichever of them dies takes all
// that is below it along.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/control"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/servers"
)

// Words by which the program starts itself; people do not type them.
const (
	initVerb      = "first-process-of"
	superviseVerb = "supervise"
)

func main() {
	code, err := dispatch(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "world:", err)
	}
	os.Exit(code)
}

// dispatch does what the command line says and returns the exit code.
func dispatch(args []string) (int, error) {
	verb := ""
	if len(args) > 0 {
		verb = args[0]
	}
	switch verb {
	case initVerb:
		return firstProcess(args[1])
	case superviseVerb:
		return superviseFrom(args[1])
	case "build":
		ctx, stop := interruptible()
		defer stop()
		if _, err := builder().Ensure(ctx); err != nil {
			return 1, err
		}
		return 0, nil
	case "control":
		return ask(args[1:])
	}
	opts, err := parse(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return 2, err
	}
	return launch(opts)
}

// ask hands a verb to the world that this process is in.
func ask(args []string) (int, error) {
	dir := os.Getenv("IRSA_WORLD_DIR")
	if dir == "" {
		return 2, errors.New("control: IRSA_WORLD_DIR is not set: this is not inside a world")
	}
	if len(args) == 0 {
		return 2, errors.New("control: which verb? --help lists them")
	}
	out, err := control.Ask(filepath.Join(dir, controlSocket), args[0], args[1:]...)
	if err != nil {
		return 1, err
	}
	fmt.Print(out)
	return 0, nil
}

// builder builds into IRSA_WORLD_CACHE or the user's cache directory.
func builder() servers.Builder {
	cache := os.Getenv("IRSA_WORLD_CACHE")
	if cache == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			cache = filepath.Join(dir, "kubectl-irsa", "world")
		} else {
			cache = filepath.Join(os.TempDir(), "kubectl-irsa-world")
		}
	}
	return servers.Builder{Cache: cache, Progress: os.Stderr, Env: os.Environ()}
}

// interruptible is a context that Ctrl-C and SIGTERM end.
func interruptible() (context.Context, context.CancelFunc) {
	return signalContext(context.Background())
}
