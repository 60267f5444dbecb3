// Package provider keeps the IAM OIDC provider of an issuer: it finds it, makes
// it, registers audiences with it and deletes it where it is ours. ARNs are
// taken from IAM's answers and never built. What an issuer publishes is the
// business of package issuer.
package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// IAM is the part of IAM that this package reads and writes.
type IAM interface {
	ListOpenIDConnectProviders(context.Context, *iam.ListOpenIDConnectProvidersInput, ...func(*iam.Options)) (*iam.ListOpenIDConnectProvidersOutput, error)
	GetOpenIDConnectProvider(context.Context, *iam.GetOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.GetOpenIDConnectProviderOutput, error)
	CreateOpenIDConnectProvider(context.Context, *iam.CreateOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.CreateOpenIDConnectProviderOutput, error)
	DeleteOpenIDConnectProvider(context.Context, *iam.DeleteOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.DeleteOpenIDConnectProviderOutput, error)
	AddClientIDToOpenIDConnectProvider(context.Context, *iam.AddClientIDToOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.AddClientIDToOpenIDConnectProviderOutput, error)
	RemoveClientIDFromOpenIDConnectProvider(context.Context, *iam.RemoveClientIDFromOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error)
}

// A Provider is what IAM holds of one.
type Provider struct {
	ARN         string
	Issuer      string // with https://
	Audiences   []string
	Thumbprints []string // SHA-1, hex; IAM looks at them only where it does not know the CA
	Tags        map[string]string
	Created     time.Time
}

// Owned reports whether this program made the provider.
func (p *Provider) Owned() bool { return irsa.Owned(p.Tags, "") }

// Find looks for the provider of an issuer, byte for byte; nil where the
// account has none. IAM is asked for its list first, so that nothing has to be
// assumed about account and partition: it comes on one page, of a hundred entries
// unless the account's quota was raised
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). An
// issuer with a slash at its end has a provider with one.
func Find(ctx context.Context, client IAM, issuer string) (*Provider, error) {
	list, err := client.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return nil, fmt.Errorf("listing the OIDC providers: %w", awsapi.Denied(err, "iam:ListOpenIDConnectProviders"))
	}
	for _, entry := range list.OpenIDConnectProviderList {
		if _, resource, ok := strings.Cut(aws.ToString(entry.Arn), ":oidc-provider/"); ok && resource == name(issuer) {
			return Get(ctx, client, aws.ToString(entry.Arn))
		}
	}
	return nil, nil
}

// Get reads a provider by its ARN; nil where there is none.
func Get(ctx context.Context, client IAM, arn string) (*Provider, error) {
	out, err := client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	switch {
	case awsapi.Code(err) == "NoSuchEntity":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the OIDC provider %s: %w", arn, awsapi.Denied(err, "iam:GetOpenIDConnectProvider"))
	}
	return &Provider{
		ARN: arn, Issuer: "https://" + strings.TrimPrefix(aws.ToString(out.Url), "https://"),
		Audiences: out.ClientIDList, Thumbprints: out.ThumbprintList, Tags: awsapi.TagsOf(out.Tags),
		Created: aws.ToTime(out.CreateDate),
	}, nil
}

// The limits of a provider:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html.
const (
	maxURL         = 255
	maxAudience    = 255
	maxAudiences   = 100
	maxThumbprints = 5
)

// CheckAudience says why IAM would not take an audience.
func CheckAudience(audience string) error {
	switch {
	case audience == "":
		return fmt.Errorf("an audience is empty")
	case len(audience) > maxAudience:
		return fmt.Errorf("the audience has %d characters, and IAM takes %d", len(audience), maxAudience)
	}
	return nil
}

// CheckThumbprints says why IAM would not take these.
func CheckThumbprints(thumbprints []string) error {
	if len(thumbprints) > maxThumbprints {
		return fmt.Errorf("%d thumbprints, and IAM takes %d", len(thumbprints), maxThumbprints)
	}
	for _, t := range thumbprints {
		if len(t) != 40 || strings.Trim(strings.ToLower(t), "0123456789abcdef") != "" {
			return fmt.Errorf("%q is no thumbprint: the SHA-1 sum of a certificate, 40 hexadecimal digits", t)
		}
	}
	return nil
}

// missing are the audiences that the provider lacks, each once.
func (p *Provider) missing(audiences []string) []string {
	var lacking []string
	for _, a := range audiences {
		if !slices.Contains(p.Audiences, a) && !slices.Contains(lacking, a) {
			lacking = append(lacking, a)
		}
	}
	return lacking
}

// name is an issuer as the ARN of its provider has it.
func name(issuer string) string { return strings.TrimPrefix(issuer, "https://") }

// account is the one that an ARN names.
func account(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return "in account " + parts[4]
	}
	return arn
}
