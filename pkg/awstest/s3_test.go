package awstest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

func s3Client(srv *awstest.Server, credentials aws.CredentialsProvider) *s3.Client {
	config := srv.ConfigFor(credentials)
	config.Retryer = once
	return s3.NewFromConfig(config)
}

func anonymousGet(t *testing.T, srv *awstest.Server, url string) (status int, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all), resp.Header
}

func publicPolicy(bucket string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + bucket + `/public.json"}]}`)
}

func relax(bucket string) *s3.PutPublicAccessBlockInput {
	return &s3.PutPublicAccessBlockInput{Bucket: &bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: aws.Bool(false),
	}}
}

const blocked = `User: arn:aws:iam::111122223333:user/admin is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::docs" because public policies are blocked by the BlockPublicPolicy block public access setting.`

func TestANewBucketIsPrivateAndOpensStepByStep(t *testing.T) {
	srv := awstest.New(t, awstest.Options{PublicAccessLag: 2})
	client, ctx, bucket := s3Client(srv, srv.Account.Admin), t.Context(), aws.String("docs")
	var got []refusal
	note := func(err error) { got = append(got, refusalOf(err)) }
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket, ACL: types.BucketCannedACLPublicRead})
	note(err)
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	note(err)
	for _, key := range []string{"public.json", "private.json"} {
		_, err = client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: &key, Body: strings.NewReader(`{"a":1}`), ContentType: aws.String("application/json"), CacheControl: aws.String("max-age=60"),
		})
		note(err)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("x"), Body: strings.NewReader(""), ACL: types.ObjectCannedACLPublicRead})
	note(err)
	_, err = client.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: bucket, ACL: types.BucketCannedACLPublicRead})
	note(err)
	policy := &s3.PutBucketPolicyInput{Bucket: bucket, Policy: publicPolicy("docs")}
	_, err = client.PutBucketPolicy(ctx, policy)
	note(err)
	_, err = client.PutPublicAccessBlock(ctx, relax("docs"))
	note(err)
	for range 3 { // the change arrives late
		_, err = client.PutBucketPolicy(ctx, policy)
		note(err)
	}
	ok, refused := refusal{Status: 200}, refusal{403, "AccessDenied", blocked}
	want := []refusal{
		{400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"}, ok, ok, ok,
		{400, "AccessControlListNotSupported", "The bucket does not allow ACLs"},
		{400, "AccessControlListNotSupported", "The bucket does not allow ACLs"},
		refused, ok, refused, refused, ok,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var statuses []int
	for range 3 {
		status, _, _ := anonymousGet(t, srv, "https://docs.s3.us-east-1.amazonaws.com/public.json")
		statuses = append(statuses, status)
	}
	if diff := cmp.Diff([]int{403, 403, 200}, statuses); diff != "" {
		t.Errorf("anonymous reads (-want +got):\n%s", diff)
	}
	_, body, header := anonymousGet(t, srv, "https://s3.us-east-1.amazonaws.com/docs/public.json")
	if body != `{"a":1}` || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "max-age=60" || header.Get("Server") != "AmazonS3" {
		t.Errorf("read %q with %v", body, header)
	}
	for path, wantBody := range map[string]string{"private.json": "<Code>AccessDenied</Code><Message>Access Denied</Message>", "missing.json": "<Code>AccessDenied</Code>"} {
		if status, body, _ := anonymousGet(t, srv, "https://docs.s3.us-east-1.amazonaws.com/"+path); status != 403 || !strings.Contains(body, wantBody) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	srv.Account.BlockPublicAccess(true)
	_, err = client.PutBucketPolicy(ctx, policy)
	if diff := cmp.Diff(refused, refusalOf(err)); diff != "" {
		t.Errorf("the account's block wins (-want +got):\n%s", diff)
	}
}

func TestBucketsOfOthersAreToldFromThoseThatAreNot(t *testing.T) {
	srv := awstest.New(t)
	other := srv.AddAccount("444455556666", "")
	other.AddBucket("theirs", "")
	srv.Account.AddBucket("mine", "")
	srv.Account.AddBucket("far-away", "eu-west-1")
	client, ctx := s3Client(srv, srv.Account.Admin), t.Context()
	head := func(bucket string, owner *string) refusal {
		_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket, ExpectedBucketOwner: owner})
		r := refusalOf(err)
		r.Message = "" // HEAD has no body
		return r
	}
	create := func(bucket string) refusal {
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
		return refusalOf(err)
	}
	list := func(bucket string) refusal {
		_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		return refusalOf(err)
	}
	got := []refusal{
		head("mine", nil), head("mine", aws.String("444455556666")), head("theirs", nil), head("nowhere", nil),
		create("theirs"), create("mine"), create("Not_A_Name"),
		list("nowhere"), list("far-away"), list("theirs"),
	}
	want := []refusal{
		{Status: 200}, {403, "Forbidden", ""}, {403, "Forbidden", ""}, {404, "NotFound", ""},
		{409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
		{Status: 200},
		{400, "InvalidBucketName", "The specified bucket is not valid."},
		{404, "NoSuchBucket", "The specified bucket does not exist"},
		{301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."},
		{403, "AccessDenied", `User: arn:aws:iam::111122223333:user/admin is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::theirs" because no identity-based policy allows the s3:ListBucket action`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	west := srv.Config()
	west.Region, west.Retryer = "eu-west-1", once
	_, err := s3.NewFromConfig(west).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("far-away"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
	if r := refusalOf(err); r.Status != 409 || r.Code != "BucketAlreadyOwnedByYou" {
		t.Errorf("one's own bucket in another region: %+v", r)
	}
	_, err = s3.NewFromConfig(west).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("new-one")})
	if r := refusalOf(err); r.Code != "IllegalLocationConstraintException" {
		t.Errorf("no location in another region: %+v", r)
	}
}

func TestConditionalWritesLoseNothing(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "")
	client, ctx := s3Client(srv, srv.Account.Admin), t.Context()
	put := func(body string, ifMatch, ifNoneMatch *string) (string, refusal) {
		out, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String("docs"), Key: aws.String("keys.json"), Body: strings.NewReader(body), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch,
		})
		if err != nil {
			return "", refusalOf(err)
		}
		return *out.ETag, refusalOf(nil)
	}
	_, missing := put("x", aws.String(`"abc"`), nil)
	first, created := put("one", nil, aws.String("*"))
	_, twice := put("two", nil, aws.String("*"))
	second, matched := put("two", &first, nil)
	_, stale := put("three", &first, nil)
	lost := refusal{412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	want := []refusal{{404, "NoSuchKey", "The specified key does not exist."}, {Status: 200}, lost, {Status: 200}, lost}
	if diff := cmp.Diff(want, []refusal{missing, created, twice, matched, stale}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if string(srv.Object("docs", "keys.json")) != "two" || first == second {
		t.Errorf("kept %q", srv.Object("docs", "keys.json"))
	}
}

func TestObjectsAreListedByFolderAndPage(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "")
	for _, key := range []string{"a", "b/1", "b/2", "c d+é", "e"} {
		srv.PutObject("docs", key, "text/plain", []byte(key))
	}
	var got []string
	pages := s3.NewListObjectsV2Paginator(s3Client(srv, srv.Account.Admin), &s3.ListObjectsV2Input{
		Bucket: aws.String("docs"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(2),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
		got = append(got, "|")
	}
	if diff := cmp.Diff([]string{"a", "b/", "|", "c d+é", "e", "|"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTagsOwnershipAndStatusOfABucket(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "")
	client, ctx, bucket := s3Client(srv, srv.Account.Admin), t.Context(), aws.String("docs")
	_, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	if r := refusalOf(err); r.Code != "NoSuchTagSet" {
		t.Errorf("no tags: %+v", r)
	}
	if _, err := client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("owner"), Value: aws.String("me")}}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "me" {
		t.Errorf("tags: %v, %v", tags, err)
	}
	_, err = client.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: bucket})
	if r := refusalOf(err); r.Code != "NoSuchBucketPolicy" {
		t.Errorf("no policy: %+v", r)
	}
	srv.OpenToPublic("docs")
	status, err := client.GetBucketPolicyStatus(ctx, &s3.GetBucketPolicyStatusInput{Bucket: bucket})
	if err != nil || !*status.PolicyStatus.IsPublic {
		t.Errorf("status: %v, %v", status, err)
	}
	ownership, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	if err != nil || ownership.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership: %v, %v", ownership, err)
	}
	srv.PutObject("docs", "x", "text/plain", nil)
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	if r := refusalOf(err); r.Status != 409 || r.Code != "BucketNotEmpty" {
		t.Errorf("deleting it full: %+v", r)
	}
	if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("x")}}}}); err != nil {
		t.Error(err)
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err != nil {
		t.Error(err)
	}
}
