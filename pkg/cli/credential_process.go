package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// credentialProcessCommand is what a process profile runs. Its flags are read
// back from profiles that older versions wrote, and never change their meaning.
type credentialProcessCommand struct {
	exchangeFlags
	serviceAccount string
	issuer         string
	cacheKind      string

	factory *Factory
}

func newCredentialProcessCommand(f *Factory, run func(*credentialProcessCommand, context.Context) error) *cobra.Command {
	o := &credentialProcessCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "credential-process",
		Short: "Print credentials as an AWS profile's credential_process wants them",
		Long: `Print credentials as an AWS profile's credential_process wants them.

This is what a profile written by login runs; people have no need to. It prints
one JSON document, keeps credentials until shortly before they expire, and
never creates anything.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html`,
		Example: `  # What login writes
  credential_process = /usr/local/bin/kubectl-irsa credential-process ...`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.quietServer = true
			if err := o.complete(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
		Annotations: map[string]string{oneLineErrors: ""},
	}
	o.exchangeFlags.add(cmd)
	cmd.Flags().StringVar(&o.serviceAccount, "service-account", "", "Name of the ServiceAccount")
	cmd.Flags().StringVar(&o.issuer, "issuer", "", "What the token's issuer must be; another is an error")
	cmd.Flags().StringVar(&o.cacheKind, "cache", cacheFile, "Where credentials are kept: file or none")
	return cmd
}

func (o *credentialProcessCommand) complete() error {
	for _, flag := range []struct{ name, value string }{{"service-account", o.serviceAccount}, {"role-arn", o.roleARN}} {
		if flag.value == "" {
			return usagef("--%s is missing", flag.name)
		}
	}
	if o.audience == "" {
		return usagef("--audience is missing")
	}
	if err := o.check(o.factory); err != nil {
		return err
	}
	return o.factory.splitKubeconfig()
}

func (o *credentialProcessCommand) run(ctx context.Context) error {
	f := o.factory
	c, err := f.cluster()
	if err != nil {
		return err
	}
	// Neither AWS_PROFILE nor [default] is the profile that is being served.
	endpoint := f.stsEndpoint(o.stsEndpointURL)
	request, err := o.request(f, c, endpoint, "", o.serviceAccount)
	if err != nil {
		return err
	}
	request.Issuer = o.issuer
	cache, err := f.cache(o.cacheKind)
	if err != nil {
		return err
	}
	var warnings []error // beside an error they would be a second line
	cache.Warn = func(err error) { warnings = append(warnings, err) }
	ctx, cancel := context.WithTimeoutCause(ctx, processPatience, c.slow())
	defer cancel()
	// Before the cache: a process of the same identity above this one holds its lock.
	leave, err := f.enter(c, o.serviceAccount)
	if err != nil {
		return err
	}
	defer leave()
	kept, err := within(ctx, func(ctx context.Context) (creds.Credentials, error) {
		return cache.Get(ctx, c.keyOf(request, endpoint), creds.Credentials.Fresh, func(ctx context.Context) (creds.Credentials, error) {
			exchanger, err := f.exchanger(c, endpoint, "")
			if err != nil {
				return creds.Credentials{}, err
			}
			session, err := exchanger.Run(ctx, request)
			return session.Credentials, err
		})
	})
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		f.note("warning: %v", warning)
	}
	return creds.WriteProcess(f.Streams.Out, kept)
}

// processPatience is within the minute that the SDK of Go gives a
// credential_process, which says nothing of why when it is over.
const processPatience = 45 * time.Second

// slow says what took too long.
func (c *cluster) slow() error {
	if c.plugin == nil {
		return fmt.Errorf("the cluster and STS gave no credentials within %s", processPatience)
	}
	return hint.Wrap(fmt.Errorf("there are no credentials after %s, perhaps since the kubeconfig's plugin %s waits for somebody", processPatience, c.plugin.Command),
		"let it ask in a terminal: kubectl auth whoami")
}

// activeVariable lists, in the environment of exec plugins, digests of the
// identities that are being fetched by the processes above them.
const activeVariable = "KUBECTL_IRSA_ACTIVE"

// enter marks an identity as being fetched, for the exec plugins that this
// process starts. One that is marked already means that a kubeconfig's plugin
// runs the AWS CLI with the very profile that rests on that kubeconfig.
func (f *Factory) enter(c *cluster, serviceAccount string) (leave func(), err error) {
	sum := sha256.Sum256([]byte(strings.Join([]string{c.config.Host, c.context, c.namespace, serviceAccount}, "\x00")))
	identity := hex.EncodeToString(sum[:8])
	before := f.Getenv(activeVariable)
	if slices.Contains(strings.Split(before, ","), identity) {
		return nil, hint.Wrap(fmt.Errorf("a cycle: the kubeconfig gets its credentials through the AWS profile of %s, which gets its own through this kubeconfig",
			c.context+"/"+c.namespace+"/"+serviceAccount),
			"name another AWS profile in the kubeconfig user's exec plugin")
	}
	if err := f.process.Setenv(activeVariable, strings.TrimPrefix(before+","+identity, ",")); err != nil {
		return nil, err
	}
	return func() { _ = f.process.Setenv(activeVariable, before) }, nil
}

// oneLineErrors annotates a command whose errors are one line, hints and all,
// however early they are found.
const oneLineErrors = "one-line-errors"

// longestLine is what a failed credential_process may say, in characters, the
// word "error: " in front of it included: SDKs put it in the middle of a message of
// their own, and logs cut that.
const longestLine = 300

// oneLine keeps an error to the one line that an SDK shows of it: with its
// advice where there is room, else without it, else its beginning.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	whole := err.Error()
	line, room := oneLiner(whole), longestLine-len("error: ")
	for _, better := range []string{creds.Short(err), whole + advice(err)} {
		if better = oneLiner(better); better != "" && utf8.RuneCountInString(better) <= room {
			line = better
			break
		}
	}
	if runes := []rune(line); len(runes) > room {
		line = string(runes[:room-1]) + "…"
	}
	if isUsage(err) {
		return usageError{errors.New(line)}
	}
	return errors.New(line)
}

// advice is an error's hints, in brackets behind it.
func advice(err error) string {
	if hints := hint.Lines(err); len(hints) > 0 {
		return " (" + strings.ReplaceAll(strings.Join(hints, "; "), ":; ", ": ") + ")"
	}
	return ""
}

// oneLiner is a text as it is shown, in one line.
func oneLiner(text string) string {
	return check.VisibleLines(strings.Join(strings.Fields(text), " "))
}
