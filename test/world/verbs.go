package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/control"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/netns"
)

// A verb is something that a command inside may ask of its world.
type verb struct {
	help string
	do   func(w *world, ctx context.Context, args []string) error
}

// verbs by name. A function, because help and handlers need each other.
func verbs() map[string]verb {
	plain := func(help string, do func(*world, context.Context) error) verb {
		return verb{help, func(w *world, ctx context.Context, _ []string) error { return do(w, ctx) }}
	}
	return map[string]verb{
		"rotate":            {"[--signing-key KIND] [--drop-old]: sign with a new key; the former stays valid", (*world).rotate},
		"restart-apiserver": {"[--max-token-expiration D] [--issuer URL ...]: the same objects, a new process", (*world).restartAPI},
		"stop-apiserver":    plain(": refuse connections", func(w *world, _ context.Context) error { w.api.KillAPI(); return nil }),
		"start-apiserver":   plain(": end stop-apiserver", func(w *world, ctx context.Context) error { return w.api.StartAPI(ctx) }),
		"pause-apiserver":   plain(": accept connections and never answer", func(w *world, _ context.Context) error { return w.api.PauseAPI() }),
		"resume-apiserver":  plain(": end pause-apiserver", func(w *world, _ context.Context) error { return w.api.ResumeAPI() }),
		"restart-aws":       {"[--empty]: a fresh process, which has no keys cached; --empty removes all it holds", (*world).restartAWS},
		"stop-aws":          onAWS(": answer 503", func(w *world, _ context.Context) error { w.aws.KillServers(); return nil }),
		"start-aws":         onAWS(": end stop-aws", func(w *world, ctx context.Context) error { return w.aws.StartServers(ctx) }),
		"pause-aws":         onAWS(": accept requests and never answer", func(w *world, _ context.Context) error { return w.aws.Pause() }),
		"resume-aws":        onAWS(": end pause-aws", func(w *world, _ context.Context) error { return w.aws.Resume() }),
		"publish":           plain(": copy the issuer's documents into its bucket again", func(w *world, ctx context.Context) error { return w.plan.Publish(ctx, w.api) }),
		"trust":             plain(": set up what is missing of a world that is not bare", func(w *world, ctx context.Context) error { return w.plan.Apply(ctx, w.api) }),
		"add-bucket":        {"NAME ...: lead the names of more buckets to S3", (*world).addBuckets},
		"add-host":          {"NAME ...: lead more host names to the AWS servers", (*world).addHosts},
	}
}

// onAWS is a verb for a world whose AWS servers are real.
func onAWS(help string, do func(*world, context.Context) error) verb {
	return verb{help, func(w *world, ctx context.Context, _ []string) error {
		if w.aws == nil {
			return errDouble
		}
		return do(w, ctx)
	}}
}

var errDouble = fmt.Errorf("AWS is a double in this world: there is no server to do that to")

// verbHelp is a line for each verb.
func verbHelp() string {
	var lines []string
	for name, v := range verbs() {
		usage, help, _ := strings.Cut(v.help, ": ")
		lines = append(lines, fmt.Sprintf("  %s\n    \t%s\n", strings.TrimSpace(name+" "+usage), help))
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// changing lets one change at a time happen.
var changing sync.Mutex

// control does what a command inside asks for.
func (w *world) control(request control.Request) (string, error) {
	if request.Verb == "--help" || request.Verb == "help" {
		return verbHelp(), nil
	}
	v, known := verbs()[request.Verb]
	if !known {
		return "", fmt.Errorf("control: unknown verb %q; the verbs are:\n%s", request.Verb, verbHelp())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	changing.Lock()
	defer changing.Unlock()
	if err := v.do(w, ctx, request.Args); err != nil {
		return "", fmt.Errorf("control %s: %w", request.Verb, err)
	}
	return "", nil
}

// verbFlags reads the options of a verb.
func verbFlags(args []string, define func(*flag.FlagSet)) error {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	define(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return nil
}

func (w *world) rotate(ctx context.Context, args []string) error {
	var kind string
	var drop bool
	if err := verbFlags(args, func(f *flag.FlagSet) {
		f.StringVar(&kind, "signing-key", "", "")
		f.BoolVar(&drop, "drop-old", false, "")
	}); err != nil {
		return err
	}
	if err := w.api.Rotate(kind, !drop); err != nil {
		return err
	}
	return w.api.StartAPI(ctx)
}

func (w *world) restartAPI(ctx context.Context, args []string) error {
	var issuers []string
	var longest time.Duration
	if err := verbFlags(args, func(f *flag.FlagSet) {
		f.Func("issuer", "", list(&issuers))
		f.DurationVar(&longest, "max-token-expiration", 0, "")
	}); err != nil {
		return err
	}
	if len(issuers) > 0 {
		w.api.SetIssuers(issuers...)
	}
	if longest != 0 {
		w.api.SetMaxExpiration(longest)
	}
	return w.api.StartAPI(ctx)
}

func (w *world) restartAWS(ctx context.Context, args []string) error {
	var empty bool
	if err := verbFlags(args, func(f *flag.FlagSet) { f.BoolVar(&empty, "empty", false, "") }); err != nil {
		return err
	}
	if w.aws == nil {
		return errDouble
	}
	w.aws.KillServers()
	if empty {
		if err := w.aws.Empty(); err != nil {
			return err
		}
	}
	return w.aws.StartServers(ctx)
}

func (w *world) addBuckets(ctx context.Context, args []string) error {
	var hosts []string
	for _, name := range args {
		if !bucketName.MatchString(name) {
			return fmt.Errorf("%q is no bucket name", name)
		}
		hosts = append(hosts, netns.BucketHosts(name)...)
	}
	return w.addHosts(ctx, hosts)
}

// addHosts writes to the file that is mounted at /etc/hosts: in place, since a
// bind mount shows the file, not the name.
func (w *world) addHosts(_ context.Context, args []string) error {
	if !w.spec.Private {
		return fmt.Errorf("this world has no hosts file of its own")
	}
	file, err := os.OpenFile(filepath.Join(w.spec.Dir, hostsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, host := range args {
		lines.WriteString(netns.HostsLine(netns.AWS, host))
	}
	if _, err := file.WriteString(lines.String()); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
