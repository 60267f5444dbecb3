package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const (
	audience       = "sts.amazonaws.com"
	secondAudience = "second.example.com"
	namespace      = "shop"
	account        = "cart"
	rolePrefix     = "irsa-conformance"
)

// Target is a server to run the table against. It needs a bucket whose documents
// the server itself can fetch from https://BUCKET.s3.REGION.amazonaws.com.
type Target struct {
	Server Server
	// Client reaches the server; it has to trust its certificate.
	Client *http.Client
	// Admin may create providers, roles, buckets and objects.
	Admin aws.CredentialsProvider
	// Region is where everything is; us-east-1 where it is empty.
	Region string
	// Bucket is made, filled, and removed again.
	Bucket string
	// STS, IAM and S3 are base URLs; empty ones mean the true host names.
	STS, IAM, S3 string
	// Now is the clock of the tokens.
	Now func() time.Time
}

// fixture is what the cases need on the server.
type fixture struct {
	target    Target
	iam       *iam.Client
	s3        *s3.Client
	issuers   map[string]*awstest.Issuer // by key type; all of the good URL
	forger    *awstest.Issuer
	account   string
	partition string
	roles     map[RoleKind]string // ARNs
	providers []string            // ARNs
	objects   []string
}

func (t Target) url(kind IssuerKind) string {
	base := "https://" + t.Bucket + ".s3." + t.Region + ".amazonaws.com"
	switch kind {
	case Good:
		return base + "/good"
	case TrailingSlash:
		return base + "/good/"
	}
	return base + "/" + string(kind)
}

func newFixture(t Target) (*fixture, error) {
	if t.Region == "" {
		t.Region = "us-east-1"
	}
	config := aws.Config{Region: t.Region, Credentials: t.Admin, HTTPClient: t.Client}
	f := &fixture{
		target: t, issuers: map[string]*awstest.Issuer{}, roles: map[RoleKind]string{},
		iam: iam.NewFromConfig(config, func(o *iam.Options) { o.BaseEndpoint = endpoint(t.IAM) }),
		s3: s3.NewFromConfig(config, func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = endpoint(t.S3), t.S3 != ""
		}),
	}
	for _, keyType := range []string{"RSA", "P-256", "P-384", "P-521"} {
		issuer, err := awstest.NewIssuer(t.url(Good), keyType)
		if err != nil {
			return nil, err
		}
		issuer.Now = t.Now
		f.issuers[keyType] = issuer
	}
	var err error
	f.forger, err = awstest.NewIssuer(t.url(Good), "RSA")
	if err != nil {
		return nil, err
	}
	f.forger.Now = t.Now
	return f, nil
}

func endpoint(url string) *string {
	if url == "" {
		return nil
	}
	return &url
}

// build publishes the documents and makes providers and roles.
func (f *fixture) build(ctx context.Context) error {
	if err := f.makeBucket(ctx); err != nil {
		return fmt.Errorf("making bucket %s: %w", f.target.Bucket, err)
	}
	for _, kind := range []IssuerKind{Good, NoProvider, Deleted, OtherIssuer, EmptyKeySet, NotJSON} {
		if err := f.publish(ctx, kind); err != nil {
			return fmt.Errorf("publishing issuer %q: %w", kind, err)
		}
	}
	for _, kind := range []IssuerKind{Good, Deleted, NoDocuments, OtherIssuer, EmptyKeySet, NotJSON} {
		out, err := f.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
			Url: aws.String(f.target.url(kind)), ClientIDList: []string{audience, secondAudience},
		})
		if err != nil {
			return fmt.Errorf("creating the provider of issuer %q: %w", kind, err)
		}
		f.providers = append(f.providers, *out.OpenIDConnectProviderArn)
	}
	good := f.providers[0]
	parts := strings.SplitN(good, ":", 6)
	f.partition, f.account = parts[1], parts[4]
	f.roles[Absent] = "arn:" + f.partition + ":iam::" + f.account + ":role/" + rolePrefix + "-absent"
	for kind, policy := range trustPolicies(f.providers, f.target) {
		name := strings.TrimSuffix(rolePrefix+"-"+string(kind), "-")
		out, err := f.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &policy})
		if err != nil {
			return fmt.Errorf("creating role %s: %w", name, err)
		}
		f.roles[kind] = *out.Role.Arn
	}
	gone := f.providers[1]
	f.providers = append(f.providers[:1], f.providers[2:]...)
	if _, err := f.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &gone}); err != nil {
		return fmt.Errorf("deleting provider %s: %w", gone, err)
	}
	return nil
}

// makeBucket makes the bucket public, as far as the server knows such a thing.
func (f *fixture) makeBucket(ctx context.Context) error {
	input := &s3.CreateBucketInput{Bucket: &f.target.Bucket}
	if f.target.Region != "us-east-1" {
		input.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(f.target.Region),
		}
	}
	if _, err := f.s3.CreateBucket(ctx, input); err != nil {
		return err
	}
	_, err := f.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &f.target.Bucket,
		PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true),
			BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: aws.Bool(false),
		},
	})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NotImplemented" {
		err = nil
	}
	if err != nil {
		return err
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}`, f.target.Bucket)
	_, err = f.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &f.target.Bucket, Policy: &policy})
	return err
}

func (f *fixture) publish(ctx context.Context, kind IssuerKind) error {
	var keys oidc.KeySet
	for _, keyType := range []string{"RSA", "P-256", "P-384", "P-521"} {
		keys = keys.Union(f.issuers[keyType].KeySet())
	}
	url := f.target.url(kind)
	discovery := oidc.Discovery{
		Issuer: url, JWKSURI: url + "/keys.json", ResponseTypes: []string{"id_token"},
		SubjectTypes: []string{"public"}, SigningAlgorithms: keys.Algorithms(),
	}
	if kind == OtherIssuer {
		discovery.Issuer = f.target.url(Good)
	}
	document, err := discovery.Marshal()
	if err != nil {
		return err
	}
	set, err := keys.Marshal()
	if err != nil {
		return err
	}
	switch kind {
	case NotJSON:
		document = []byte("<!DOCTYPE html>\n<html><body>It works!</body></html>\n")
	case EmptyKeySet:
		set = []byte(`{"keys":[]}`)
	}
	prefix := strings.TrimPrefix(url, "https://"+f.target.Bucket+".s3."+f.target.Region+".amazonaws.com/")
	for path, body := range map[string][]byte{
		prefix + oidc.DiscoveryPath: document, prefix + "/keys.json": set,
	} {
		_, err := f.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &f.target.Bucket, Key: &path, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		})
		if err != nil {
			return err
		}
		f.objects = append(f.objects, path)
	}
	return nil
}

// trustPolicies are the policies of the roles; providers[0] is the good one.
func trustPolicies(providers []string, t Target) map[RoleKind]string {
	key := strings.TrimPrefix(t.url(Good), "https://")
	sub := awstest.Subject(namespace, account)
	allow := func(operator string, subject any, aud string) map[string]any {
		condition := map[string]any{"StringEquals": map[string]any{key + ":aud": aud}}
		if operator == "StringEquals" {
			condition["StringEquals"] = map[string]any{key + ":aud": aud, key + ":sub": subject}
		} else {
			condition[operator] = map[string]any{key + ":sub": subject}
		}
		return map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": map[string]any{"Federated": providers[0]}, "Condition": condition,
		}
	}
	deny := allow("StringEquals", sub, audience)
	deny["Effect"] = "Deny"
	ofDeleted := map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": map[string]any{"Federated": providers[1]},
		"Condition": map[string]any{"StringEquals": map[string]any{
			strings.TrimPrefix(t.url(Deleted), "https://") + ":aud": audience,
			strings.TrimPrefix(t.url(Deleted), "https://") + ":sub": sub,
		}},
	}
	policies := map[RoleKind]string{}
	// The good role trusts the other providers too, without a condition (the quota
	// is short), so that only the issuer is at fault in the cases about issuers.
	trusting := []any{allow("StringEquals", sub, audience), map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
		"Principal": map[string]any{"Federated": providers[2:]},
	}}
	for kind, statements := range map[RoleKind][]any{
		Trusting:     trusting,
		Pattern:      {allow("StringLike", "system:serviceaccount:"+namespace+":*", audience)},
		OtherSubject: {allow("StringEquals", awstest.Subject(namespace, "other"), audience)},
		OtherAud:     {allow("StringEquals", sub, secondAudience)},
		StarEquals:   {allow("StringEquals", "system:serviceaccount:"+namespace+":*", audience)},
		AnyOfMany:    {allow("StringEquals", []string{awstest.Subject(namespace, "other"), sub}, audience)},
		OnePerAud:    {allow("StringEquals", sub, secondAudience)},
		OfDeleted:    {ofDeleted},
		Denying:      {allow("StringEquals", sub, audience), deny},
	} {
		policies[kind] = document(statements)
	}
	return policies
}

func document(statements []any) string {
	out, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(out)
}

// remove takes away whatever build made, as far as it came, and reports every
// failure.
func (f *fixture) remove(ctx context.Context) error {
	var errs []error
	for kind, arn := range f.roles {
		if kind != Absent {
			_, err := f.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String(arn[strings.LastIndexByte(arn, '/')+1:])})
			errs = append(errs, err)
		}
	}
	for _, arn := range f.providers {
		_, err := f.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		errs = append(errs, err)
	}
	for _, key := range f.objects {
		_, err := f.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &f.target.Bucket, Key: &key})
		errs = append(errs, err)
	}
	_, err := f.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &f.target.Bucket})
	return errors.Join(append(errs, err)...)
}
