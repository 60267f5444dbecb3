package awstest_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
			want := answer{subject, audience, issuerURL,
				"arn:aws:sts::111122223333:assumed-role/cart/me"}
			got := answer{*out.SubjectFromWebIdentityToken, *out.Audience, *out.Provider, *out.AssumedRoleUser.Arn}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if left := time.Until(*out.Credentials.Expiration); left < 895*time.Second || left > 900*time.Second {
				t.Errorf("the session lives %s, want 15 minutes", left)
			}
			if out.SessionTokenSize == nil || int(*out.SessionTokenSize) != len(*out.Credentials.SessionToken) {
				t.Error("SessionTokenSize is not that of the session token")
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

func proxyURL(t *testing.T, address string) func(*http.Request) (*url.URL, error) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return http.ProxyURL(u)
}

func TestTheDocumentsOfAnIssuerAreReallyFetched(t *testing.T) {
	srv := awstest.New(t)
	issuer := published(t, srv, "P-256")
	role := srv.Trust(issuerURL, "cart", subject)
	token := issuer.Mint("shop", "cart", audience)
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token}
	srv.ForgetRequests()
	if _, err := exchange(t, srv, in); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range srv.Requests() {
		got = append(got, fmt.Sprintf("%s %s signed=%v %d", r.Name(), r.Params["Key"], r.Signed, r.Status))
	}
	want := []string{
		"s3:GetObject .well-known/openid-configuration signed=false 200",
		"s3:GetObject openid/v1/jwks signed=false 200",
		"sts:AssumeRoleWithWebIdentity  signed=false 200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	last := srv.Requests()[2]
	if last.Params["WebIdentityToken"] != awstest.Redact(token) || last.Header.Get("X-Amz-Security-Token") != "" || last.Header.Get("User-Agent") == "" {
		t.Errorf("recorded %+v", last)
	}
	if strings.Contains(fmt.Sprint(srv.Requests()), token) {
		t.Error("the token is in the record")
	}
}

const noKey = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"

func TestBrokenDocumentsGiveNoKey(t *testing.T) {
	tests := map[string]func(*awstest.Server, *awstest.Issuer){
		"Block Public Access is on again": func(s *awstest.Server, _ *awstest.Issuer) { s.Account.BlockPublicAccess(true) },
		"the discovery document is gone": func(s *awstest.Server, _ *awstest.Issuer) {
			s.DeleteObject("oidc-test", ".well-known/openid-configuration")
		},
		"the key set is gone": func(s *awstest.Server, _ *awstest.Issuer) { s.DeleteObject("oidc-test", "openid/v1/jwks") },
		"the key set is larger than a megabyte": func(s *awstest.Server, i *awstest.Issuer) {
			s.PutObject("oidc-test", "openid/v1/jwks", "application/json", append(i.JWKS(), bytes.Repeat([]byte(" "), 1<<20)...))
		},
		"jwks_uri is http": func(s *awstest.Server, i *awstest.Issuer) {
			i.JWKSURI = "http://oidc-test.s3.us-east-1.amazonaws.com/openid/v1/jwks"
			publish(s, i)
		},
		"jwks_uri leads nowhere": func(s *awstest.Server, i *awstest.Issuer) {
			i.JWKSURI = "https://127.0.0.1:1/openid/v1/jwks"
			publish(s, i)
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			issuer := published(t, srv, "P-256")
			role := srv.Trust(issuerURL, "cart", subject)
			damage(srv, issuer)
			token := issuer.Mint("shop", "cart", audience)
			_, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
			if diff := cmp.Diff(refusal{400, "InvalidIdentityToken", noKey}, refusalOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyAHundredKeysOfATypeAreRead(t *testing.T) {
	srv := awstest.New(t)
	issuer := published(t, srv, "P-256")
	role := srv.Trust(issuerURL, "cart", subject)
	for range 100 {
		if err := issuer.Rotate("P-256"); err != nil { // the last one signs
			t.Fatal(err)
		}
	}
	publish(srv, issuer)
	token := issuer.Mint("shop", "cart", audience)
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token}
	if _, err := exchange(t, srv, in); refusalOf(err).Code != "InvalidIdentityToken" {
		t.Errorf("the 101st key: %v", err)
	}
	issuer.DropOldKeys()
	publish(srv, issuer)
	if _, err := exchange(t, srv, in); err != nil {
		t.Errorf("the only key: %v", err)
	}
}

func TestAPrivateCAIsTrustedByItsThumbprint(t *testing.T) {
	issuer, err := awstest.NewIssuer("", "P-256")
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewUnstartedServer(issuer)
	site.Config.ErrorLog = log.New(io.Discard, "", 0)
	site.StartTLS()
	t.Cleanup(site.Close)
	issuer.URL, issuer.JWKSURI = site.URL, site.URL+"/openid/v1/jwks"
	sum := sha1.Sum(site.Certificate().Raw)
	for name, tc := range map[string]struct {
		thumbprint string
		want       refusal
	}{
		"its own":    {hex.EncodeToString(sum[:]), refusal{Status: 200}},
		"another":    {strings.Repeat("0", 40), refusal{400, "InvalidIdentityToken", "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"}},
		"by dialing": {"", refusal{Status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			in := &iam.CreateOpenIDConnectProviderInput{Url: &issuer.URL, ClientIDList: []string{audience}}
			if tc.thumbprint != "" {
				in.ThumbprintList = []string{tc.thumbprint}
			}
			out, err := iam.NewFromConfig(srv.Config()).CreateOpenIDConnectProvider(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			role := srv.Account.AddRole("cart", awstest.TrustPolicy(*out.OpenIDConnectProviderArn, audience, subject))
			token := issuer.Mint("shop", "cart", audience)
			_, err = exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
			if diff := cmp.Diff(tc.want, refusalOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARoleOfAnotherPartitionOrAccountHasNoProvider(t *testing.T) {
	srv := awstest.New(t, awstest.Options{Generation: awstest.TextsBefore2026})
	issuer := published(t, srv, "P-256")
	srv.Trust(issuerURL, "cart", subject)
	china := srv.AddAccount("444455556666", "aws-cn")
	provider := china.AddProvider(issuerURL, audience)
	token := issuer.Mint("shop", "cart", audience)
	missing := refusal{400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + issuerURL}
	for name, tc := range map[string]struct {
		role string
		want refusal
	}{
		"the same account in another partition": {"arn:aws-us-gov:iam::111122223333:role/cart", missing},
		"an account that does not exist":        {"arn:aws:iam::999999999999:role/cart", missing},
		"the account in its own partition":      {china.AddRole("cart", awstest.TrustPolicy(provider, audience, subject)), refusal{Status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &tc.role, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
			if diff := cmp.Diff(tc.want, refusalOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err == nil && *out.AssumedRoleUser.Arn != "arn:aws-cn:sts::444455556666:assumed-role/cart/me" {
				t.Errorf("assumed %s", *out.AssumedRoleUser.Arn)
			}
		})
	}
}
