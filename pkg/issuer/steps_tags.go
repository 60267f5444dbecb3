package issuer

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

func (p *Publisher) ownership() []types.Tag {
	return []types.Tag{
		{Key: aws.String(irsa.TagOwned), Value: aws.String("true")},
		{Key: aws.String(irsa.TagIssuer), Value: aws.String(p.Live.Discovery.Issuer)},
	}
}

// lookTags marks a bucket that this plan makes, and one that an interrupted run
// left behind. Any other bucket stays whose it is.
func (p *Publisher) lookTags(ctx context.Context) (plan.State, string, error) {
	detail := irsa.TagOwned + ", " + irsa.TagIssuer
	if !p.exists {
		return plan.Needed, detail, nil
	}
	tags, err := p.bucket.tags(ctx)
	if err != nil {
		return plan.Unknown, "", err
	}
	if slices.ContainsFunc(tags, func(t types.Tag) bool { return aws.ToString(t.Key) == irsa.TagOwned }) {
		return plan.Done, detail, nil
	}
	bare, err := p.bare(ctx, tags)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case !bare:
		return plan.Done, "it was there before, and stays somebody's own: cleanup leaves it", nil
	}
	if reason := p.grown(ctx); reason != "" {
		return plan.Done, "it was there before, empty, and stays somebody's own, since " + reason + ": cleanup leaves it", nil
	}
	return plan.Needed, "it is there, empty and without a tag, as an interrupted setup leaves it: cleanup deletes it", nil
}

// bare reports whether the bucket is as it was made: without any tag, and empty.
func (p *Publisher) bare(ctx context.Context, tags []types.Tag) (bool, error) {
	was, err := p.stored()
	if err != nil || len(tags) > 0 || was.outside || was.discovery.etag != "" || was.keys.etag != "" {
		return false, err
	}
	return p.bucket.empty(ctx)
}

// leftover is how old a bucket may be that an interrupted run left behind.
const leftover = time.Hour

// grown says why a bucket is not one that a run left behind a moment ago, ""
// where it may be. What cannot be known speaks against it: a bucket that stays is
// a smaller harm than one that is somebody else's and deleted.
func (p *Publisher) grown(ctx context.Context) string {
	made, err := p.bucket.created(ctx)
	switch {
	case err != nil:
		return "its age is not known (s3:ListAllMyBuckets)"
	case p.Now == nil || p.Now().Sub(made) > leftover:
		return "it was made " + made.UTC().Format(time.DateTime) + " UTC"
	}
	return ""
}

func (p *Publisher) applyTags(ctx context.Context) error {
	tags, err := p.bucket.tags(ctx)
	if err != nil {
		return err
	}
	ours := p.ownership()
	for _, t := range tags {
		if !slices.ContainsFunc(ours, func(o types.Tag) bool { return *o.Key == aws.ToString(t.Key) }) {
			ours = append(ours, t)
		}
	}
	return p.bucket.tag(ctx, ours)
}
