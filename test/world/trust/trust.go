// Package trust sets a world up the way the tutorial ends: documents published,
// a provider and a role that trusts one ServiceAccount, and a bucket to list.
package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Names that the trusted world uses.
const (
	Namespace      = "shop"
	ServiceAccount = "cart"
	Role           = "cart"
	DataBucket     = "cart-data"
)

// A Cluster is what setting up needs of an API server.
type Cluster interface {
	// Create stores an object at the path of its kind.
	Create(ctx context.Context, path string, object any) error
	// Get is the answer at a path.
	Get(ctx context.Context, path string) ([]byte, error)
}

// A Plan says what to set up.
type Plan struct {
	Issuer   string // without a trailing slash
	Bucket   string // the one that the issuer's documents are in
	Prefix   string // of the documents' keys: the issuer's path in the bucket, no slash at its ends
	Audience string // the provider's client id
	Account  string // the account's number
	Region   string

	Credentials aws.CredentialsProvider // of the account's administrator
	Client      *http.Client            // leads to AWS and trusts its certificates
}

// RoleARN is the role's.
func (p Plan) RoleARN() string { return "arn:aws:iam::" + p.Account + ":role/" + Role }

// Apply does all of it.
func (p Plan) Apply(ctx context.Context, cluster Cluster) error {
	if err := p.Objects(ctx, cluster); err != nil {
		return err
	}
	if err := p.createBuckets(ctx); err != nil {
		return err
	}
	if err := p.Publish(ctx, cluster); err != nil {
		return err
	}
	return p.trust(ctx)
}

// Objects creates the namespace and its ServiceAccounts: cart with the role's
// annotation, and default, which a controller makes in a whole cluster.
func (p Plan) Objects(ctx context.Context, cluster Cluster) error {
	meta := func(name string, annotations map[string]string) map[string]any {
		return map[string]any{"metadata": map[string]any{"name": name, "annotations": annotations}}
	}
	// https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
	annotations := map[string]string{"eks.amazonaws.com/role-arn": p.RoleARN()}
	if p.Audience != "sts.amazonaws.com" {
		annotations["eks.amazonaws.com/audience"] = p.Audience
	}
	accounts := "/api/v1/namespaces/" + Namespace + "/serviceaccounts"
	return errors.Join(
		cluster.Create(ctx, "/api/v1/namespaces", meta(Namespace, nil)),
		cluster.Create(ctx, accounts, meta("default", nil)),
		cluster.Create(ctx, accounts, meta(ServiceAccount, annotations)),
		cluster.Create(ctx, "/api/v1/namespaces/default/serviceaccounts", meta("default", nil)),
	)
}

// Publish copies the cluster's discovery document and key set into the bucket,
// the first with the second's public address in it.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
func (p Plan) Publish(ctx context.Context, cluster Cluster) error {
	text, err := cluster.Get(ctx, "/.well-known/openid-configuration")
	if err != nil {
		return err
	}
	var discovery map[string]any
	if err := json.Unmarshal(text, &discovery); err != nil {
		return fmt.Errorf("reading the discovery document: %w", err)
	}
	discovery["jwks_uri"] = p.Issuer + "/openid/v1/jwks"
	if text, err = json.Marshal(discovery); err != nil {
		return fmt.Errorf("writing the discovery document: %w", err)
	}
	keys, err := cluster.Get(ctx, "/openid/v1/jwks")
	if err != nil {
		return err
	}
	return errors.Join(
		p.put(ctx, p.Bucket, p.key(".well-known/openid-configuration"), "application/json", text),
		p.put(ctx, p.Bucket, p.key("openid/v1/jwks"), "application/jwk-set+json", keys),
	)
}

func (p Plan) createBuckets(ctx context.Context) error {
	client := p.s3()
	for _, bucket := range []string{p.Bucket, DataBucket} {
		if err := existing(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})); err != nil {
			return fmt.Errorf("creating bucket %s: %w", bucket, err)
		}
	}
	if err := p.unblock(ctx, client); err != nil {
		return err
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &p.Bucket, Policy: aws.String(document(
		map[string]any{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + p.Bucket + "/*"},
	))}); err != nil {
		return fmt.Errorf("making bucket %s public: %w", p.Bucket, err)
	}
	return p.put(ctx, DataBucket, "basket.json", "application/json", []byte(`{"apples": 3}`+"\n"))
}

// unblock lets the bucket have a public policy. A server that does not know how
// to block one has nothing to unblock.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (p Plan) unblock(ctx context.Context, client *s3.Client) error {
	_, err := client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &p.Bucket,
		PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true),
			BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: aws.Bool(false),
		},
	})
	if err = unless(err, "NotImplemented"); err != nil {
		return fmt.Errorf("letting bucket %s have a public policy: %w", p.Bucket, err)
	}
	return nil
}

func (p Plan) trust(ctx context.Context) error {
	client := p.iam()
	if err := existing(client.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: &p.Issuer, ClientIDList: []string{p.Audience},
	})); err != nil {
		return fmt.Errorf("creating the OIDC provider: %w", err)
	}
	provider := strings.TrimPrefix(p.Issuer, "https://")
	policy := document(map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]string{"Federated": "arn:aws:iam::" + p.Account + ":oidc-provider/" + provider},
		"Action":    "sts:AssumeRoleWithWebIdentity",
		"Condition": map[string]any{"StringEquals": map[string]string{
			provider + ":sub": "system:serviceaccount:" + Namespace + ":" + ServiceAccount,
			provider + ":aud": p.Audience,
		}},
	})
	if err := existing(client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String(Role), AssumeRolePolicyDocument: &policy,
	})); err != nil {
		return fmt.Errorf("creating role %s: %w", Role, err)
	}
	if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String(Role), PolicyName: aws.String("basket"),
		PolicyDocument: aws.String(document(
			map[string]any{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
			map[string]any{"Effect": "Allow", "Action": []string{"s3:ListBucket", "s3:GetObject", "s3:PutObject"},
				"Resource": []string{"arn:aws:s3:::" + DataBucket, "arn:aws:s3:::" + DataBucket + "/*"}},
		)),
	}); err != nil {
		return fmt.Errorf("giving role %s its policy: %w", Role, err)
	}
	return nil
}

func (p Plan) put(ctx context.Context, bucket, key, contentType string, body []byte) error {
	_, err := p.s3().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, ContentType: &contentType, Body: bytes.NewReader(body),
	})
	if err != nil {
		return fmt.Errorf("writing s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

func (p Plan) key(name string) string {
	if p.Prefix == "" {
		return name
	}
	return p.Prefix + "/" + name
}

func (p Plan) config() aws.Config {
	return aws.Config{Region: p.Region, HTTPClient: p.Client, Credentials: p.Credentials}
}

func (p Plan) s3() *s3.Client {
	return s3.NewFromConfig(p.config(), func(o *s3.Options) { o.UsePathStyle = true })
}

func (p Plan) iam() *iam.Client { return iam.NewFromConfig(p.config()) }

// document is a policy with the statements given.
func document(statements ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		panic(err) // maps of strings
	}
	return string(text)
}

// existing takes the result of a create call and forgives that the thing is
// there already.
func existing[T any](_ T, err error) error {
	return unless(err, "EntityAlreadyExists", "BucketAlreadyOwnedByYou")
}

// unless forgives an error that has one of the codes.
func unless(err error, codes ...string) error {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) && slices.Contains(codes, coded.ErrorCode()) {
		return nil
	}
	return err
}

// OpenDiscovery lets everybody, logged in or not, read the API server's
// discovery document and key set.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
func OpenDiscovery(ctx context.Context, cluster Cluster) error {
	const group = "rbac.authorization.k8s.io"
	subject := func(name string) map[string]string {
		return map[string]string{"kind": "Group", "apiGroup": group, "name": name}
	}
	return cluster.Create(ctx, "/apis/"+group+"/v1/clusterrolebindings", map[string]any{
		"metadata": map[string]string{"name": "discovery-for-everybody"},
		"roleRef":  map[string]string{"kind": "ClusterRole", "apiGroup": group, "name": "system:service-account-issuer-discovery"},
		"subjects": []any{subject("system:unauthenticated"), subject("system:authenticated")},
	})
}
