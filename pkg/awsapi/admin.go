package awsapi

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// AdminOptions choose the credentials of commands that look into IAM and S3 or
// change them.
type AdminOptions struct {
	Profile     string // "" takes the SDK's usual sources
	Region      string // "" takes the SDK's usual sources, else us-east-1
	Files       Files
	Application string // names this program in the user agent

	Profiles func() []string // those that may hold credentials, for advice where there are none; nil knows none
}

// Files are those of the shared configuration; "" is where the SDK looks itself,
// which takes AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE as they stand, ~ and
// all.
type Files struct{ Config, Credentials string }

func (f Files) options() (options []func(*config.LoadOptions) error) {
	if f.Config != "" {
		options = append(options, config.WithSharedConfigFiles([]string{f.Config}))
	}
	if f.Credentials != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{f.Credentials}))
	}
	return options
}

// Admin are the clients of whoever builds a chain of trust or looks inside it.
// They share one pool of connections.
type Admin struct {
	IAM    *iam.Client
	S3     *s3.Client
	STS    *sts.Client
	Region string

	credentials aws.CredentialsProvider
}

// NewAdmin makes the clients from the environment and the shared configuration
// as the SDK reads them. Nothing is dialled and no credentials are fetched yet.
func NewAdmin(ctx context.Context, o AdminOptions) (*Admin, error) {
	options := append(o.Files.options(),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(defaultPatience)),
		config.WithAPIOptions(userAgent(o.Application)),
		config.WithRetryer(newRetryer))
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		options = append(options, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	cfg.HTTPClient = patient{cfg.HTTPClient, defaultPatience}
	if cfg.Region == "" {
		cfg.Region = irsa.RoleARN{}.Region()
	}
	cfg.Credentials = explained{cfg.Credentials, o.Profiles}
	return &Admin{
		// IAM has one region in a partition, and refuses a signature for another.
		IAM: iam.NewFromConfig(cfg, func(o *iam.Options) {
			o.Region = irsa.RoleARN{Partition: irsa.PartitionOf(cfg.Region)}.Region()
		}),
		S3:          s3.NewFromConfig(cfg, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }),
		STS:         sts.NewFromConfig(cfg),
		Region:      cfg.Region,
		credentials: cfg.Credentials,
	}, nil
}

// HasCredentials fetches the credentials that calls will be signed with, and
// says why there are none. It asks no AWS service but those that give
// credentials.
func (a *Admin) HasCredentials(ctx context.Context) error {
	_, err := a.credentials.Retrieve(ctx)
	return missing(err)
}

// missing is the error of credentials that could not be had, nil where err is.
func missing(err error) error {
	if none, ok := errors.AsType[*noCredentials](err); ok {
		return none.advised()
	}
	if err != nil {
		return fmt.Errorf("finding AWS credentials: %w", err)
	}
	return nil
}
