// Command kubectl-irsa is the kubectl plugin "kubectl irsa".
package main

import (
	"context"
	"os"
	"time"

	_ "github.com/kubectl-irsa/kubectl-irsa/cmd/kubectl-irsa/startup" // before what it speeds up
	"github.com/kubectl-irsa/kubectl-irsa/pkg/cli"
)

// Set by the linker in a release.
var version, commit, date string

func main() {
	ctx, exitCode := interruptible(context.Background(), os.Exit)
	code := cli.Main(ctx, cli.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr,
		Getenv: os.Getenv, Setenv: os.Setenv, Unsetenv: os.Unsetenv, Environ: os.Environ, Now: time.Now,
		Build: cli.Build{Version: version, Commit: commit, Date: date},
	})
	os.Exit(exitCode(code))
}
