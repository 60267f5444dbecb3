package issuer

import (
	"net/http"
	"strconv"
	"strings"
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
		bare  bool // of a server that blocks nothing unless it is told
		block *types.PublicAccessBlockConfiguration
		state plan.State
		want  *types.PublicAccessBlockConfiguration
	}{
		"a new bucket":                  {fresh: true, state: plan.Applied, want: block(true, true, false, false)},
		"a new one that nothing blocks": {fresh: true, bare: true, state: plan.Applied, want: block(true, true, false, false)},
		"all of it":                     {block: block(true, true, true, true), state: plan.Applied, want: block(true, true, false, false)},
		"policies alone":                {block: block(false, true, true, false), state: plan.Applied, want: block(false, true, false, false)},
		"public buckets alone":          {block: block(true, false, false, true), state: plan.Applied, want: block(true, false, false, false)},
		"ACLs alone are no obstacle":    {block: block(true, true, false, false), state: plan.Done, want: block(true, true, false, false)},
		"nothing at all stays so too":   {state: plan.Done},
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
			if tc.bare {
				c.aws.Faults.Add(awstest.Fault{Action: "GetPublicAccessBlock", Code: "NoSuchPublicAccessBlockConfiguration", Status: http.StatusNotFound})
			}
			outlook, err := c.publish(t, func(p *Publisher) { p.CreateBucket = tc.fresh })
			if err != nil {
				t.Fatal(err)
			}
			if got := states(outlook)[StepBlock]; got != tc.state {
				t.Errorf("the step is %s, not %s", got, tc.state)
			}
			c.aws.Faults.Clear()
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

// A document of another issuer is not replaced, and nothing else is written.
func TestADocumentOfAnotherIssuerIsInTheWay(t *testing.T) {
	c := newCluster(t, testIssuer, "P-256", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "us-east-1")
	other, err := awstest.NewIssuer(testIssuer+"/other", "P-256")
	if err != nil {
		t.Fatal(err)
	}
	c.aws.PutObject("shop-issuer", ".well-known/openid-configuration", "application/json", other.Discovery())
	outlook, err := c.publish(t, nil)
	if err == nil || states(outlook)[StepDiscovery] != plan.Conflict || c.writes() != nil {
		t.Errorf("%v, writes %v, error %v", states(outlook), c.writes(), err)
	}
	for _, o := range outlook {
		if o.Step.ID == StepDiscovery && !strings.HasPrefix(o.Detail, "the document there is another issuer's\n") {
			t.Errorf("it says %s", o.Detail)
		}
	}
}

// A refusal that says nothing is waited for only where a block was relaxed just now.
func TestARefusalIsNotWaitedForWhereNothingWasRelaxed(t *testing.T) {
	c := newCluster(t, testIssuer, "P-256", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "us-east-1")
	client := s3.NewFromConfig(c.aws.ConfigFor(c.as))
	if _, err := client.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("shop-issuer")}); err != nil {
		t.Fatal(err)
	}
	c.aws.Faults.Add(awstest.Fault{Action: "PutBucketPolicy", Code: "AccessDenied", Message: "Access Denied"})
	if _, err := c.publish(t, nil); err == nil || len(c.waited) > 0 {
		t.Errorf("waited %v, error %v", c.waited, err)
	}
}

// Of a prune only what the cluster does not sign with is doomed.
func TestOnlyKeysOfNobodyAreDoomed(t *testing.T) {
	c := newCluster(t, testIssuer, "P-256", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	former := c.issuer.KeySet().IDs()
	if err := c.issuer.Rotate("P-256"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	c.issuer.DropOldKeys()
	p := c.publisher(t)
	p.Prune = true
	steps, err := p.Steps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Look(t.Context(), steps); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(former, p.merge.Doomed.IDs()); diff != "" {
		t.Errorf("doomed (-want +got):\n%s", diff)
	}
}

// What is pasted relaxes policies alone: an account that has ACLs in use keeps them.
func TestTheLineThatRelaxesAnAccountLeavesItsACLs(t *testing.T) {
	for _, ignored := range []bool{true, false} {
		block := &types.PublicAccessBlockConfiguration{IgnorePublicAcls: &ignored, BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true)}
		want := "aws s3control put-public-access-block --account-id 111122223333 --public-access-block-configuration BlockPublicAcls=false,IgnorePublicAcls=" +
			strconv.FormatBool(ignored) + ",BlockPublicPolicy=false,RestrictPublicBuckets=false"
		if diff := cmp.Diff(want, relaxed("111122223333", block)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
