package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

type injectCommand struct {
	files          []string
	recursive      bool
	serviceAccount string
	roleARN        string
	audience       string
	region         string
	tokenDuration  time.Duration
	regional       bool
	local          bool
	quiet          bool
	given          func(flag string) bool
	factory        *Factory
}

func newInjectCommand(f *Factory, run func(*injectCommand, context.Context) error) *cobra.Command {
	o := &injectCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "inject -f FILE",
		Short: "Add token, role and region to the pods of a manifest, as the EKS webhook does",
		Long: `Add token, role and region to the pods of a manifest, as the EKS webhook does.

For clusters without the pod identity webhook. Pods, Deployments, StatefulSets,
DaemonSets, ReplicaSets, Jobs, CronJobs and Lists of them get the projected
token, its mount, AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE where their
ServiceAccount has a role; everything else comes out byte for byte. What a
manifest sets itself is never overwritten, and a second run changes nothing.

The role is that of --role-arn, of the ServiceAccount in the same input, or of
the ServiceAccount in the cluster. A flag wins over the ServiceAccount's
annotations, and the pod's own annotations win over both.`,
		Example: `  # As a filter
  kubectl irsa inject -f deployment.yaml | kubectl apply -f -
  helm template shop | kubectl irsa inject -f - --region eu-west-1 |
    kubectl apply -f -

  # Without asking a cluster
  kubectl irsa inject -f . --local --service-account cart \
    --role-arn arn:aws:iam::111122223333:role/cart`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.given = cmd.Flags().Changed
			if err := o.check(); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVarP(&o.files, "filename", "f", nil, "File or folder with manifests, or - for standard input (needed, repeatable)")
	flags.BoolVarP(&o.recursive, "recursive", "R", false, "Folders with the folders in them")
	flags.StringVar(&o.serviceAccount, "service-account", "", "Only pods that run as this ServiceAccount")
	flags.StringVar(&o.roleARN, "role-arn", "", "Role of --service-account; default: its eks.amazonaws.com/role-arn annotation")
	flags.StringVar(&o.audience, "audience", "", "Audience of the token; default: the annotation, else "+irsa.DefaultAudience)
	flags.StringVar(&o.region, "region", "", "Set AWS_REGION and AWS_DEFAULT_REGION")
	flags.DurationVar(&o.tokenDuration, "token-duration", 0, "Life of the token; default: the annotation, else 24h")
	flags.BoolVar(&o.regional, "sts-regional-endpoints", false, "Set AWS_STS_REGIONAL_ENDPOINTS=regional; default: the annotation")
	flags.BoolVar(&o.local, "local", false, "Ask no cluster: what has no role in the input has none")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "Say nothing on standard error")
	return cmd
}

func (o *injectCommand) check() (err error) {
	if len(o.files) == 0 {
		return usageError{hint.Wrap(errors.New("missing -f FILE"), "usage: kubectl irsa inject -f FILE")}
	}
	if o.serviceAccount != "" {
		if o.serviceAccount, err = serviceAccountName(o.serviceAccount); err != nil {
			return err
		}
	}
	if o.roleARN != "" {
		if o.serviceAccount == "" {
			return usagef("--role-arn needs --service-account: whose role is it?")
		}
		if _, err := irsa.ParseRoleARN(o.roleARN, irsa.AnyAccount); err != nil {
			return usageError{fmt.Errorf("--role-arn: %w", err)}
		}
	}
	if d := o.tokenDuration; o.given("token-duration") && (d < inject.MinTokenSeconds*time.Second || d%time.Second != 0 || d > 1<<32*time.Second) {
		return usagef("--token-duration %s: a kube-apiserver grants 10m and more, in whole seconds", d)
	}
	if o.given("audience") && o.audience == "" {
		return usagef("--audience must not be empty")
	}
	return nil
}

// run reads the input twice, so that nothing is printed of an input that is not
// a manifest, or whose roles cannot be known: whoever reads the pipe would apply
// half of it.
func (o *injectCommand) run(ctx context.Context) error {
	sources, done, err := openManifests(o.files, o.recursive, o.factory.Streams.In)
	if err != nil {
		return err
	}
	defer done()
	roles := &roleBook{command: o, inInput: map[inject.Account]map[string]string{}, known: map[inject.Account]inject.Identity{}}
	if roles.namespace, _, err = o.factory.kube.ToRawKubeConfigLoader().Namespace(); err != nil {
		return explainKubeconfig(err)
	}
	if err := eachDocument(ctx, sources, roles.note); err != nil {
		return err
	}
	if err := roles.settle(ctx); err != nil {
		return err
	}
	return o.print(ctx, sources, roles)
}

func (o *injectCommand) print(ctx context.Context, sources []manifest, roles *roleBook) error {
	out := bufio.NewWriterSize(o.factory.Streams.Out, 64<<10)
	injector := &inject.Injector{Identity: roles.identity, Region: o.region}
	var count struct{ changed, complete, roleless int }
	last := byte('\n')
	err := eachDocument(ctx, sources, func(file string, first bool, document []byte) error {
		changed, workloads, err := injector.Document(document)
		if err != nil {
			return err
		}
		for _, w := range workloads {
			switch {
			case w.Changed:
				count.changed++
			case w.Role != "":
				count.complete++
			default:
				count.roleless++
			}
			for _, note := range w.Notes {
				o.note("note: %s: %s %s %s", file, w.Kind, w.Name, note)
			}
		}
		if first && !bytes.HasPrefix(changed, []byte("---")) { // of a second file
			if last != '\n' {
				changed = append([]byte("\n---\n"), changed...)
			} else {
				changed = append([]byte("---\n"), changed...)
			}
		} else if last != '\n' {
			changed = append([]byte("\n"), changed...)
		}
		last = changed[len(changed)-1]
		_, err = out.Write(changed)
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	o.note("%d changed, %d had everything, %d without a role", count.changed, count.complete, count.roleless)
	return nil
}

func (o *injectCommand) note(format string, args ...any) {
	if !o.quiet {
		o.factory.note(format, args...)
	}
}

// eachDocument hands over the documents of every source; first says that one
// begins a source that is not the first.
func eachDocument(ctx context.Context, sources []manifest, visit func(file string, first bool, document []byte) error) error {
	for i, source := range sources {
		if err := source.each(func(n int, document []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(source.name, i > 0 && n == 0, document); err != nil {
				return fmt.Errorf("reading document %d of %s: %w", n+1, source.name, err)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// each reads the source from its beginning.
func (m manifest) each(visit func(n int, document []byte) error) error {
	from, err := m.open()
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	defer func() { _ = from.Close() }()
	n := 0
	for document, err := range inject.Documents(from) {
		if err != nil {
			return fmt.Errorf("reading %s: %w", m.name, err)
		}
		if err := visit(n, document); err != nil {
			return err
		}
		n++
	}
	return nil
}

// manifest is one file, or the standard input, that can be read again.
type manifest struct {
	name string
	open func() (io.ReadCloser, error)
}
