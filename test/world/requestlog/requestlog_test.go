package requestlog

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), File)
	if got, at, err := Read(path, 0); err != nil || got != nil || at != 0 {
		t.Errorf("a log that is not there: %v, %d, %v", got, at, err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log := NewWriter(file)
	request := func(host string) Request {
		return Request{
			Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Method: "POST", Host: host, Path: "/",
			Action: "AssumeRoleWithWebIdentity", Form: map[string][]string{"RoleSessionName": {"x"}}, Status: 200,
		}
	}
	write := func(host string) {
		t.Helper()
		if err := log.Write(request(host)); err != nil {
			t.Fatal(err)
		}
	}
	write("before the record begins")
	log.Begin()
	write("one")
	first, at, err := Read(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Request{request("one")}, first); diff != "" {
		t.Error(diff)
	}
	write("two")
	write("three")
	if _, err := file.WriteString(`{"host":"half a li`); err != nil {
		t.Fatal(err)
	}
	rest, _, err := Read(path, at)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Request{request("two"), request("three")}, rest); diff != "" {
		t.Error(diff)
	}
}

func TestByServer(t *testing.T) {
	for name, tc := range map[string]struct {
		request Request
		want    bool
	}{
		"STS fetches the keys":        {Request{Method: "GET", UserAgent: "Go-http-client/1.1"}, true},
		"the AWS CLI lists a bucket":  {Request{Method: "GET", UserAgent: "aws-cli/1.45", Signed: true}, false},
		"a plugin reads the document": {Request{Method: "GET", UserAgent: "kubectl-irsa/v1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.request.ByServer(); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
