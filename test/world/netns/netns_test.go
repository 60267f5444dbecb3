package netns

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHosts(t *testing.T) {
	for name, tc := range map[string]struct {
		hostname string
		want     string
	}{
		"a machine with a name": {"box", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 box\n" +
			"192.0.2.20 api.example\n192.0.2.10 b.s3.amazonaws.com\n192.0.2.10 sts.amazonaws.com\n"},
		"a machine that is called localhost": {"localhost", "127.0.0.1 localhost\n::1 localhost\n" +
			"192.0.2.20 api.example\n192.0.2.10 b.s3.amazonaws.com\n192.0.2.10 sts.amazonaws.com\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Hosts(tc.hostname, map[string]string{"sts.amazonaws.com": AWS, "api.example": API, "b.s3.amazonaws.com": AWS})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBucketHosts(t *testing.T) {
	want := []string{"b.s3.us-east-1.amazonaws.com", "b.s3.amazonaws.com"}
	if diff := cmp.Diff(want, BucketHosts("b")); diff != "" {
		t.Error(diff)
	}
}
