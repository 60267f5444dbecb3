package awsapi

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// answering is an STS that answers each request with these statuses and
// bodies, the last one from then on.
type answering struct {
	*httptest.Server
	connections, requests atomic.Int32
	last                  atomic.Pointer[http.Request]
	form                  atomic.Pointer[string]
}

func newAnswering(t *testing.T, answers ...[2]string) *answering {
	t.Helper()
	a := &answering{}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := min(int(a.requests.Add(1)), len(answers)) - 1
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form := string(body)
		a.form.Store(&form)
		a.last.Store(r.Clone(t.Context()))
		w.Header().Set("Content-Type", "text/xml")
		status := map[string]int{"200": 200, "400": 400, "403": 403, "500": 500}[answers[n][0]]
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answers[n][1])
	}))
	a.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			a.connections.Add(1)
		}
	}
	a.StartTLS()
	t.Cleanup(a.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})
	if err := os.WriteFile(bundle, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return a
}

func (a *answering) call(t *testing.T, client *STS) error {
	t.Helper()
	_, err := client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::111122223333:role/cart"), RoleSessionName: aws.String("test"), WebIdentityToken: aws.String("token"),
	})
	return err
}

func refusal(code string) string {
	return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code +
		`</Code><Message>no</Message></Error><RequestId>6f1c</RequestId></ErrorResponse>`
}

const granted = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult/></AssumeRoleWithWebIdentityResponse>`

func TestTheFirstCallTakesTheConnectionThatWasOpenedAhead(t *testing.T) {
	server := newAnswering(t, [2]string{"200", granted})
	client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: server.URL, Application: "kubectl-irsa/1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	client.Preconnect(t.Context())
	for deadline := time.Now().Add(5 * time.Second); server.connections.Load() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nothing was opened ahead")
		}
		time.Sleep(time.Millisecond)
	}
	if err := server.call(t, client); err != nil {
		t.Fatal(err)
	}
	if n := server.connections.Load(); n != 1 {
		t.Errorf("%d connections for one call", n)
	}
	request := server.last.Load()
	if got := request.Header.Get("Authorization") + request.Header.Get("X-Amz-Security-Token"); got != "" {
		t.Error("the call is signed")
	}
	if got := request.UserAgent(); !strings.Contains(got, "kubectl-irsa/1.2.3") {
		t.Errorf("user agent %q does not name us", got)
	}
}

func TestAConnectionThatFailedAheadLeavesTheCallToSayWhy(t *testing.T) {
	server := newAnswering(t, [2]string{"200", granted})
	client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	client.Preconnect(t.Context())
	if err := server.call(t, client); err == nil || !strings.Contains(Brief(err).Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

func TestOnlyWhatMayPassIsRepeated(t *testing.T) {
	for name, tc := range map[string]struct {
		first [2]string
		want  int32
		code  string
	}{
		"a refusal is final":                  {[2]string{"403", refusal("AccessDenied")}, 1, "AccessDenied"},
		"an invalid token is final":           {[2]string{"400", refusal("InvalidIdentityToken")}, 1, "InvalidIdentityToken"},
		"an expired token is final":           {[2]string{"400", refusal("ExpiredTokenException")}, 1, "ExpiredTokenException"},
		"throttling passes":                   {[2]string{"400", refusal("Throttling")}, 2, ""},
		"a fault of the server passes":        {[2]string{"500", refusal("InternalFailure")}, 2, ""},
		"an issuer that does not answer does": {[2]string{"400", refusal("IDPCommunicationError")}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := newAnswering(t, tc.first, [2]string{"200", granted})
			client, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			if got := Code(server.call(t, client)); got != tc.code {
				t.Errorf("code %q, want %q", got, tc.code)
			}
			if got := server.requests.Load(); got != tc.want {
				t.Errorf("%d requests, want %d", got, tc.want)
			}
		})
	}
}

func TestATokenDoesNotCrossANetworkInTheClear(t *testing.T) {
	for endpoint, refused := range map[string]bool{
		"http://sts.example.com": true, "http://192.0.2.1:9000": true, "https://sts.example.com": false,
		"http://127.0.0.1:7070": false, "http://localhost:7070": false, "http://[::1]:7070": false,
	} {
		_, err := NewSTS(t.Context(), STSOptions{Region: "us-east-1", EndpointURL: endpoint})
		if (err != nil) != refused {
			t.Errorf("%s: error %v, want a refusal: %v", endpoint, err, refused)
		}
		if err != nil && len(hint.Lines(err)) == 0 {
			t.Errorf("%s: no remedy", endpoint)
		}
	}
}

func TestTheEndpointIsTheRegionsUnlessTheCallerChoseAnother(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		flag string
		in   string
		want string
	}{
		"regional":                  {in: "eu-west-1", want: "https://sts.eu-west-1.amazonaws.com"},
		"China":                     {in: "cn-north-1", want: "https://sts.cn-north-1.amazonaws.com.cn"},
		"no variable chooses":       {env: map[string]string{"AWS_ENDPOINT_URL_STS": "https://sts.example.com"}, in: "us-east-1", want: "https://sts.us-east-1.amazonaws.com"},
		"nor that of every service": {env: map[string]string{"AWS_ENDPOINT_URL": "https://all.example.com"}, in: "us-east-1", want: "https://sts.us-east-1.amazonaws.com"},
		"whoever chose decides":     {env: map[string]string{"AWS_ENDPOINT_URL_STS": "https://sts.example.com"}, flag: "https://flag.example.com", in: "us-east-1", want: "https://flag.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range tc.env {
				t.Setenv(key, value)
			}
			client, err := NewSTS(t.Context(), STSOptions{Region: tc.in, EndpointURL: tc.flag})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSuffix(client.Endpoint.String(), "/"); got != tc.want {
				t.Errorf("endpoint %s, want %s", got, tc.want)
			}
		})
	}
}
