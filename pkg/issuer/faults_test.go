package issuer

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// inTurn are the calls of a whole publication, each named once.
func inTurn(t *testing.T) []string {
	t.Helper()
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	var names []string
	seen := map[string]bool{}
	for _, r := range c.aws.Requests() {
		if r.Signed && !seen[r.Action] {
			names = append(names, r.Action)
		}
		seen[r.Action] = true
	}
	return names
}

// settled asserts that a run comes to its end, and that a further one writes nothing.
func (c *cluster) settled(t *testing.T) {
	t.Helper()
	if _, err := c.publish(t, nil); err != nil {
		t.Fatalf("running again: %v", err)
	}
	if err := c.outside(t).Err(); err != nil {
		t.Errorf("after running again: %v", err)
	}
	c.aws.ForgetRequests()
	outlook, err := c.publish(t, nil)
	if err != nil || plan.Any(outlook, plan.Needed, plan.Applied, plan.Failed) || c.writes() != nil {
		t.Errorf("a further run changed something: %v, %v, %v", states(outlook), c.writes(), err)
	}
	if n := len(c.aws.Requests()); n > 12 {
		t.Errorf("a run with nothing to do made %d requests", n)
	}
}

func TestARefusedCallSaysWhatWasDoneAndRunningAgainGoesOn(t *testing.T) {
	made := map[string]string{
		"CreateBucket":         "done: nothing",
		"GetBucketTagging":     "done: create the bucket shop-issuer",
		"PutBucketTagging":     "done: create the bucket shop-issuer",
		"GetPublicAccessBlock": "done: create the bucket shop-issuer; mark the bucket shop-issuer as ours",
		"PutPublicAccessBlock": "done: create the bucket shop-issuer; mark the bucket shop-issuer as ours",
		"GetBucketPolicy":      "done: create the bucket shop-issuer; mark the bucket shop-issuer as ours; let a policy open the bucket shop-issuer",
		"PutBucketPolicy":      "done: create the bucket shop-issuer; mark the bucket shop-issuer as ours; let a policy open the bucket shop-issuer",
		"PutObject":            "done: create the bucket shop-issuer; mark the bucket shop-issuer as ours; let a policy open the bucket shop-issuer; let anybody read the two documents",
	}
	actions := inTurn(t)
	if len(actions) < 9 {
		t.Fatalf("only %v are called", actions)
	}
	for _, action := range actions {
		t.Run(action, func(t *testing.T) {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{})
			c.aws.Faults.Fail(action, "AccessDenied", 0)
			outlook, err := c.publish(t, nil)
			if err == nil {
				t.Fatal("it went through")
			}
			failed, applying := errors.AsType[*plan.ApplyError](err)
			if want, ok := made[action]; ok {
				if !applying || failed.Progress()[0] != want {
					t.Errorf("advice of %v", err)
				}
				if lines := hint.Lines(failed.Err); len(lines) == 0 || !strings.Contains(strings.Join(lines, "\n"), "s3:") {
					t.Errorf("no permission is named: %q", lines)
				}
			} else if applying || c.writes() != nil || plan.Any(outlook, plan.Applied) {
				t.Errorf("a look that failed changed something: %v, %v", err, c.writes())
			}
			if strings.Count(err.Error(), "AccessDenied") > 1 || !strings.Contains(err.Error(), "AccessDenied") && !strings.Contains(err.Error(), "403") {
				t.Errorf("the error says %q", err)
			}
			c.aws.Faults.Clear()
			c.settled(t)
		})
	}
}

func TestAKillBeforeAndBehindEachCallIsHealedByRunningAgain(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	calls := len(c.aws.Requests())
	for _, kind := range []fault.Kind{fault.Reset, fault.Lost} {
		for at := range calls {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{})
			// Nothing that follows the call gets through either: the process is gone.
			c.aws.Faults.Add(awstest.Fault{Kind: kind, Skip: at, Times: 1}, awstest.Fault{Kind: fault.Reset, Skip: at})
			_, _ = c.publish(t, nil) // where it ends, and whether it says so, is not the point
			c.aws.Faults.Clear()
			c.settled(t)
			if t.Failed() {
				t.Fatalf("after %s at call %d of %d", kind, at, calls)
			}
		}
	}
}

func TestWhatIsInTheWayOfTheBucket(t *testing.T) {
	tests := map[string]struct {
		prepare func(*cluster)
		change  func(*Publisher)
		want    string
	}{
		"it is missing": {
			change: func(p *Publisher) { p.CreateBucket = false },
			want:   "there is no such bucket in any account\n--create-bucket makes it",
		},
		"it is another account's": {
			prepare: func(c *cluster) { c.aws.AddAccount("999988887777", "aws").AddBucket("shop-issuer", "us-east-1") },
			want: "S3 answers 403: the bucket exists, and either belongs to an account other than 111122223333,\n" +
				"or these credentials (arn:aws:iam::111122223333:user/admin) lack s3:ListBucket on it. A name that is free would be 404.",
		},
		"it is in another region than the issuer says": {
			prepare: func(c *cluster) { c.aws.Account.AddBucket("shop-issuer", "eu-west-1") },
			want:    "the bucket is in eu-west-1 and the issuer's URL says us-east-1: S3 answers with a redirect, which AWS does not follow\n  issuer  " + testIssuer,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{})
			if tc.prepare != nil {
				tc.prepare(c)
			}
			_, err := c.publish(t, tc.change)
			conflict, ok := errors.AsType[*plan.ConflictError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tc.want, conflict.Conflicts[0].Detail); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.writes() != nil {
				t.Errorf("it wrote: %v", c.writes())
			}
		})
	}
}

func TestAnAccountThatBlocksPublicPoliciesIsNamed(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Account.BlockPublicAccess(true)
	_, err := c.publish(t, nil)
	failed, ok := errors.AsType[*plan.ApplyError](err)
	if !ok || failed.Step.ID != StepPolicy {
		t.Fatalf("got %v", err)
	}
	want := []string{
		"Block Public Access of the account refuses every public policy, whatever the bucket says; an administrator may relax it for policies:",
		"aws s3control put-public-access-block --account-id 111122223333 --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false",
		"where it has to stay on, put CloudFront before a private bucket and make its URL the issuer",
	}
	if c.waited != nil {
		t.Errorf("%d pauses before what is certain", len(c.waited))
	}
	if diff := cmp.Diff(want, hint.Lines(failed.Err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	c.aws.Account.BlockPublicAccess(false)
	c.settled(t)
}

func TestAnAccountWhoseBlockMayNotBeReadIsGuessed(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Account.BlockPublicAccess(true)
	c.aws.Faults.Fail("GetAccountPublicAccessBlock", "AccessDenied", 0)
	_, err := c.publish(t, nil)
	failed, ok := errors.AsType[*plan.ApplyError](err)
	if !ok || failed.Step.ID != StepPolicy || c.waited == nil {
		t.Fatalf("got %v after %d pauses", err, len(c.waited))
	}
	want := []string{
		"the bucket itself blocks no policy: Block Public Access of the account, or a policy of the organization, does",
		"an administrator of account 111122223333 sees it with: aws s3control get-public-access-block --account-id 111122223333",
		"where it has to stay on, put CloudFront before a private bucket and make its URL the issuer",
	}
	if diff := cmp.Diff(want, hint.Lines(failed.Err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}

func TestAServerWithoutBlockPublicAccessIsNoObstacle(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "us-east-1")
	c.aws.OpenToPublic("shop-issuer")
	c.aws.Faults.Fail("GetPublicAccessBlock", "NotImplemented", 0)
	c.aws.Faults.Fail("PutPublicAccessBlock", "NotImplemented", 0)
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
}

func TestThrottlingIsSaidAndHealedByRunningAgain(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Faults.Throttle("PutObject", 1)
	if _, err := c.publish(t, nil); err == nil || !strings.Contains(err.Error(), "SlowDown") {
		t.Errorf("got %v", err)
	}
	c.settled(t)
}

func TestABucketOfOnesOwnStaysOnesOwn(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	c.aws.Account.AddBucket("shop-issuer", "us-east-1")
	c.aws.PutObject("shop-issuer", "index.html", "text/html", []byte("mine"))
	outlook, err := c.publish(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]plan.State{
		StepBucket: plan.Done, StepTags: plan.Done, StepBlock: plan.Applied, StepPolicy: plan.Applied,
		StepKeys: plan.Applied, StepDiscovery: plan.Applied, StepReachable: plan.Applied,
	}
	if diff := cmp.Diff(want, states(outlook)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if response := anonymous(t, c, testIssuer+"/index.html"); response != http.StatusForbidden {
		t.Errorf("another object answers %d to everybody", response)
	}
}

func TestAnEmptyBucketIsOursOnlyWhereARunMayHaveLeftItAMomentAgo(t *testing.T) {
	type verdict struct {
		State  plan.State
		Detail string
	}
	ours := verdict{plan.Needed, "it is there, empty and without a tag, as an interrupted setup leaves it: cleanup deletes it"}
	made := time.Now().UTC()
	later := func(after time.Duration) func() time.Time {
		return func() time.Time { return made.Add(after) }
	}
	old := verdict{
		plan.Done, "it was there before, empty, and stays somebody's own, since it was made " + made.Format(time.DateTime) + " UTC: cleanup leaves it",
	}
	for name, tc := range map[string]struct {
		now    func() time.Time
		refuse string
		want   verdict
	}{
		"made a moment ago":            {later(time.Minute), "", ours},
		"made by a clock that is fast": {later(-time.Minute), "", ours},
		"made yesterday":               {later(24 * time.Hour), "", old},
		"no clock":                     {nil, "", old},
		"its age is not to be had": {later(time.Minute), "ListBuckets", verdict{
			plan.Done, "it was there before, empty, and stays somebody's own, since its age is not known (s3:ListAllMyBuckets): cleanup leaves it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, testIssuer, "RSA", awstest.Options{Now: later(0)})
			c.aws.Account.AddBucket("shop-issuer", "us-east-1")
			if tc.refuse != "" {
				c.aws.Faults.Fail(tc.refuse, "AccessDenied", 0)
			}
			p := c.publisher(t)
			p.Now = tc.now
			steps, err := p.Steps(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			outlook, _ := plan.Look(t.Context(), steps)
			if diff := cmp.Diff(tc.want, verdict{outlook[1].State, outlook[1].Detail}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// anonymous is the status with which a URL answers a stranger.
func anonymous(t *testing.T, c *cluster, url string) int {
	t.Helper()
	document, _ := oidc.Fetch(t.Context(), c.http(), url, oidc.Limits{})
	if document == nil {
		t.Fatalf("no answer from %s", url)
	}
	return document.Status
}
