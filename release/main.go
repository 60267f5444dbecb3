// Command release packs a release of the plugin into a folder:
//
//	go run ./release --version v0.1.0
//
// An archive for each platform, checksums.txt, a bill of materials, and
// irsa.yaml, the manifest for krew. docs/releasing.md says the rest.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/kubectl-irsa/kubectl-irsa/release/pack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	p := pack.Pack{Environ: os.Environ(), Log: os.Stdout}
	flags := flag.NewFlagSet("release", flag.ExitOnError)
	flags.StringVar(&p.Version, "version", "", "the version, as v0.1.0")
	flags.StringVar(&p.Source, "source", ".", "the folder of go.mod")
	flags.StringVar(&p.Out, "out", "dist", "the folder that gets the files")
	flags.BoolVar(&p.AllowDirty, "allow-dirty", false, "pack a work tree that differs from its commit")
	flags.Func("platform", "pack only this, as linux/amd64; may be repeated", func(text string) error {
		platform, err := pack.ParsePlatform(text)
		p.Platforms = append(p.Platforms, platform)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if len(p.Platforms) == 0 {
		p.Platforms = pack.Platforms
	}
	return p.Run(ctx)
}
