package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

type publishCommand struct {
	target       *issuer.Target // nil: where the issuer's URL leads
	issuer       string         // "": the cluster's own
	createBucket bool
	prune        bool
	diff         bool
	dryRun       string
	output       string
	admin        adminFlags
	factory      *Factory
}

func newPublishCommand(f *Factory, run func(*publishCommand, context.Context) error) *cobra.Command {
	o := &publishCommand{factory: f}
	to := ""
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Make the issuer's discovery document and keys public",
		Long: `Make the issuer's discovery document and keys public.

Both are read from the API server, rewritten for the issuer's URL, merged with
the keys that are public already, and written to the bucket in that URL. Only
these two objects become public. At the end they are fetched as anybody would
fetch them. Keys that are public are never removed without --prune.`,
		Example: `  # Show what would be done, then do it
  kubectl irsa publish --create-bucket --dry-run
  kubectl irsa publish --create-bucket

  # After a key was rotated and tokens of the old one have expired
  kubectl irsa publish --prune

  # For a web server of your own
  kubectl irsa publish --to dir:/var/www/issuer`,
		Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(to); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&to, "to", "", "Where to: s3://BUCKET[/PREFIX], dir:PATH, or - for standard output; default: the bucket in the issuer's URL")
	flags.StringVar(&o.issuer, "issuer", "", "Publish the cluster's keys for this issuer, which is to sign later; default: the cluster's own")
	flags.BoolVar(&o.createBucket, "create-bucket", false, "Create the bucket where it is missing")
	flags.BoolVar(&o.prune, "prune", false, "Remove public keys that the cluster does not show (any more)")
	flags.BoolVar(&o.diff, "diff", false, "Show how the documents would change, and change nothing")
	dryRunFlag(cmd, &o.dryRun)
	o.admin.add(cmd)
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

func (o *publishCommand) complete(to string) error {
	if o.issuer != "" {
		if err := irsa.CheckIssuer(o.issuer); err != nil {
			return usageError{fmt.Errorf("--issuer: %w", err)}
		}
	}
	if to == "" {
		return nil
	}
	target, err := issuer.ParseTarget(to)
	if err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	if o.createBucket && target.Kind != issuer.ToS3 {
		return usagef("--create-bucket goes with a bucket, not with --to %s", to)
	}
	if o.diff && target.Kind == issuer.ToStdout {
		return usagef("--diff goes with a bucket or a directory, not with --to -")
	}
	o.target = &target
	return nil
}

func (o *publishCommand) run(ctx context.Context) error {
	publisher, err := o.publisher(ctx)
	if err != nil {
		return err
	}
	if publisher.Target.Kind == issuer.ToStdout {
		return o.printDocuments(ctx, publisher)
	}
	steps, err := publisher.Steps(ctx)
	if err != nil {
		return err
	}
	if o.diff {
		if _, err := plan.Look(ctx, steps); err != nil {
			return err
		}
		return o.printDiff(publisher)
	}
	return o.factory.runPlan(ctx, steps, planRun{dryRun: o.dryRun, output: o.output, report: func(outlook []plan.Outlook) printable {
		if o.dryRun == dryRunNone && !plan.Any(outlook, plan.Conflict, plan.Unknown, plan.Failed) {
			o.noteOutcome(publisher)
		}
		return o.report(outlook, publisher)
	}})
}

// noteOutcome says what is left open when all is published. How long STS keeps a key
// set that it has read AWS does not say.
func (o *publishCommand) noteOutcome(p *issuer.Publisher) {
	if reason := p.Unproven(); reason != nil {
		o.factory.note("note: no token's signature was checked: %v", reason)
	}
	added := slices.ContainsFunc(p.Keys(), func(k issuer.KeyReport) bool { return k.Change == issuer.KeyAdded })
	if added && p.Before().Keys != nil {
		o.factory.note("note: STS may keep the former key set for a while, and refuse tokens of the new key until it reads this one")
	}
}

// publisher reads the cluster and settles where its documents go.
func (o *publishCommand) publisher(ctx context.Context) (*issuer.Publisher, error) {
	c, err := o.factory.cluster()
	if err != nil {
		return nil, err
	}
	core, err := c.core()
	if err != nil {
		return nil, err
	}
	live, err := issuer.Read(ctx, core.RESTClient())
	if err != nil {
		return nil, kubeapi.Unreachable(err)
	}
	if o.issuer != "" && o.issuer != live.Discovery.Issuer {
		live.Discovery.Issuer, live.Discovery.JWKSURI = o.issuer, ""
	}
	target, err := targetFor(live.Discovery.Issuer, o.target)
	if err != nil {
		return nil, err
	}
	stranger, err := o.factory.stranger()
	if err != nil {
		return nil, err
	}
	p := &issuer.Publisher{Live: live, Target: target, Stranger: stranger, Now: o.factory.Now, CreateBucket: o.createBucket, Prune: o.prune, Ahead: o.issuer != ""}
	if o.dryRun == dryRunNone && !o.diff {
		p.Token = c.freshToken(core) // the server mints a real one even for a dry run
	}
	if target.Kind == issuer.ToS3 {
		admin, err := o.admin.admin(ctx, o.factory)
		if err != nil {
			return nil, err
		}
		if err := admin.HasCredentials(ctx); err != nil {
			return nil, err
		}
		p.S3, p.STS, p.Region = admin.S3, admin.STS, admin.Region
	}
	return p, nil
}

// targetFor is where an issuer's documents go, with advice where they cannot.
func targetFor(url string, asked *issuer.Target) (issuer.Target, error) {
	if service := issuer.Managed(url); service != "" {
		return issuer.Target{}, hint.Wrap(fmt.Errorf("%s publishes the documents of %s itself: there is nothing to publish", service, url),
			"kubectl irsa provider create")
	}
	if asked == nil || asked.Kind == issuer.ToS3 {
		if err := irsa.CheckIssuer(url); err != nil {
			return issuer.Target{}, hint.Wrap(err, "give the API server an issuer that can be public:",
				"kubectl irsa issuer plan --new-bucket")
		}
	}
	target, err := issuer.TargetFor(url, asked)
	if misfit, ok := errors.AsType[*issuer.MisfitError](err); ok {
		if misfit.NoneWasAsked {
			return target, hint.Wrap(err, "name the bucket or directory behind it", "kubectl irsa publish --to s3://BUCKET")
		}
		return target, hint.Wrap(err, "kubectl irsa publish --to "+misfit.Fits.String())
	}
	return target, err
}

// proofAudience is for tokens whose signature is all that is looked at.
const proofAudience = "kubectl-irsa"

// freshToken gives a token that the cluster signed: one of the ServiceAccount
// default, or the one that this program came with, as it does in a pod.
func (c *cluster) freshToken(core corev1client.CoreV1Interface) func(context.Context) (oidc.Token, error) {
	return func(ctx context.Context) (oidc.Token, error) {
		if own, err := c.ownToken(); err == nil {
			return own, nil
		}
		var refused error
		for _, namespace := range []string{c.namespace, "default", "kube-system"} {
			minted, err := token.Create(ctx, core.ServiceAccounts(namespace), token.Request{
				Namespace: namespace, ServiceAccount: "default", Audiences: []string{proofAudience}, Duration: token.MinDuration,
			})
			if err == nil {
				return oidc.ParseToken(minted.Raw())
			}
			refused = err
		}
		return oidc.Token{}, refused
	}
}

// ownToken is the ServiceAccount token with which the API server is asked.
func (c *cluster) ownToken() (oidc.Token, error) {
	raw := c.config.BearerToken
	if path := c.config.BearerTokenFile; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return oidc.Token{}, err
		}
		raw = string(text)
	}
	own, err := oidc.ParseToken(raw)
	if err == nil && !strings.HasPrefix(own.Claims.Subject, "system:serviceaccount:") {
		err = errors.New("it is no ServiceAccount's")
	}
	return own, err
}

// publishReport is the plan, and what the public will see.
type publishReport struct {
	planReport
	Issuer string             `json:"issuer"`
	Target string             `json:"target"`
	Keys   []issuer.KeyReport `json:"keys"`
}

func (o *publishCommand) report(outlook []plan.Outlook, p *issuer.Publisher) publishReport {
	r := publishReport{
		planReport: o.factory.planReport(outlook, o.dryRun), Issuer: p.Live.Discovery.Issuer, Target: p.Target.String(), Keys: p.Keys(),
	}
	if r.Keys == nil {
		r.Keys = []issuer.KeyReport{}
	}
	return r
}

// printDocuments writes both documents as one object whose members are their paths.
func (o *publishCommand) printDocuments(ctx context.Context, p *issuer.Publisher) error {
	docs, _, err := p.Public(ctx)
	if err != nil {
		return err
	}
	discovery, keys, err := docs.Bytes()
	if err != nil {
		return err
	}
	at := strings.TrimPrefix(docs.Discovery.JWKSURI, strings.TrimSuffix(docs.Discovery.Issuer, "/"))
	return o.factory.print(o.output, documentsReport{oidc.DiscoveryPath: discovery, at: keys})
}

// documentsReport are documents by their paths below the issuer.
type documentsReport map[string]json.RawMessage

func (d documentsReport) writeText(w writer) {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return // documents that were read as JSON are JSON
	}
	w.printf("%s\n", text)
}

func (o *publishCommand) printDiff(p *issuer.Publisher) error {
	text, err := p.Diff()
	if err == nil {
		_, err = fmt.Fprint(o.factory.Streams.Out, text)
	}
	return err
}
