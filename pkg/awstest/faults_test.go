package awstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

func TestAnActionFailsAsOftenAsItShould(t *testing.T) {
	srv := awstest.New(t)
	issuer := published(t, srv, "P-256")
	role := srv.Trust(issuerURL, "cart", subject)
	token := issuer.Mint("shop", "cart", audience)
	srv.Faults.Add(
		awstest.Fault{Action: "AssumeRoleWithWebIdentity", Skip: 1, Times: 2, Code: "IDPCommunicationError"},
		awstest.Fault{Action: "iam:*", Times: 1, Code: "ServiceFailure"},
	)
	srv.Faults.Throttle("AssumeRoleWithWebIdentity", 1)
	var got []string
	for range 5 {
		_, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
		got = append(got, refusalOf(err).Code)
	}
	// The throttle takes the call that the first fault lets pass.
	if diff := cmp.Diff([]string{"Throttling", "IDPCommunicationError", "IDPCommunicationError", "", ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEachCallCanBeForbidden(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddRole("cart", "{}")
	srv.Account.AddBucket("docs", "")
	for _, action := range []string{"GetRole", "PutObject", "GetPublicAccessBlock"} {
		srv.Faults.Fail(action, "AccessDenied", 0)
	}
	_, err := iamClient(srv, srv.Account.Admin).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("cart")})
	got := []refusal{refusalOf(err)}
	_, err = s3Client(srv, srv.Account.Admin).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("docs"), Key: aws.String("a"), Body: strings.NewReader("b")})
	got = append(got, refusalOf(err))
	_, err = s3Client(srv, srv.Account.Admin).GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: aws.String("docs")})
	got = append(got, refusalOf(err))
	who := "User: arn:aws:iam::111122223333:user/admin is not authorized to perform: "
	want := []refusal{
		{403, "AccessDenied", who + "iam:GetRole on resource: arn:aws:iam::111122223333:role/cart because no identity-based policy allows the iam:GetRole action"},
		{403, "AccessDenied", who + `s3:PutObject on resource: "arn:aws:s3:::docs/a" because no identity-based policy allows the s3:PutObject action`},
		{403, "AccessDenied", who + `s3:GetBucketPublicAccessBlock on resource: "arn:aws:s3:::docs" because no identity-based policy allows the s3:GetBucketPublicAccessBlock action`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConnectionsBreakAndHang(t *testing.T) {
	call := func(srv *awstest.Server, timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		_, err := iamClient(srv, srv.Account.Admin).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("cart"), AssumeRolePolicyDocument: trust("Sid", `"a"`)})
		return err
	}
	for name, tc := range map[string]struct {
		fault   awstest.Fault
		timeout time.Duration
		made    bool
		is      func(error) bool
	}{
		"cut before anything is done": {awstest.Fault{Kind: fault.Reset}, time.Minute, false, func(err error) bool { return err != nil }},
		"the answer is lost":          {awstest.Fault{Kind: fault.Lost}, time.Minute, true, func(err error) bool { return err != nil }},
		"never answers":               {awstest.Fault{Kind: fault.Hang}, 200 * time.Millisecond, false, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"answers late":                {awstest.Fault{Kind: fault.Delay, Delay: 50 * time.Millisecond}, time.Minute, true, func(err error) bool { return err == nil }},
		"a proxy's page":              {awstest.Fault{Kind: fault.HTML, Status: 502}, time.Minute, false, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			srv.Faults.Add(tc.fault)
			start := time.Now()
			if err := call(srv, tc.timeout); !tc.is(err) {
				t.Errorf("got %v", err)
			}
			if tc.fault.Delay > 0 && time.Since(start) < tc.fault.Delay {
				t.Error("the answer was not late")
			}
			srv.Faults.Clear()
			_, err := iamClient(srv, srv.Account.Admin).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("cart")})
			if (err == nil) != tc.made {
				t.Errorf("the role is there: %v, want %v", err == nil, tc.made)
			}
			if got := srv.Requests()[0].Fault; got != string(tc.fault.Kind) {
				t.Errorf("recorded fault %q", got)
			}
		})
	}
}

func TestTheDateHeaderCanLie(t *testing.T) {
	srv := awstest.New(t)
	srv.Faults.MoveDate(-5 * time.Minute)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if off := time.Until(date); err != nil || off > -4*time.Minute || off < -6*time.Minute {
		t.Errorf("Date is %s off, %v", off, err)
	}
}
