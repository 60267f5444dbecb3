package awstest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

const (
	issuerURL = "https://oidc-test.s3.us-east-1.amazonaws.com"
	subject   = "system:serviceaccount:shop:cart"
	audience  = "sts.amazonaws.com"
)

// published is an issuer whose documents lie in a public bucket of the double.
func published(t *testing.T, aws *awstest.Server, keyType string) *awstest.Issuer {
	t.Helper()
	issuer, err := awstest.NewIssuer(issuerURL, keyType)
	if err != nil {
		t.Fatal(err)
	}
	aws.Account.AddBucket("oidc-test", "")
	aws.OpenToPublic("oidc-test")
	publish(aws, issuer)
	return issuer
}

func publish(aws *awstest.Server, issuer *awstest.Issuer) {
	aws.PutObject("oidc-test", ".well-known/openid-configuration", "application/json", issuer.Discovery())
	aws.PutObject("oidc-test", "openid/v1/jwks", "application/json", issuer.JWKS())
}

// refusal is what a test compares of an error.
type refusal struct {
	Status  int
	Code    string
	Message string
}

func refusalOf(err error) refusal {
	var api smithy.APIError
	var resp *awshttp.ResponseError
	if err == nil {
		return refusal{Status: http.StatusOK}
	}
	if !errors.As(err, &api) || !errors.As(err, &resp) {
		return refusal{Message: err.Error()}
	}
	return refusal{resp.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage()}
}

func exchange(t *testing.T, srv *awstest.Server, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	client := sts.NewFromConfig(srv.ConfigFor(nil), func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
	return client.AssumeRoleWithWebIdentity(t.Context(), in)
}

func TestAValidTokenIsExchangedForASession(t *testing.T) {
	for _, keyType := range []string{"RSA", "P-256", "P-384", "P-521"} {
		t.Run(keyType, func(t *testing.T) {
			srv := awstest.New(t)
			issuer := published(t, srv, keyType)
			role := srv.Trust(issuerURL, "cart", subject)
			srv.Account.SetRolePolicy("cart", "list", `{"Statement":{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}}`)
			token := issuer.Mint("shop", "cart", audience)
			out, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token,
				DurationSeconds: aws.Int32(900), Policy: aws.String(`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			type answer struct{ Subject, Audience, Provider, ARN string }
			want := answer{subject, audience, "arn:aws:iam::111122223333:oidc-provider/oidc-test.s3.us-east-1.amazonaws.com",
				"arn:aws:sts::111122223333:assumed-role/cart/me"}
			got := answer{*out.SubjectFromWebIdentityToken, *out.Audience, *out.Provider, *out.AssumedRoleUser.Arn}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if left := time.Until(*out.Credentials.Expiration); left < 895*time.Second || left > 900*time.Second {
				t.Errorf("the session lives %s, want 15 minutes", left)
			}
			if out.PackedPolicySize == nil {
				t.Error("no PackedPolicySize beside a policy")
			}
			session := srv.ConfigFor(credentials.NewStaticCredentialsProvider(
				*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
			who, err := sts.NewFromConfig(session).GetCallerIdentity(t.Context(), nil)
			if err != nil || *who.Arn != want.ARN {
				t.Errorf("GetCallerIdentity: %v, %v", who, err)
			}
			list, err := s3.NewFromConfig(session).ListBuckets(t.Context(), nil)
			if err != nil || len(list.Buckets) != 1 {
				t.Errorf("ListBuckets: %v, %v", list, err)
			}
		})
	}
}
