package issuer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

func TestWhatS3HasNotTakenInYetIsWaitedFor(t *testing.T) {
	aborted := func(action string) awstest.Fault {
		return awstest.Fault{Action: action, Code: "OperationAborted", Status: 409, Times: 2}
	}
	for name, tc := range map[string]struct {
		lag    int
		fault  awstest.Fault
		waited int
	}{
		"a new bucket is not found for a while":           {lag: 5, waited: 5},
		"a bucket of that name is still being deleted":    {fault: aborted("CreateBucket"), waited: 2},
		"another change of the tags is under way":         {fault: aborted("PutBucketTagging"), waited: 2},
		"another change of the block is under way":        {fault: aborted("PutPublicAccessBlock"), waited: 2},
		"another change of the policy is under way":       {fault: aborted("PutBucketPolicy"), waited: 2},
		"a policy is refused without a word on the block": {fault: awstest.Fault{Action: "PutBucketPolicy", Code: "AccessDenied", Message: "Access Denied", Times: 2}, waited: 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{BucketLag: tc.lag})
			if tc.fault.Action != "" {
				c.aws.Faults.Add(tc.fault)
			}
			if _, err := c.publish(t, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.waited, len(c.waited)); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
			c.settled(t)
		})
	}
}

// What has passed in the last pause is seen, and no pause is for nothing.
func TestTheLastThingThatPatienceDoesIsACall(t *testing.T) {
	busy := errors.New("busy")
	var calls, pauses int
	b := bucket{sleep: func(context.Context, time.Duration) error { pauses++; return nil }}
	err := b.until(t.Context(), func(err error) bool { return errors.Is(err, busy) }, func() error { calls++; return busy })
	if !errors.Is(err, busy) || calls != pauses+1 {
		t.Errorf("got %v after %d calls and %d pauses", err, calls, pauses)
	}
}

func TestABucketThatIsGoneIsNotWaitedFor(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "us-east-1")
	c.aws.Faults.Fail("PutBucketPolicy", "NoSuchBucket", 0)
	_, err := c.publish(t, nil)
	if failed, ok := errors.AsType[*plan.ApplyError](err); !ok || failed.Step.ID != StepPolicy || c.waited != nil {
		t.Errorf("got %v after %d pauses", err, len(c.waited))
	}
}

func TestBothWordingsOfABlockedPolicyAreKnown(t *testing.T) {
	for _, text := range []string{
		`User: arn:aws:iam::111122223333:user/admin is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::docs" because public policies are blocked by the BlockPublicPolicy block public access setting.`,
		`User: arn:aws:iam::111122223333:user/admin is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::docs" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`,
	} {
		c := newCluster(t, testIssuer, "RSA", awstest.Options{})
		c.aws.Faults.Add(awstest.Fault{Action: "PutBucketPolicy", Code: "AccessDenied", Message: text, Times: 3})
		if _, err := c.publish(t, nil); err != nil || len(c.waited) != 3 {
			t.Errorf("%v after %d pauses at %q", err, len(c.waited), text)
		}
	}
}

const globalIssuer = "https://shop-issuer.s3.amazonaws.com"

func TestABucketBehindTheGlobalNameIsMadeWhereThatNameLeads(t *testing.T) {
	c := newCluster(t, globalIssuer, "RSA", awstest.Options{})
	outlook, err := c.publish(t, func(p *Publisher) { p.Region = "eu-west-1" })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("in us-east-1, account 111122223333", outlook[0].Detail); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := c.outside(t).Err(); err != nil {
		t.Error(err)
	}
}

func TestABucketThatTheGlobalNameDoesNotLeadTo(t *testing.T) {
	c := newCluster(t, globalIssuer, "RSA", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "eu-west-1")
	_, err := c.publish(t, nil)
	failed, ok := errors.AsType[*plan.ApplyError](err)
	if !ok || failed.Step.ID != StepReachable {
		t.Fatalf("got %v", err)
	}
	want := []string{
		"the URL names no region, or another than the bucket's: S3 redirects, which AWS does not follow;",
		"let the issuer name it: https://shop-issuer.s3.eu-west-1.amazonaws.com",
	}
	if diff := cmp.Diff(want, hint.Lines(failed.Err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestABucketOfAnotherAccountInAnotherRegionIsNotTakenForOnesOwn(t *testing.T) {
	c := newCluster(t, globalIssuer, "RSA", awstest.Options{})
	c.aws.AddAccount("999988887777", "aws").AddBucket("shop-issuer", "eu-west-1")
	_, err := c.publish(t, nil)
	conflict, ok := errors.AsType[*plan.ConflictError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := "S3 answers 403: the bucket exists, and either belongs to an account other than 111122223333,\n" +
		"or these credentials (arn:aws:iam::111122223333:user/admin) lack s3:ListBucket on it. A name that is free would be 404."
	if diff := cmp.Diff(want, conflict.Conflicts[0].Detail); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARegionThatDoesNotKnowTheCredentialsIsNotABucketThatIsTaken(t *testing.T) {
	for _, status := range []int{400, 403} {
		c := newCluster(t, testIssuer, "RSA", awstest.Options{})
		code := map[int]string{400: "InvalidToken", 403: "InvalidAccessKeyId"}[status]
		c.aws.Faults.Add(awstest.Fault{Action: "HeadBucket", Code: code, Status: status}, awstest.Fault{Action: "ListBuckets", Code: code, Status: status})
		_, err := c.publish(t, nil)
		unseen, ok := errors.AsType[*plan.LookError](err)
		if !ok {
			t.Fatalf("%d: got %v", status, err)
		}
		want := []string{
			"the region us-east-1 knows credentials of the partition aws, of accounts that have enabled it:",
			"aws account get-region-opt-status --region-name us-east-1",
		}
		if diff := cmp.Diff(want, hint.Lines(unseen.Failures[0].Err)); diff != "" {
			t.Errorf("%d: hints (-want +got):\n%s", status, diff)
		}
	}
}

func TestAKeyOfKMSHidesNoDocument(t *testing.T) {
	t.Run("a bucket with one by default", func(t *testing.T) {
		c := newCluster(t, testIssuer, "RSA", awstest.Options{})
		c.aws.Account.AddBucket("shop-issuer", "us-east-1")
		c.aws.EncryptWithKMS("shop-issuer")
		if _, err := c.publish(t, nil); err != nil {
			t.Fatal(err)
		}
		c.settled(t)
	})
	t.Run("a bucket whose key these credentials may not use", func(t *testing.T) {
		c := newCluster(t, testIssuer, "RSA", awstest.Options{})
		for skip := range 2 { // the first writing of either document
			c.aws.Faults.Add(awstest.Fault{
				Action: "PutObject", Skip: skip, Times: 1, Code: "AccessDenied", Status: 403,
				Message: "User: arn:aws:iam::111122223333:user/admin is not authorized to perform: kms:GenerateDataKey on this resource because no resource-based policy allows the kms:GenerateDataKey action",
			})
		}
		if _, err := c.publish(t, nil); err != nil {
			t.Fatal(err)
		}
		c.settled(t)
	})
	t.Run("documents that have one already", func(t *testing.T) {
		c := newCluster(t, testIssuer, "RSA", awstest.Options{})
		if _, err := c.publish(t, nil); err != nil {
			t.Fatal(err)
		}
		c.aws.EncryptWithKMS("shop-issuer")
		for _, key := range []string{".well-known/openid-configuration", "openid/v1/jwks"} {
			c.aws.PutObject("shop-issuer", key, "application/json", c.aws.Object("shop-issuer", key))
		}
		c.aws.ForgetRequests()
		outlook, err := c.publish(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"PutObject", "PutObject"}, c.writes()); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
		want := testIssuer + ", which a key of KMS keeps from whoever has no credentials: it is written without one"
		if got := outlook[len(outlook)-2].Detail; got != want {
			t.Errorf("the discovery document: %q", got)
		}
		c.settled(t)
	})
}

func TestANameInTheAccountsOwnNamespaceIsAskedForThere(t *testing.T) {
	c := newCluster(t, "https://shop-111122223333-eu-west-1-an.s3.eu-west-1.amazonaws.com", "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.outside(t).Err(); err != nil {
		t.Error(err)
	}
	other := newCluster(t, "https://shop-999988887777-eu-west-1-an.s3.eu-west-1.amazonaws.com", "RSA", awstest.Options{})
	if _, err := other.publish(t, nil); err == nil {
		t.Error("a name in the namespace of another account was given")
	}
}

func TestAnInterruptedLookIsNoRefusal(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Faults.Add(awstest.Fault{Action: "HeadBucket", Code: "AccessDenied"}, awstest.Fault{Action: "ListBuckets", Kind: fault.Hang})
	ctx, cancel := context.WithCancelCause(t.Context())
	told := errors.New("told to end")
	time.AfterFunc(100*time.Millisecond, func() { cancel(told) })
	b := bucket{s3: c.publisher(t).S3, name: "shop-issuer", region: "us-east-1", owner: "111122223333"}
	if _, err := b.find(ctx); !errors.Is(err, told) {
		t.Errorf("got %v", err)
	}
}
