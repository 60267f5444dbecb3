// Command kubectl-irsa is the kubectl plugin "kubectl irsa".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/kubectl-irsa/kubectl-irsa/cmd/kubectl-irsa/startup" // before what it speeds up
	"github.com/kubectl-irsa/kubectl-irsa/pkg/cli"
)

// Set by the linker in a release.
var version, commit, date string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		Getenv: os.Getenv, Setenv: os.Setenv, Unsetenv: os.Unsetenv, Environ: os.Environ, Now: time.Now,
		Build: cli.Build{Version: version, Commit: commit, Date: date},
	})
	stop()
	os.Exit(code)
}
