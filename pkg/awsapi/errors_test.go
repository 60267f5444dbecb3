package awsapi

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// answered is an error as the SDK wraps it: the answer's status and number around
// what is in it.
func answered(status int, request string, inner error) error {
	return &smithy.OperationError{ServiceID: "IAM", OperationName: "GetRole", Err: &awshttp.ResponseError{
		RequestID: request,
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{}}}, Err: inner,
		},
	}}
}

func TestAnErrorIsSaidInOneLine(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized"}
	type said struct {
		Code, Brief string
		Hints       []string // of Denied
	}
	for name, tc := range map[string]struct {
		err  error
		want said
	}{
		"a refusal": {answered(403, "6f1c", denied),
			said{"AccessDenied", "AccessDenied: not authorized (request 6f1c)", []string{"the credentials need the permission iam:GetRole"}}},
		"a refusal, as some services spell it": {answered(403, "6f1c", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}),
			said{"AccessDeniedException", "AccessDeniedException: no (request 6f1c)", []string{"the credentials need the permission iam:GetRole"}}},
		"a refusal without a number or a text": {answered(403, "", &smithy.GenericAPIError{Code: "Throttling"}), said{"Throttling", "Throttling", nil}},
		"an answer without a code": {answered(502, "", &smithy.GenericAPIError{Code: "UnknownError"}),
			said{"", "the answer (HTTP 502) is not one of AWS's", nil}},
		"an answer that cannot be read": {answered(200, "", &smithy.DeserializationError{Err: errors.New("EOF")}),
			said{"", "the answer (HTTP 200) is not one of AWS's", nil}},
		"no connection": {&url.Error{Op: "Post", URL: "https://iam.example/?hush", Err: refused}, said{"", "dial tcp: connection refused", nil}},
		"no answer":     {&url.Error{Op: "Post", URL: "https://iam.example/?hush", Err: errors.New("EOF")}, said{"", "EOF", nil}},
		"a status":      {answered(500, "", errors.New("a long story")), said{"", "HTTP 500", nil}},
		"a long silence": {&Silence{Host: "sts.example", After: 20e9, Err: context.DeadlineExceeded},
			said{"", "sts.example did not answer within 20s", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			lacking := Denied(tc.err, "iam:GetRole")
			if diff := cmp.Diff(tc.want, said{Code(tc.err), Brief(tc.err).Error(), hint.Lines(lacking)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !errors.Is(Brief(tc.err), tc.err) || lacking.Error() != Brief(tc.err).Error() {
				t.Errorf("what is behind it is lost: %v", lacking)
			}
		})
	}
	if Brief(nil) != nil || Denied(nil, "iam:GetRole") != nil || Code(nil) != "" {
		t.Error("no error is one")
	}
}

// What a service on the way to credentials refused, and whoever went away, are not
// taken for credentials that are missing.
func TestOnlyMissingCredentialsAreMissing(t *testing.T) {
	away, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx     context.Context
		err     error
		missing bool
	}{
		"a source that is empty":   {t.Context(), errors.New("nothing there"), true},
		"STS refused the role":     {t.Context(), answered(403, "6f1c", &smithy.GenericAPIError{Code: "AccessDenied"}), false},
		"whoever asked went away":  {away, context.Canceled, false},
		"there are some after all": {t.Context(), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := explained{aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, tc.err
			}), nil}.Retrieve(tc.ctx)
			none, missing := errors.AsType[*noCredentials](err)
			if missing != tc.missing || !errors.Is(err, tc.err) {
				t.Errorf("missing %v: %v, %v", missing, none, err)
			}
		})
	}
}

func TestARegionIsAPartOfAHostsName(t *testing.T) {
	for region, good := range map[string]bool{
		"us-east-1": true, "cn-north-1": true, "eusc-de-east-1": true,
		"": false, "US-EAST-1": false, "us-east-1.evil.example": false, "us-east-1/": false, "us-east-1@evil": false, "a\nb": false,
	} {
		if _, err := NewSTS(t.Context(), STSOptions{Region: region}); (err == nil) != good || ValidRegion(region) != good {
			t.Errorf("%q: %v", region, err)
		}
	}
}

// A redirect would take the token, or a session, to another place.
func TestARedirectIsNotFollowed(t *testing.T) {
	var led atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { led.Add(1) }))
	t.Cleanup(elsewhere.Close)
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(here.Close)
	client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: here.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := (&answering{}).call(t, client); err == nil {
		t.Error("STS led elsewhere, and that was no error")
	}
	session := aws.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "hush", SessionToken: "hush"}
	if _, err := ConsoleLink(t.Context(), session, SignInOptions{EndpointURL: here.URL, Partition: "aws"}); err == nil {
		t.Error("the sign-in led elsewhere, and that was no error")
	}
	if n := led.Load(); n > 0 {
		t.Errorf("%d requests went to where it led", n)
	}
}

// IAM has one region in a partition, and a signature for another is refused.
func TestIAMIsSignedForTheRegionOfItsPartition(t *testing.T) {
	for region, want := range map[string]string{
		"": "us-east-1", "eu-west-1": "us-east-1", "cn-northwest-1": "cn-north-1", "us-gov-east-1": "us-gov-west-1",
	} {
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_DEFAULT_REGION", "")
		t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
		admin, err := NewAdmin(t.Context(), AdminOptions{Region: region})
		if err != nil {
			t.Fatal(err)
		}
		o := admin.IAM.Options()
		chosen := region
		if chosen == "" {
			chosen = "us-east-1"
		}
		if o.Region != want || admin.Region != chosen || admin.S3.Options().Region != chosen || admin.STS.Options().Region != chosen {
			t.Errorf("region %q: IAM %s, S3 %s, STS %s", region, o.Region, admin.S3.Options().Region, admin.STS.Options().Region)
		}
	}
}

// A certificate that is not trusted will not be after a moment.
func TestAStrangersCertificateIsLookedAtOnce(t *testing.T) {
	server := newAnswering(t, [2]string{"200", granted})
	t.Setenv("AWS_CA_BUNDLE", "")
	client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := server.call(t, client); err == nil || server.requests.Load() > 0 {
		t.Errorf("error %v after %d requests", err, server.requests.Load())
	}
	if n := server.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestABundleHoldsCertificates(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		empty:           "reading the AWS settings for STS: reading AWS_CA_BUNDLE: " + empty + " holds no certificate",
		empty + ".none": "reading the AWS settings for STS: reading AWS_CA_BUNDLE: open " + empty + ".none: no such file or directory",
	} {
		t.Setenv("AWS_CA_BUNDLE", path)
		if _, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1"}); err == nil || runtime.GOOS != "windows" && err.Error() != want {
			t.Errorf("error %v", err)
		}
	}
}

// A connection that was opened ahead is for one taker: two would talk at once.
func TestAConnectionThatWasOpenedAheadIsTakenOnce(t *testing.T) {
	opened := make(chan net.Conn, 9)
	dial := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		opened <- theirs
		return ours, nil
	}
	p := newPreconnection(&http.Transport{DialContext: dial}, defaultPatience)
	p.open(t.Context(), &url.URL{Scheme: "http", Host: "sts.example"})
	var taken []net.Conn
	for _, address := range []string{"other.example:80", "sts.example:80", "sts.example:80"} {
		conn, err := p.transport.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	if taken[1] == taken[2] || len(opened) != 3 {
		t.Errorf("%d connections for three takers", len(opened))
	}
	p.open(t.Context(), &url.URL{Scheme: "http", Host: "sts.example"})
	p.close()
	for range 3 {
		<-opened
	}
	if _, err := (<-opened).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one that nobody took is still open: %v", err)
	}
}

// Behind a proxy what comes first is the proxy's business.
func TestNothingIsOpenedAheadBehindAProxy(t *testing.T) {
	for proxy, want := range map[*url.URL]int{{Scheme: "http", Host: "proxy.example"}: 0, nil: 1} {
		dialled := make(chan string, 1)
		p := newPreconnection(&http.Transport{
			Proxy: http.ProxyURL(proxy),
			DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
				dialled <- address
				return nil, errors.New("nobody is there")
			},
		}, defaultPatience)
		p.open(t.Context(), &url.URL{Scheme: "http", Host: "sts.example"})
		if len(p.waiting) != want {
			t.Errorf("proxy %v: %d are under way", proxy, len(p.waiting))
		}
		if want > 0 && <-dialled != "sts.example:80" {
			t.Error("it leads elsewhere")
		}
	}
}
