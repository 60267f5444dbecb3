package issuer

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// Of Block Public Access only what keeps the two documents from being public is
// turned off; ACLs stay as they were.
func TestOnlyWhatBlocksAPolicyIsRelaxed(t *testing.T) {
	block := func(acls, ignore, policy, restrict bool) *types.PublicAccessBlockConfiguration {
		return &types.PublicAccessBlockConfiguration{BlockPublicAcls: &acls, IgnorePublicAcls: &ignore, BlockPublicPolicy: &policy, RestrictPublicBuckets: &restrict}
	}
	for name, tc := range map[string]struct {
		fresh bool // the bucket is made by us
		block *types.PublicAccessBlockConfiguration
		state plan.State
		want  *types.PublicAccessBlockConfiguration
	}{
		"a new bucket":                {fresh: true, state: plan.Applied, want: block(true, true, false, false)},
		"all of it":                   {block: block(true, true, true, true), state: plan.Applied, want: block(true, true, false, false)},
		"policies alone":              {block: block(false, true, true, false), state: plan.Applied, want: block(false, true, false, false)},
		"public buckets alone":        {block: block(true, false, false, true), state: plan.Applied, want: block(true, false, false, false)},
		"ACLs alone are no obstacle":  {block: block(true, true, false, false), state: plan.Done, want: block(true, true, false, false)},
		"nothing at all stays so too": {state: plan.Done},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "P-256", awstest.Options{})
			client := s3.NewFromConfig(c.aws.ConfigFor(c.as))
			bucket := aws.String("shop-issuer")
			if !tc.fresh {
				c.aws.Account.AddBucket(*bucket, "us-east-1")
				var err error
				if tc.block == nil {
					_, err = client.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: bucket})
				} else {
					_, err = client.PutPublicAccessBlock(t.Context(), &s3.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: tc.block})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			outlook, err := c.publish(t, func(p *Publisher) { p.CreateBucket = tc.fresh })
			if err != nil {
				t.Fatal(err)
			}
			if got := states(outlook)[StepBlock]; got != tc.state {
				t.Errorf("the step is %s, not %s", got, tc.state)
			}
			var got *types.PublicAccessBlockConfiguration
			if out, err := client.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: bucket}); err == nil {
				got = out.PublicAccessBlockConfiguration
			} else if tc.want != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(types.PublicAccessBlockConfiguration{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where nothing blocks a bucket that was there already, nothing is written even if
// the look was of another moment.
func TestABlockThatIsGoneMeanwhileIsNotMade(t *testing.T) {
	c := newCluster(t, testIssuer, "P-256", awstest.Options{})
	client := s3.NewFromConfig(c.aws.ConfigFor(c.as))
	bucket := aws.String("shop-issuer")
	c.aws.Account.AddBucket(*bucket, "us-east-1")
	steps, err := c.publisher(t).Steps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	outlook, err := plan.Look(t.Context(), steps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: bucket}); err == nil {
		t.Error("a block was made where there was none")
	}
}
