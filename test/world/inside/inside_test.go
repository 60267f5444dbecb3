package inside

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFrom(t *testing.T) {
	env := map[string]string{
		"IRSA_WORLD_KIND": "private", "IRSA_WORLD_DIR": "/w", "IRSA_WORLD_RTT": "20ms",
		"IRSA_ISSUER": "https://b.s3.us-east-1.amazonaws.com", "IRSA_BUCKET": "b", "IRSA_AUDIENCE": "sts.amazonaws.com",
		"IRSA_ROLE_ARN": "arn:aws:iam::000000000000:role/cart", "IRSA_NAMESPACE": "shop", "IRSA_SERVICE_ACCOUNT": "cart",
		"IRSA_DATA_BUCKET": "cart-data", "IRSA_ADMIN_CREDENTIALS": "/w/admin", "IRSA_SPARE_BUCKETS": "one two",
	}
	want := World{
		Kind: "private", Dir: "/w", RoundTrip: 20 * time.Millisecond,
		Issuer: "https://b.s3.us-east-1.amazonaws.com", Bucket: "b", Audience: "sts.amazonaws.com",
		RoleARN: "arn:aws:iam::000000000000:role/cart", Namespace: "shop", ServiceAccount: "cart",
		DataBucket: "cart-data", Admin: "/w/admin", SpareBuckets: []string{"one", "two"},
	}
	got, err := From(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := From(func(string) string { return "" }); err == nil || err.Error() != "IRSA_WORLD_DIR is not set: this is not inside a world" {
		t.Errorf("outside: %v", err)
	}
}

func TestSince(t *testing.T) {
	w := World{Dir: t.TempDir()}
	record := func(aws, api string) {
		t.Helper()
		for name, text := range map[string]string{"aws.log": aws, "audit.log": api} {
			file, err := os.OpenFile(filepath.Join(w.Dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteString(text); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	record(`{"action":"CreateRole"}`+"\n", `{"verb":"get"}`+"\n")
	mark, err := w.Mark()
	if err != nil {
		t.Fatal(err)
	}
	record(`{"action":"AssumeRoleWithWebIdentity"}`+"\n", `{"verb":"create"}`+"\n")
	aws, api, _, err := w.Since(mark)
	if err != nil {
		t.Fatal(err)
	}
	if len(aws) != 1 || aws[0].Action != "AssumeRoleWithWebIdentity" || len(api) != 1 || api[0].Verb != "create" {
		t.Errorf("got %v and %v", aws, api)
	}
}
