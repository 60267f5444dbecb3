package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

type tokenCommand struct {
	serviceAccount       string
	audiences            []string
	duration             time.Duration
	raw                  bool
	boundKind, boundName string
	output               string

	typed   *pflag.FlagSet
	factory *Factory
}

func newTokenCommand(f *Factory, run func(*tokenCommand, context.Context) error) *cobra.Command {
	o := &tokenCommand{factory: f}
	cmd := &cobra.Command{
		Use:   "token SERVICEACCOUNT",
		Short: "Ask for a token and show its claims",
		Long: `Ask for a token and show its claims, and how far they verify.

The token itself is printed with --raw, and only it.`,
		Example: `  # The claims that AWS would see
  kubectl irsa token cart -n shop

  # The token, for a call by hand
  aws sts assume-role-with-web-identity --role-arn ARN --role-session-name me \
    --web-identity-token "$(kubectl irsa token cart -n shop --raw)"`,
		Args: needs("SERVICEACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(o, cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	o.typed = flags
	flags.StringArrayVar(&o.audiences, "audience", []string{irsa.DefaultAudience}, "Audience of the token; may be repeated")
	flags.DurationVar(&o.duration, "duration", 0, "Life of the token, at least 10m; default: the server's")
	flags.BoolVar(&o.raw, "raw", false, "Print the token itself, and nothing else")
	flags.StringVar(&o.boundKind, "bound-object-kind", "", "Kind of an object whose end is the token's end: Pod, Secret or Node")
	flags.StringVar(&o.boundName, "bound-object-name", "", "Name of that object")
	outputFlag(cmd, &o.output, "json", "yaml")
	return cmd
}

func (o *tokenCommand) complete(args []string) (err error) {
	if o.serviceAccount, err = serviceAccountName(args[0]); err != nil {
		return err
	}
	for _, audience := range o.audiences {
		if audience == "" {
			return usagef("--audience must not be empty")
		}
	}
	if o.typed.Changed("duration") {
		if err := token.CheckDuration(o.duration); err != nil {
			return usageError{fmt.Errorf("--duration: %w", err)}
		}
	}
	if (o.boundKind == "") != (o.boundName == "") {
		return usagef("--bound-object-kind and --bound-object-name go together")
	}
	if _, known := token.BoundKinds[o.boundKind]; o.boundKind != "" && !known {
		return usagef("--bound-object-kind %q: use Pod, Secret or Node", o.boundKind)
	}
	if o.raw && o.output != "" {
		return usagef("--raw prints the token and nothing else: leave out -o")
	}
	return nil
}

func (o *tokenCommand) run(ctx context.Context) error {
	c, err := o.factory.cluster()
	if err != nil {
		return err
	}
	core, err := c.core()
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	request := token.Request{Namespace: c.namespace, ServiceAccount: o.serviceAccount, Audiences: o.audiences, Duration: o.duration}
	if o.boundKind != "" {
		request.Bound = &authenticationv1.BoundObjectReference{Kind: o.boundKind, APIVersion: token.BoundKinds[o.boundKind], Name: o.boundName}
	}
	minted, err := token.Create(ctx, core.ServiceAccounts(c.namespace), request)
	if err != nil {
		return err
	}
	if o.raw {
		_, err := fmt.Fprintln(o.factory.Streams.Out, minted.Raw())
		return err
	}
	parsed, err := oidc.ParseToken(minted.Raw())
	if err != nil {
		return fmt.Errorf("reading the token: %w", err)
	}
	return o.factory.print(o.output, tokenReportOf(parsed, verify(ctx, core.RESTClient(), parsed), o.factory.Now()))
}

// tokenReport is a token without its signature.
type tokenReport struct {
	TypeMeta
	Header   tokenHeader   `json:"header"`
	Claims   tokenClaims   `json:"claims"`
	Verified tokenVerified `json:"verified"`

	now time.Time
}

type tokenHeader struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid,omitempty"`
}

type tokenClaims struct {
	Issuer     string                 `json:"iss"`
	Subject    string                 `json:"sub"`
	Audience   []string               `json:"aud"`
	IssuedAt   time.Time              `json:"iat"`
	NotBefore  time.Time              `json:"nbf"`
	Expiry     time.Time              `json:"exp"`
	ID         string                 `json:"jti,omitempty"`
	Kubernetes *oidc.KubernetesClaims `json:"kubernetes.io,omitempty"`
}

// tokenVerified says how far a token verifies: against the keys that the API
// server serves. Signature is true, false, or null where it could not be looked at.
type tokenVerified struct {
	Signature *bool  `json:"signature"`
	Detail    string `json:"detail"`
}

func tokenReportOf(t oidc.Token, verified tokenVerified, now time.Time) tokenReport {
	return tokenReport{
		TypeMeta: typeMeta("Token"),
		Header:   tokenHeader{t.Header.Algorithm, t.Header.KeyID},
		Claims: tokenClaims{t.Claims.Issuer, t.Claims.Subject, t.Claims.Audience, t.Claims.IssuedAt, t.Claims.NotBefore,
			t.Claims.Expiry, t.Claims.ID, t.Claims.Kubernetes},
		Verified: verified, now: now,
	}
}

func (r tokenReport) writeText(w writer) {
	rows := [][]string{
		{"issuer", r.Claims.Issuer},
		{"subject", r.Claims.Subject},
		{"audience", strings.Join(r.Claims.Audience, ", ")},
		{"issued", r.Claims.IssuedAt.Local().Format("2006-01-02 15:04:05")},
		{"expires", until(r.Claims.Expiry, r.now)},
		{"algorithm", r.Header.Algorithm},
		{"key", r.Header.KeyID},
		{"signature", r.Verified.Detail},
	}
	if k := r.Claims.Kubernetes; k != nil {
		for _, bound := range []struct {
			kind string
			to   *oidc.ObjectRef
		}{{"pod", k.Pod}, {"secret", k.Secret}, {"node", k.Node}} {
			if bound.to != nil {
				rows = append(rows, []string{"bound to", bound.kind + "/" + bound.to.Name})
			}
		}
	}
	w.table(rows)
}
