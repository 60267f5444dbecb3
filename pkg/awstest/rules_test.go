package awstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

func TestIAMRefusesTagsAndDescriptionsAsItsPatternsSay(t *testing.T) {
	tag := func(pairs ...string) (tags []iamtypes.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			tags = append(tags, iamtypes.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return tags
	}
	for name, tc := range map[string]struct {
		tags        []iamtypes.Tag
		description *string
		want        string // code
	}{
		"an issuer's URL":               {tag("kubectl-irsa/issuer", "https://a.example.com/b_c:d=e@f+g"), nil, ""},
		"letters of any script":         {tag("Größe", "größer 大"), nil, ""},
		"an ampersand":                  {tag("a", "b & c"), nil, "ValidationError"},
		"no key":                        {tag("", "b"), nil, "ValidationError"},
		"a value of 257 characters":     {tag("a", strings.Repeat("ü", 257)), nil, "ValidationError"},
		"a key of AWS":                  {tag("AWS:x", "b"), nil, "InvalidInput"},
		"a key twice, but for its case": {tag("team", "a", "Team", "b"), nil, "InvalidInput"},
		"a description in Latin":        {nil, aws.String("für Körbe\tund mehr"), ""},
		"a description in Chinese":      {nil, aws.String("大"), "ValidationError"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			_, err := iamClient(srv, srv.Account.Admin).CreateRole(t.Context(), &iam.CreateRoleInput{
				RoleName: aws.String("r"), AssumeRolePolicyDocument: trust("Sid", `"a"`), Tags: tc.tags, Description: tc.description,
			})
			if got := refusalOf(err).Code; got != tc.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestS3RefusesTagsAsItsPatternsSay(t *testing.T) {
	for name, tc := range map[string]struct {
		key, value string
		want       string // code
	}{
		"an issuer's URL": {"kubectl-irsa/issuer", "https://a.example.com/b_c:d=e@f+g", ""},
		"an ampersand":    {"a", "b & c", "InvalidTag"},
		"a key of AWS":    {"aws:x", "b", "InvalidTag"},
		"no key":          {"", "b", "InvalidTag"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			srv.Account.AddBucket("docs", "")
			_, err := s3Client(srv, srv.Account.Admin).PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
				Bucket: aws.String("docs"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: &tc.key, Value: &tc.value}}},
			})
			if got := refusalOf(err).Code; got != tc.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUpdateRoleSetsWhatIsLeftOutToItsDefault(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddRole("cart", *trust("Sid", `"a"`))
	srv.Account.SetMaxSession("cart", 7200)
	client := iamClient(srv, srv.Account.Admin)
	if _, err := client.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: aws.String("cart"), Description: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("cart")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(int32(3600), *got.Role.MaxSessionDuration); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABlockThatWasDeletedIsNotFound(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "")
	client, bucket := s3Client(srv, srv.Account.Admin), aws.String("docs")
	if _, err := client.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: bucket})
	want := refusal{404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"}
	if diff := cmp.Diff(want, refusalOf(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStrangersCannotReadWhatAKeyOfKMSEncrypts(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "")
	srv.OpenToPublic("docs")
	srv.EncryptWithKMS("docs")
	client, bucket := s3Client(srv, srv.Account.Admin), aws.String("docs")
	for key, encryption := range map[string]types.ServerSideEncryption{"kms": "", "plain": types.ServerSideEncryptionAes256} {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: bucket, Key: &key, Body: strings.NewReader("x"), ServerSideEncryption: encryption,
		}); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]int{"kms": 400, "plain": 200} {
		if got, body, _ := anonymousGet(t, srv, "https://docs.s3.us-east-1.amazonaws.com/"+key); got != want {
			t.Errorf("%s: %d %s", key, got, body)
		}
	}
}

func TestTheGlobalNameRedirectsToABucketOfAnotherRegion(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddBucket("docs", "eu-west-1")
	srv.OpenToPublic("docs")
	srv.PutObject("docs", "a", "text/plain", []byte("x"))
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://docs.s3.amazonaws.com/a", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusTemporaryRedirect || response.Header.Get("Location") != "https://docs.s3.eu-west-1.amazonaws.com/a" {
		t.Errorf("%d, %v", response.StatusCode, response.Header)
	}
}
