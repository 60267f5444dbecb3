package issuer

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// patience is how long S3 is given to take in a change: users report some ten
// seconds, AWS promises nothing.
const patience = 90 * time.Second

// settled makes a call until S3 has taken in the change before it.
func settled[I, O any](ctx context.Context, b *bucket, call func(context.Context, *I, ...func(*s3.Options)) (*O, error), input *I) (out *O, err error) {
	err = b.until(ctx, b.unsettled, func() error {
		out, err = call(ctx, input, b.options)
		return err
	})
	return out, err
}

// until repeats a call as long as it fails for a reason that passes, and patience
// lasts.
func (b *bucket) until(ctx context.Context, passes func(error) bool, call func() error) error {
	pause := b.sleep
	if pause == nil {
		pause = plan.Pause
	}
	err := call()
	for wait := range plan.Waits(patience) {
		if !passes(err) {
			return err
		}
		plan.Note(ctx, "waiting until S3 has taken in what was changed before")
		if err := pause(ctx, wait); err != nil {
			return err
		}
		err = call()
	}
	return err
}

// unsettled is the refusal of a call that came too soon: changes of a bucket exclude
// each other, and one that was just made is not found everywhere at once.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
func (b *bucket) unsettled(err error) bool {
	code := awsapi.Code(err)
	return code == "OperationAborted" || b.fresh && code == "NoSuchBucket"
}

// blocked reports whether Block Public Access refused a policy, in either of the
// wordings that AWS has used. Before 2024 it did not say why at all, and the China
// regions may not yet.
func blocked(err error) bool {
	return awsapi.Code(err) == "AccessDenied" && strings.Contains(awsapi.Message(err), "BlockPublicPolicy")
}

// bare reports whether a call was refused without a reason.
func bare(err error) bool {
	return awsapi.Code(err) == "AccessDenied" && awsapi.Message(err) == "Access Denied"
}
