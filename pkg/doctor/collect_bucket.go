package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// owned reports whether the issuer's bucket is one of the caller's account. S3
// answers 403 to who asks a bucket about its owner, whether the owner is another
// or the asker may not look; the list of the account's own buckets has no such
// doubt. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (a *account) owned(ctx context.Context, t Target, issuer string) *later[bool] {
	return ask(func() (bool, error) {
		at, inS3 := irsa.ParseS3URL(issuer)
		if !t.Home || !inS3 {
			return false, ErrNotAsked
		}
		clients := a.clients.get()
		if clients.Err != nil {
			return false, clients.Err
		}
		out, err := clients.Value.S3.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &at.Bucket})
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(out.Buckets, func(b types.Bucket) bool { return aws.ToString(b.Name) == at.Bucket }) {
			return true, nil
		}
		if out.ContinuationToken != nil {
			return false, fmt.Errorf("the list of buckets whose name begins with %s has another page", at.Bucket)
		}
		return false, nil
	})
}

// Settings of Block Public Access that keep strangers from what a bucket policy
// lets them read. The other two are about ACLs, which nothing here uses.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
const (
	blockPublicPolicy     = "BlockPublicPolicy"
	restrictPublicBuckets = "RestrictPublicBuckets"
)

// blocks are those settings that are on for the bucket of a document that S3
// refused to a stranger.
func (a *account) blocks(ctx context.Context, f *Facts) ([]string, error) {
	at, refused := f.refusedBucket()
	if !refused {
		return nil, ErrNotAsked
	}
	clients := a.clients.get()
	if clients.Err != nil {
		return nil, clients.Err
	}
	out, err := clients.Value.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &at.Bucket}, func(o *s3.Options) {
		if at.Region != "" {
			o.Region = at.Region
		}
	})
	if unset(err) {
		return nil, nil
	}
	if err != nil || out.PublicAccessBlockConfiguration == nil {
		return nil, err
	}
	var on []string
	if aws.ToBool(out.PublicAccessBlockConfiguration.RestrictPublicBuckets) {
		on = append(on, restrictPublicBuckets)
	}
	if aws.ToBool(out.PublicAccessBlockConfiguration.BlockPublicPolicy) {
		on = append(on, blockPublicPolicy)
	}
	return on, nil
}

// unset reports whether a bucket has no Block Public Access, or its server knows
// of none.
func unset(err error) bool {
	response, answered := errors.AsType[*awshttp.ResponseError](err)
	return awsapi.Code(err) == "NoSuchPublicAccessBlockConfiguration" ||
		answered && response.HTTPStatusCode() == http.StatusNotImplemented
}

// refusedBucket is the bucket of the first document that S3 refused to a
// stranger.
func (f *Facts) refusedBucket() (irsa.S3Object, bool) {
	for _, err := range []error{f.Discovery.Err, f.Keys.Err} {
		if status, ok := errors.AsType[*oidc.StatusError](err); ok && status.Status == http.StatusForbidden {
			return irsa.ParseS3URL(status.URL)
		}
	}
	return irsa.S3Object{}, false
}
