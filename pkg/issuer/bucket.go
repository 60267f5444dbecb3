package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// S3 is the part of S3 that publishing reads and writes.
type S3 interface {
	ListBuckets(context.Context, *s3.ListBucketsInput, ...func(*s3.Options)) (*s3.ListBucketsOutput, error)
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	CreateBucket(context.Context, *s3.CreateBucketInput, ...func(*s3.Options)) (*s3.CreateBucketOutput, error)
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
	PutBucketTagging(context.Context, *s3.PutBucketTaggingInput, ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error)
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// STS says whose credentials these are.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// bucket is one bucket, addressed in its region and guarded by its owner's
// account: S3 refuses a call whose bucket belongs to another, so that a name
// which somebody else took meanwhile is never written to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
type bucket struct {
	s3     S3
	name   string
	region string
	owner  string // account ID, or what a server that is not AWS calls the owner
	fresh  bool   // made by this run: S3 may not find it for a moment
	open   bool   // anybody is to read the objects in it
	// sleep waits, or ends with ctx.
	sleep func(context.Context, time.Duration) error
}

func (b *bucket) options(o *s3.Options) {
	if b.region != "" {
		o.Region = b.region
	}
	// A checksum behind the body would be sent as aws-chunked, which some servers
	// then name as the object's own encoding.
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
}

// status is the HTTP status of an error that a server answered with, else 0.
func status(err error) int {
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return r.HTTPStatusCode()
	}
	return 0
}

// find is head, and asks further where the answer leaves open why it is a refusal.
// A server may have owners other than accounts: where it refuses the account, but
// lists the bucket among the caller's own, its name for the caller is expected from
// then on. AWS lists nobody else's buckets.
func (b *bucket) find(ctx context.Context) (region string, err error) {
	region, err = b.head(ctx)
	refused := status(err) == http.StatusForbidden
	if !refused && status(err) != http.StatusBadRequest {
		return region, err
	}
	out, listErr := b.s3.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &b.name}, b.options)
	if ctx.Err() != nil { // the refusal alone would say too much
		return "", context.Cause(ctx)
	}
	if code := awsapi.Code(listErr); code == "InvalidAccessKeyId" || code == "InvalidToken" {
		return "", b.notKnown(listErr)
	}
	if !refused || listErr != nil || out.Owner == nil || !slices.ContainsFunc(out.Buckets, func(own types.Bucket) bool { return aws.ToString(own.Name) == b.name }) {
		return "", err
	}
	other := *b
	other.owner = aws.ToString(out.Owner.ID)
	if region, listErr = other.head(ctx); listErr != nil {
		return "", err
	}
	b.owner = other.owner
	return region, nil
}

// taken reports whether a bucket is there that these credentials may not see.
func taken(err error) bool {
	return status(err) == http.StatusForbidden && awsapi.Code(err) != "InvalidAccessKeyId"
}

// notKnown is the refusal of credentials that STS takes and S3 in the bucket's region
// does not: regions know those of their own partition, and some only those of accounts
// that enabled them.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func (b *bucket) notKnown(err error) error {
	return hint.Wrap(awsapi.Brief(err),
		fmt.Sprintf("the region %s knows credentials of the partition %s, of accounts that have enabled it:", b.region, irsa.PartitionOf(b.region)),
		"aws account get-region-opt-status --region-name "+b.region)
}

// head looks for the bucket: its region where it exists, "" where it does not. In
// the wrong region S3 names the right one before it looks at the owner, so that the
// bucket is looked for there once more.
func (b *bucket) head(ctx context.Context) (region string, err error) {
	region, err = b.headHere(ctx)
	r, answered := errors.AsType[*awshttp.ResponseError](err)
	if !answered {
		return region, err
	}
	switch r.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusBadRequest, http.StatusTemporaryRedirect:
		there := *b
		if there.region = r.Response.Header.Get("X-Amz-Bucket-Region"); there.region != "" && there.region != b.region {
			return there.headHere(ctx)
		}
	}
	return region, err
}

func (b *bucket) headHere(ctx context.Context) (region string, err error) {
	out, err := b.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name, ExpectedBucketOwner: b.expect()}, b.options)
	if err == nil {
		if region = aws.ToString(out.BucketRegion); region == "" {
			region = b.region
		}
		return region, nil
	}
	if status(err) == http.StatusNotFound {
		return "", nil
	}
	return "", err
}

func (b *bucket) expect() *string {
	if b.owner == "" {
		return nil
	}
	return &b.owner
}

func (b *bucket) create(ctx context.Context) error {
	input := &s3.CreateBucketInput{Bucket: &b.name, ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}
	if b.region != "us-east-1" { // which S3 refuses as a constraint
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(b.region)}
	}
	if (Location{Bucket: b.name, Region: b.region}).Reserved() {
		input.BucketNamespace = types.BucketNamespaceAccountRegional
	}
	_, err := settled(ctx, b, b.s3.CreateBucket, input)
	b.fresh = err == nil
	if err == nil || awsapi.Code(err) == "BucketAlreadyOwnedByYou" {
		if _, err = b.find(ctx); err != nil {
			return fmt.Errorf("looking for the new bucket: %w", b.denied(err, "s3:ListBucket", ""))
		}
		return nil
	}
	switch awsapi.Code(err) {
	case "OperationAborted":
		return hint.Wrap(awsapi.Brief(err), "S3 may keep a name back for an hour after its bucket was deleted; then the same command goes on")
	case "BucketAlreadyExists":
		return hint.Wrap(awsapi.Brief(err), "the name was taken by another account; an issuer whose bucket is somebody else's must never be used",
			"kubectl irsa issuer plan --new-bucket")
	}
	return b.denied(err, "s3:CreateBucket", "")
}

// created is when the bucket was made, as the list of the caller's own says.
func (b *bucket) created(ctx context.Context) (time.Time, error) {
	out, err := b.s3.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &b.name}, b.options)
	if err != nil {
		return time.Time{}, fmt.Errorf("listing the buckets: %w", awsapi.Brief(err))
	}
	for _, own := range out.Buckets {
		if aws.ToString(own.Name) == b.name && own.CreationDate != nil {
			return *own.CreationDate, nil
		}
	}
	return time.Time{}, fmt.Errorf("the list of buckets does not say when %s was made", b.name)
}

// tags are the bucket's tags, nil where it has none.
func (b *bucket) tags(ctx context.Context) ([]types.Tag, error) {
	out, err := settled(ctx, b, b.s3.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: &b.name, ExpectedBucketOwner: b.expect()})
	if awsapi.Code(err) == "NoSuchTagSet" {
		return nil, nil
	}
	if err != nil {
		return nil, b.denied(err, "s3:GetBucketTagging", "")
	}
	return out.TagSet, nil
}

func (b *bucket) tag(ctx context.Context, tags []types.Tag) error {
	_, err := settled(ctx, b, b.s3.PutBucketTagging, &s3.PutBucketTaggingInput{
		Bucket: &b.name, ExpectedBucketOwner: b.expect(), Tagging: &types.Tagging{TagSet: tags},
	})
	return b.denied(err, "s3:PutBucketTagging", "")
}

// empty reports whether the bucket holds no object.
func (b *bucket) empty(ctx context.Context) (bool, error) {
	out, err := b.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, ExpectedBucketOwner: b.expect(), MaxKeys: aws.Int32(1)}, b.options)
	if err != nil {
		return false, b.denied(err, "s3:ListBucket", "")
	}
	return len(out.Contents) == 0, nil
}

// block is the bucket's Block Public Access, nil where it has none.
func (b *bucket) block(ctx context.Context) (*types.PublicAccessBlockConfiguration, error) {
	out, err := settled(ctx, b, b.s3.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: &b.name, ExpectedBucketOwner: b.expect()})
	switch {
	case awsapi.Code(err) == "NoSuchPublicAccessBlockConfiguration", status(err) == http.StatusNotImplemented:
		return nil, nil
	case err != nil:
		return nil, b.denied(err, "s3:GetBucketPublicAccessBlock", "")
	}
	return out.PublicAccessBlockConfiguration, nil
}

// putBlock replaces the configuration. It is never deleted: some servers take
// the whole bucket for what is to be deleted.
func (b *bucket) putBlock(ctx context.Context, c *types.PublicAccessBlockConfiguration) error {
	_, err := settled(ctx, b, b.s3.PutPublicAccessBlock, &s3.PutPublicAccessBlockInput{
		Bucket: &b.name, ExpectedBucketOwner: b.expect(), PublicAccessBlockConfiguration: c,
	})
	if status(err) == http.StatusNotImplemented {
		return nil
	}
	return b.denied(err, "s3:PutBucketPublicAccessBlock", "")
}

// policy is the text of the bucket policy, "" where there is none.
func (b *bucket) policy(ctx context.Context) (string, error) {
	out, err := settled(ctx, b, b.s3.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: &b.name, ExpectedBucketOwner: b.expect()})
	if awsapi.Code(err) == "NoSuchBucketPolicy" {
		return "", nil
	}
	if err != nil {
		return "", b.denied(err, "s3:GetBucketPolicy", "")
	}
	return aws.ToString(out.Policy), nil
}

func (b *bucket) putPolicy(ctx context.Context, text string) error {
	_, err := b.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &b.name, ExpectedBucketOwner: b.expect(), Policy: &text}, b.options)
	return err
}

// object is a stored object; etag "" means that there is none.
type object struct {
	body       []byte
	etag       string
	encryption types.ServerSideEncryption // "" where the server says nothing of it
}

// sealed reports whether a key of KMS encrypts an object: S3 then answers only those
// who sign, whatever the bucket policy says.
// https://repost.aws/knowledge-center/s3-kms-signature-version-error
func sealed(encryption types.ServerSideEncryption) bool {
	return strings.HasPrefix(string(encryption), "aws:kms")
}

// maxObject bounds what is read: a key set of 200 keys has 100 kB.
const maxObject = 1 << 20

func (b *bucket) get(ctx context.Context, key string) (object, error) {
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: b.expect()}, b.options)
	switch {
	case awsapi.Code(err) == "NoSuchKey", awsapi.Code(err) == "NoSuchBucket":
		return object{}, nil
	case err != nil:
		// Without s3:ListBucket a missing object is a 403 as well.
		return object{}, b.denied(err, "s3:GetObject and s3:ListBucket", key)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if err == nil && len(body) > maxObject {
		err = fmt.Errorf("it is larger than %d bytes", maxObject)
	}
	if err != nil {
		return object{}, fmt.Errorf("reading s3://%s/%s: %w", b.name, key, err)
	}
	return object{body: body, etag: aws.ToString(out.ETag), encryption: out.ServerSideEncryption}, nil
}

// errChanged means that an object is no longer the one that was read.
var errChanged = errors.New("somebody else wrote it at the same time")

// The headers of both documents. A short life in caches lets a new key be seen
// within a minute.
const (
	contentType  = "application/json"
	cacheControl = "public, max-age=60"
)

// put writes an object on the condition that it is still the one that was read. An
// object that anybody is to read must not take over the bucket's key of KMS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (b *bucket) put(ctx context.Context, key string, body []byte, was object) error {
	encryption := types.ServerSideEncryption("")
	if b.open && was.encryption != "" { // servers without any refuse to be asked for one
		encryption = types.ServerSideEncryptionAes256
	}
	out, err := b.write(ctx, key, body, was.etag, encryption)
	switch {
	case !b.open:
	case err == nil && sealed(out.ServerSideEncryption):
		_, err = b.write(ctx, key, body, aws.ToString(out.ETag), types.ServerSideEncryptionAes256)
	case strings.Contains(awsapi.Message(err), "perform: kms:"): // that key is not for these credentials either
		_, err = b.write(ctx, key, body, was.etag, types.ServerSideEncryptionAes256)
	}
	switch {
	case err == nil:
		return nil
	case status(err) == http.StatusPreconditionFailed, awsapi.Code(err) == "ConditionalRequestConflict",
		was.etag != "" && awsapi.Code(err) == "NoSuchKey":
		return errChanged
	}
	return b.denied(err, "s3:PutObject", key)
}

func (b *bucket) write(ctx context.Context, key string, body []byte, etag string, encryption types.ServerSideEncryption) (out *s3.PutObjectOutput, err error) {
	input := &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, ExpectedBucketOwner: b.expect(), ServerSideEncryption: encryption,
		ContentType: aws.String(contentType), CacheControl: aws.String(cacheControl),
	}
	if etag == "" {
		input.IfNoneMatch = aws.String("*")
	} else {
		input.IfMatch = &etag
	}
	err = b.until(ctx, b.unsettled, func() error {
		input.Body = bytes.NewReader(body) // each attempt reads it
		out, err = b.s3.PutObject(ctx, input, b.options)
		return err
	})
	return out, err
}

// denied says which permission a refused call needs, and on what.
func (b *bucket) denied(err error, permission, key string) error {
	if err == nil {
		return nil
	}
	brief := awsapi.Brief(err)
	if status(err) != http.StatusForbidden {
		return brief
	}
	arn := (Location{Bucket: b.name, Region: b.region}).ARN(key)
	if key == "" {
		arn = arn[:len(arn)-1]
	}
	return hint.Wrap(brief, fmt.Sprintf("the credentials need %s on %s", permission, arn))
}
