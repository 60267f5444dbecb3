package awsapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
)

var consoleSession = aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "hush/secret+", SessionToken: "hush&token=="}

// federationServer answers as AWS's federation endpoint, and keeps what it was asked.
type federationServer struct {
	status int
	body   string
	err    error
	asked  *http.Request
}

func (s *federationServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = r
	if s.err != nil {
		return nil, s.err
	}
	return &http.Response{
		StatusCode: s.status, Status: http.StatusText(s.status), Request: r,
		Body: io.NopCloser(strings.NewReader(s.body)),
	}, nil
}

func TestConsoleLinkOfEachPartition(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options   awsapi.SignInOptions
		wantAsked string
		wantLink  string
	}{
		"the commercial partition": {
			awsapi.SignInOptions{Partition: "aws", Region: "eu-west-1"},
			"https://signin.aws.amazon.com/federation",
			"https://signin.aws.amazon.com/federation?Action=login&Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1&SigninToken=a%2Fb%2B%26c",
		},
		"China": {
			awsapi.SignInOptions{Partition: "aws-cn", Region: "cn-north-1"},
			"https://signin.amazonaws.cn/federation",
			"https://signin.amazonaws.cn/federation?Action=login&Destination=https%3A%2F%2Fconsole.amazonaws.cn%2Fconsole%2Fhome%3Fregion%3Dcn-north-1&SigninToken=a%2Fb%2B%26c",
		},
		"GovCloud": {
			awsapi.SignInOptions{Partition: "aws-us-gov", Region: "us-gov-west-1"},
			"https://signin.amazonaws-us-gov.com/federation",
			"https://signin.amazonaws-us-gov.com/federation?Action=login&Destination=https%3A%2F%2Fconsole.amazonaws-us-gov.com%2Fconsole%2Fhome%3Fregion%3Dus-gov-west-1&SigninToken=a%2Fb%2B%26c",
		},
		"the European Sovereign Cloud": {
			awsapi.SignInOptions{Partition: "aws-eusc", Region: "eusc-de-east-1"},
			"https://eusc-de-east-1.signin.amazonaws-eusc.eu/federation",
			"https://eusc-de-east-1.signin.amazonaws-eusc.eu/federation?Action=login&Destination=https%3A%2F%2Fconsole.amazonaws-eusc.eu%2Fconsole%2Fhome%3Fregion%3Deusc-de-east-1&SigninToken=a%2Fb%2B%26c",
		},
		"a page of one's own, and no region": {
			awsapi.SignInOptions{Partition: "aws", Destination: "https://s3.console.aws.amazon.com/s3/home?region=eu-west-1&a=b"},
			"https://signin.aws.amazon.com/federation",
			"https://signin.aws.amazon.com/federation?Action=login&Destination=https%3A%2F%2Fs3.console.aws.amazon.com%2Fs3%2Fhome%3Fregion%3Deu-west-1%26a%3Db&SigninToken=a%2Fb%2B%26c",
		},
		"an endpoint of one's own, in a partition that has none": {
			awsapi.SignInOptions{Partition: "aws-iso", EndpointURL: "https://signin.example.com/", Destination: "https://console.example.com/"},
			"https://signin.example.com/federation",
			"https://signin.example.com/federation?Action=login&Destination=https%3A%2F%2Fconsole.example.com%2F&SigninToken=a%2Fb%2B%26c",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &federationServer{status: http.StatusOK, body: `{"SigninToken":"a/b+&c"}`}
			tc.options.Client, tc.options.Application = &http.Client{Transport: server}, "kubectl-irsa/1.2.3"
			link, err := awsapi.ConsoleLink(t.Context(), consoleSession, tc.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.wantLink, link); diff != "" {
				t.Errorf("link (-want +got):\n%s", diff)
			}
			asked := *server.asked.URL
			asked.RawQuery = ""
			got := []any{server.asked.Method, asked.String(), server.asked.URL.Query(), server.asked.UserAgent()}
			want := []any{http.MethodGet, tc.wantAsked, url.Values{"Action": {"getSigninToken"}, "Session": {
				`{"sessionId":"ASIAEXAMPLE","sessionKey":"hush/secret+","sessionToken":"hush\u0026token=="}`}}, "kubectl-irsa/1.2.3"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request, which must not name a SessionDuration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConsoleLinkRefusesWithoutASecretInTheError(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options awsapi.SignInOptions
		server  federationServer
		want    string
	}{
		"a partition without a known address": {awsapi.SignInOptions{Partition: "aws-iso"}, federationServer{},
			`no sign-in address is known for partition "aws-iso"`},
		"an endpoint in the clear": {awsapi.SignInOptions{Partition: "aws", EndpointURL: "http://signin.example.com"}, federationServer{},
			"the sign-in endpoint http://signin.example.com is not https, and credentials must not cross a network in the clear"},
		"an endpoint that is no URL": {awsapi.SignInOptions{Partition: "aws", EndpointURL: "signin"}, federationServer{},
			"the address in AWS_ENDPOINT_URL_SIGNIN is no URL"},
		"a refusal": {awsapi.SignInOptions{Partition: "aws"}, federationServer{status: http.StatusBadRequest, body: "hush"},
			"asking signin.aws.amazon.com for a sign-in token: it answered Bad Request"},
		"a page in place of a token": {awsapi.SignInOptions{Partition: "aws"}, federationServer{status: http.StatusOK, body: "<html>hush</html>"},
			"asking signin.aws.amazon.com for a sign-in token: it answered without one"},
		"no connection, in whose error net/http puts the URL": {awsapi.SignInOptions{Partition: "aws"}, federationServer{err: errors.New("no route")},
			"asking signin.aws.amazon.com for a sign-in token: no route"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.options.Client = &http.Client{Transport: &tc.server}
			link, err := awsapi.ConsoleLink(t.Context(), consoleSession, tc.options)
			if err == nil || link != "" {
				t.Fatalf("got %q and no error", link)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
