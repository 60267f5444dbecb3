package awsplane

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/requestlog"
)

func TestRoute(t *testing.T) {
	for host, want := range map[string]string{
		"sts.us-east-1.amazonaws.com":         iamServer,
		"sts.amazonaws.com":                   iamServer,
		"sts.eu-west-1.amazonaws.com":         iamServer,
		"iam.amazonaws.com":                   iamServer,
		"IAM.amazonaws.com:443":               iamServer,
		"s3.us-east-1.amazonaws.com":          s3Server,
		"b.s3.us-east-1.amazonaws.com":        s3Server,
		"s3.amazonaws.com":                    globalServer,
		"b.s3.amazonaws.com":                  globalServer,
		"iam-bucket.s3.amazonaws.com":         globalServer,
		"sts-docs.s3.us-east-1.amazonaws.com": s3Server,
	} {
		if got := route(host); got != want {
			t.Errorf("%s leads to %s, want %s", host, got, want)
		}
	}
}

// backend answers on a unix socket with what it was asked.
func backend(t *testing.T, dir, name string) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(dir, name+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, name+" "+r.Host+" "+r.RequestURI+" "+string(body))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

// startFront serves the front over the sockets in a new folder, and gives a
// client whose every host leads there.
func startFront(t *testing.T) (dir string, client *http.Client) {
	t.Helper()
	dir, err := os.MkdirTemp("", "f") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ca, err := authority.New("aws", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, requestlog.File))
	if err != nil {
		t.Fatal(err)
	}
	log := requestlog.NewWriter(file)
	log.Begin()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := newFront(dir, ca, log)
	go func() { _ = front.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = front.Close() })
	return dir, &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		},
	}}
}

func TestFrontHandsOnAndRecords(t *testing.T) {
	dir, client := startFront(t)
	backend(t, dir, iamServer)
	backend(t, dir, s3Server)

	const token = "eyJhbGciOi"
	form := "Action=AssumeRoleWithWebIdentity&RoleSessionName=x&WebIdentityToken=" + token
	answers := []string{
		do(t, client, http.MethodPost, "https://sts.us-east-1.amazonaws.com/", form, nil),
		do(t, client, http.MethodGet, "https://b.s3.us-east-1.amazonaws.com/a%2Fb?list-type=2&X-Amz-Signature=abc", "",
			http.Header{"X-Amz-Security-Token": {token}, "Authorization": {"AWS4-HMAC-SHA256 ..."}}),
	}
	if diff := cmp.Diff([]string{
		"iam sts.us-east-1.amazonaws.com / " + form,
		"s3 b.s3.us-east-1.amazonaws.com /a%2Fb?list-type=2&X-Amz-Signature=abc ",
	}, answers); diff != "" {
		t.Error(diff)
	}
	requests, _, err := requestlog.Read(filepath.Join(dir, requestlog.File), 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]requestlog.Request{{
		Method: "POST", Host: "sts.us-east-1.amazonaws.com", Path: "/", Action: "AssumeRoleWithWebIdentity",
		Form:      map[string][]string{"Action": {"AssumeRoleWithWebIdentity"}, "RoleSessionName": {"x"}, "WebIdentityToken": {"REDACTED"}},
		UserAgent: "test", Status: http.StatusTeapot,
	}, {
		Method: "GET", Host: "b.s3.us-east-1.amazonaws.com", Path: "/a%2Fb",
		Query:  map[string][]string{"list-type": {"2"}, "X-Amz-Signature": {"REDACTED"}},
		Signed: true, Session: true, UserAgent: "test", Status: http.StatusTeapot,
	}}, requests, cmpopts.IgnoreFields(requestlog.Request{}, "Time", "Remote")); diff != "" {
		t.Error(diff)
	}
	if text, err := os.ReadFile(filepath.Join(dir, requestlog.File)); err != nil || strings.Contains(string(text), token) {
		t.Errorf("the token is in the log (%v)", err)
	}
}

// A conditional write is refused on its headers alone, and the connection
// closed: the client gets the answer all the same.
func TestFrontHandsOnAnAnswerThatComesBeforeTheBody(t *testing.T) {
	dir, client := startFront(t)
	listener, err := net.Listen("unix", filepath.Join(dir, s3Server+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReaderSize(connection, 16)) // the headers
			_, _ = io.WriteString(connection, "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			_ = connection.Close()
		}
	}()
	for i := range 100 {
		answer := do(t, client, http.MethodPut, "https://b.s3.us-east-1.amazonaws.com/k", strings.Repeat("x", 1<<20),
			http.Header{"If-None-Match": {"*"}, "Expect": {"100-continue"}})
		if answer != "no" {
			t.Fatalf("answer %d is %q", i+1, answer)
		}
	}
}

func do(t *testing.T, client *http.Client, method, url, body string, header http.Header) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "test")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
