package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

func TestWhatKeepsStrangersOutOfTheBucket(t *testing.T) {
	const at = "https://docs.s3.eu-west-1.amazonaws.com/.well-known/openid-configuration"
	denied := said("AccessDenied", "no")
	for name, tc := range map[string]struct {
		answer *oidc.StatusError
		blocks Known[[]string]
		want   Result
	}{
		"the bucket shuts strangers out": {
			&oidc.StatusError{URL: at, Status: 403}, Known[[]string]{Value: []string{restrictPublicBuckets, blockPublicPolicy}},
			Result{Status: "fail", Cause: "PUB2", Detail: at + ": S3 answers 403: bucket docs has RestrictPublicBuckets and BlockPublicPolicy on, which shuts strangers out whatever its policy says"},
		},
		"the bucket refuses a public policy": {
			&oidc.StatusError{URL: at, Status: 403}, Known[[]string]{Value: []string{blockPublicPolicy}},
			Result{Status: "fail", Cause: "PUB2", Detail: at + ": S3 answers 403: bucket docs has BlockPublicPolicy on, which refuses a policy that lets strangers in"},
		},
		"the bucket blocks nothing": {
			&oidc.StatusError{URL: at, Status: 403, Server: "AmazonS3", Code: "AccessDenied"}, Known[[]string]{},
			Result{Status: "fail", Cause: "PUB1", Detail: at + ": S3 answers 403: bucket docs blocks no public access itself: the object is private or missing, or the account's own block shuts strangers out"},
		},
		"nobody may ask the bucket": {
			&oidc.StatusError{URL: at, Status: 403, Server: "AmazonS3", Code: "AccessDenied"}, Known[[]string]{Err: denied},
			Result{Status: "fail", Cause: "PUB2", Detail: at + ": S3 answers 403 AccessDenied: the object is private or missing, or the bucket blocks public access\nthese AWS credentials lack the permission s3:GetBucketPublicAccessBlock"},
		},
		"there are no credentials": {
			&oidc.StatusError{URL: at, Status: 403, Server: "AmazonS3", Code: "AccessDenied"}, Known[[]string]{Err: ErrNoCredentials},
			Result{Status: "fail", Cause: "PUB2", Detail: at + ": S3 answers 403 AccessDenied: the object is private or missing, or the bucket blocks public access"},
		},
		"it is not in S3": {
			&oidc.StatusError{URL: "https://example.com/x", Status: 403}, Known[[]string]{Err: ErrNotAsked},
			Result{Status: "fail", Cause: "PUB1", Detail: "https://example.com/x is not public: status 403"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Discovery.Err, f.Blocks = tc.answer, tc.blocks
			tc.want.Fix = []string{"kubectl irsa publish"}
			if diff := cmp.Diff(tc.want, discoveryPublic(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBucketOwned(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Facts)
		want   Result
	}{
		"the account's own": {func(f *Facts) { f.Owned.Value = true }, Result{Status: "pass", Detail: "cluster"}},
		"somebody else's": {func(*Facts) {}, Result{
			Status: "warn", Cause: "PROV4",
			Detail: "bucket cluster is not one of account 111122223333: whoever owns it can sign for this cluster; if no account of yours does, delete the provider",
			Fix:    []string{"aws s3api get-object --bucket cluster --key .well-known/openid-configuration --expected-bucket-owner ACCOUNT /dev/null # fails unless ACCOUNT owns it"},
		}},
		"somebody else's, below a path": {func(f *Facts) { f.Issuer += "/prod" }, Result{
			Status: "warn", Cause: "PROV4",
			Detail: "bucket cluster is not one of account 111122223333: whoever owns it can sign for this cluster; if no account of yours does, delete the provider",
			Fix:    []string{"aws s3api get-object --bucket cluster --key prod/.well-known/openid-configuration --expected-bucket-owner ACCOUNT /dev/null # fails unless ACCOUNT owns it"},
		}},
		"nobody may list":  {func(f *Facts) { f.Owned.Err = said("AccessDenied", "no") }, Result{Status: "unknown", Detail: "these AWS credentials lack the permission s3:ListAllMyBuckets"}},
		"it is not in S3":  {func(f *Facts) { f.Issuer = "https://example.com" }, Result{Status: "skip", Detail: "the issuer is not in S3"}},
		"there is none":    {func(f *Facts) { f.Discovery.Err = &oidc.StatusError{Status: 404, Code: "NoSuchBucket"} }, Result{Status: "skip", Detail: "there is no bucket"}},
		"it shuts all out": {func(f *Facts) { f.Discovery.Err = &oidc.StatusError{Status: 403}; f.Owned.Value = true }, Result{Status: "pass", Detail: "cluster"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.change(&f)
			if diff := cmp.Diff(tc.want, bucketOwned(f)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
