package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// accountBlock is Block Public Access of the account where it refuses every policy that
// lets everybody in, whatever the bucket's own says; nil where that is not known.
// S3 Control answers for an account as S3 does for a bucket, at another address, so that
// the one request needs no client of its own.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
func (b *bucket) accountBlock(ctx context.Context) *types.PublicAccessBlockConfiguration {
	out, err := b.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &b.name}, b.options, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("AccountOfBucket", b.askAccount), "Signing", middleware.Before)
		})
	})
	if err != nil || out.PublicAccessBlockConfiguration == nil || !aws.ToBool(out.PublicAccessBlockConfiguration.BlockPublicPolicy) {
		return nil
	}
	return out.PublicAccessBlockConfiguration
}

// relaxed is the line that lets policies of the account's buckets be public, and leaves
// what its block says of ACLs.
func relaxed(account string, block *types.PublicAccessBlockConfiguration) string {
	return fmt.Sprintf("aws s3control put-public-access-block --account-id %s --public-access-block-configuration "+
		"BlockPublicAcls=%t,IgnorePublicAcls=%t,BlockPublicPolicy=false,RestrictPublicBuckets=false",
		account, aws.ToBool(block.BlockPublicAcls), aws.ToBool(block.IgnorePublicAcls))
}

// askAccount leads a request about the bucket to its account.
func (b *bucket) askAccount(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("a request of type %T", in.Request)
	}
	_, domain, ok := strings.Cut(request.URL.Host, "s3."+b.region+".")
	if !ok || b.owner == "" {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, errors.New("only AWS has accounts with settings")
	}
	request.URL.Host = b.owner + ".s3-control." + b.region + "." + domain
	request.URL.Path, request.URL.RawPath, request.URL.RawQuery = "/v20180820/configuration/publicAccessBlock", "", ""
	request.Header.Set("X-Amz-Account-Id", b.owner)
	return next.HandleFinalize(ctx, in)
}
