package issuer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// S3Remover is the part of S3 that withdrawing reads and writes.
type S3Remover interface {
	S3
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	DeleteBucket(context.Context, *s3.DeleteBucketInput, ...func(*s3.Options)) (*s3.DeleteBucketOutput, error)
}

// The IDs of the steps of a Withdrawal.
const (
	StepDeleteObjects = "objects-delete"
	StepDeleteBucket  = "bucket-delete"
)

// A Withdrawal deletes an issuer's documents and their bucket, where publishing
// made the bucket for that issuer. It is used for one plan. Whoever trusts the
// issuer has to stop doing so before: the bucket's name is free afterwards.
type Withdrawal struct {
	S3       S3Remover
	STS      STS
	Issuer   string
	Location Location
	Region   string // where the location names none
	// Named says that somebody asked for this very bucket: one that is not ours
	// is in the way then, and otherwise left alone.
	Named bool

	once   sync.Once
	bucket bucket
	state  bucketState
	err    error
}

type bucketState struct {
	exists, ours bool
	whose        string   // why it is not ours
	documents    []string // keys that publishing wrote
	others       []string // a few of the keys that it did not
}

// Ours reports whether the bucket is there and was made for the issuer.
func (w *Withdrawal) Ours(ctx context.Context) (bool, error) {
	state, err := w.look(ctx)
	return state.ours, err
}

func (w *Withdrawal) look(ctx context.Context) (bucketState, error) {
	w.once.Do(func() { w.state, w.err = w.find(ctx) })
	return w.state, w.err
}

func (w *Withdrawal) find(ctx context.Context) (s bucketState, err error) {
	identity, err := w.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return s, fmt.Errorf("asking whose credentials these are: %w", awsapi.Brief(err))
	}
	w.bucket = bucket{s3: w.S3, name: w.Location.Bucket, region: RegionFor(w.Issuer, w.Location, w.Region), owner: aws.ToString(identity.Account)}
	region, err := w.bucket.find(ctx)
	switch {
	case taken(err):
		return bucketState{exists: true, whose: "S3 answers 403: it belongs to another account, or these credentials lack s3:ListBucket on it"}, nil
	case err != nil:
		return s, fmt.Errorf("looking for the bucket %s: %w", w.bucket.name, awsapi.Brief(err))
	case region == "":
		return s, nil
	}
	w.bucket.region, s.exists = region, true
	tags, err := w.bucket.tags(ctx)
	if err != nil {
		return s, err
	}
	owned, url := "", ""
	for _, t := range tags {
		switch aws.ToString(t.Key) {
		case irsa.TagOwned:
			owned = aws.ToString(t.Value)
		case irsa.TagIssuer:
			url = aws.ToString(t.Value)
		}
	}
	switch {
	case owned != "true":
		s.whose = "it was not made by kubectl irsa"
		return s, nil
	case url != w.Issuer:
		s.whose = "it was made for another issuer: " + url
		return s, nil
	}
	s.ours = true
	return s, w.list(ctx, &s)
}

// few is how many strange objects are named.
const few = 3

// list tells the documents from what others put into the bucket.
func (w *Withdrawal) list(ctx context.Context, s *bucketState) error {
	p := &Publisher{Target: Target{Location: w.Location}, Live: Live{}, bucket: w.bucket}
	p.Live.Discovery.Issuer = w.Issuer
	was, err := p.inBucket(ctx)
	if err != nil {
		return err
	}
	known := []string{p.Target.Location.DiscoveryKey(), p.keysKey(was), p.Target.Location.key(JWKSPath)}
	pages := s3.NewListObjectsV2Paginator(w.S3, &s3.ListObjectsV2Input{Bucket: &w.bucket.name, ExpectedBucketOwner: w.bucket.expect()})
	for pages.HasMorePages() && len(s.others) <= few {
		page, err := pages.NextPage(ctx, w.bucket.options)
		if err != nil {
			return fmt.Errorf("listing the bucket %s: %w", w.bucket.name, w.bucket.denied(err, "s3:ListBucket", ""))
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); slices.Contains(known, key) {
				s.documents = append(s.documents, key)
			} else {
				s.others = append(s.others, key)
			}
		}
	}
	return nil
}

// Steps delete the documents and then the bucket.
func (w *Withdrawal) Steps() []plan.Step {
	return []plan.Step{
		{ID: StepDeleteObjects, Title: "delete the documents in " + w.Location.String(), Removes: true, Look: w.lookObjects, Apply: w.deleteObjects},
		{ID: StepDeleteBucket, Title: "delete the bucket " + w.Location.Bucket, Removes: true, Look: w.lookBucket, Apply: w.deleteBucket},
	}
}

// untouched is the look at a bucket that is missing or not ours.
func (w *Withdrawal) untouched(s bucketState) (plan.State, string) {
	switch {
	case !s.exists:
		return plan.Done, "there is none"
	case w.Named:
		return plan.Conflict, s.whose
	}
	return plan.Done, s.whose + ", so it stays"
}

func (w *Withdrawal) lookObjects(ctx context.Context) (plan.State, string, error) {
	s, err := w.look(ctx)
	switch {
	case err != nil:
		return plan.Needed, "", nil // the next step says why
	case !s.ours:
		return plan.Done, "", nil
	case len(s.documents) == 0:
		return plan.Done, "there are none", nil
	}
	return plan.Needed, strings.Join(s.documents, ", "), nil
}

func (w *Withdrawal) deleteObjects(ctx context.Context) error {
	for _, key := range w.state.documents {
		_, err := w.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &w.bucket.name, Key: &key, ExpectedBucketOwner: w.bucket.expect()}, w.bucket.options)
		if err != nil && awsapi.Code(err) != "NoSuchKey" && awsapi.Code(err) != "NoSuchBucket" {
			return w.bucket.denied(err, "s3:DeleteObject", key)
		}
	}
	return nil
}

func (w *Withdrawal) lookBucket(ctx context.Context) (plan.State, string, error) {
	s, err := w.look(ctx)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case !s.ours:
		state, detail := w.untouched(s)
		return state, detail, nil
	case len(s.others) > 0:
		more := ""
		if len(s.others) > few {
			more = ", and more"
		}
		return plan.Conflict, "it holds what publishing did not write: " + strings.Join(s.others[:min(few, len(s.others))], ", ") + more +
			"\naws s3 ls --recursive s3://" + w.bucket.name, nil
	}
	if (Location{Bucket: w.bucket.name, Region: w.bucket.region}).Reserved() {
		return plan.Needed, "in " + w.bucket.region, nil
	}
	return plan.Needed, "in " + w.bucket.region + "; anybody may take the name afterwards", nil
}

func (w *Withdrawal) deleteBucket(ctx context.Context) error {
	_, err := settled(ctx, &w.bucket, w.S3.DeleteBucket, &s3.DeleteBucketInput{Bucket: &w.bucket.name, ExpectedBucketOwner: w.bucket.expect()})
	switch awsapi.Code(err) {
	case "NoSuchBucket":
		return nil
	case "BucketNotEmpty":
		return hint.Wrap(awsapi.Brief(err), "it holds objects, or old versions of some",
			"aws s3api list-object-versions --bucket "+w.bucket.name)
	}
	return w.bucket.denied(err, "s3:DeleteBucket", "")
}
