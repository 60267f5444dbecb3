package creds

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

func TestForgetDropsTheSessionsOfARole(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cache := Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
	sessions := map[string]Kept{
		"of the role":                             {Session: "arn:aws:sts::111122223333:assumed-role/web/ann"},
		"of the role, where STS says no session":  {Key: Key{RoleARN: "arn:aws:iam::111122223333:role/team/web"}},
		"of a role whose name begins alike":       {Session: "arn:aws:sts::111122223333:assumed-role/web2/ann"},
		"of a namesake in another account":        {Session: "arn:aws:sts::444455556666:assumed-role/web/ann"},
		"of a namesake in another partition":      {Session: "arn:aws-cn:sts::111122223333:assumed-role/web/ann"},
		"of another role, called web by its user": {Session: "arn:aws:sts::111122223333:assumed-role/cart/web"},
		"of nobody knows whom":                    {},
	}
	for name, s := range sessions {
		s.Key.ServiceAccount = name
		kept := Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour), RoleSessionARN: s.Session}
		if err := cache.Put(s.Key, kept); err != nil {
			t.Fatal(err)
		}
	}
	web := irsa.RoleARN{Partition: "aws", Account: "111122223333", Path: "/team/", Name: "web"}
	if err := cache.Forget(func(k Kept) bool { return k.Of(web) }); err != nil {
		t.Fatal(err)
	}
	left, err := cache.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range left {
		delete(sessions, k.Key.ServiceAccount)
	}
	want := map[string]Kept{
		"of the role":                            sessions["of the role"],
		"of the role, where STS says no session": sessions["of the role, where STS says no session"],
	}
	if diff := cmp.Diff(want, sessions); diff != "" {
		t.Errorf("forgotten (-want +got):\n%s", diff)
	}
}

// A file says itself whose credentials it holds: its name alone is not believed.
func TestAFileOfAnotherMeaningIsNotServed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := Key{Server: "https://blue.example", ServiceAccount: "cart"}
	theirs := key
	theirs.Server = "https://green.example"
	whole := Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour)}
	nameless := whole
	nameless.AccessKeyID = ""
	for name, tc := range map[string]struct {
		kept entry
		want bool
	}{
		"what was kept":           {entry{key, whole}, true},
		"of another key":          {entry{theirs, whole}, false},
		"without an access key":   {entry{key, nameless}, false},
		"of a session that ended": {entry{key, Credentials{AccessKeyID: "ASIA", Issued: now.Add(-time.Hour), Expiration: now}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cache := Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
			text, err := json.Marshal(tc.kept)
			if err != nil {
				t.Fatal(err)
			}
			if err := WritePrivate(filepath.Join(cache.Dir, key.name()+entrySuffix), text); err != nil {
				t.Fatal(err)
			}
			fresh := Credentials{AccessKeyID: "FRESH", Issued: now, Expiration: now.Add(time.Hour)}
			got, err := cache.Get(t.Context(), key, Credentials.Fresh, func(context.Context) (Credentials, error) { return fresh, nil })
			if err != nil || (got.AccessKeyID != fresh.AccessKeyID) != tc.want {
				t.Errorf("served %s, error %v", got.AccessKeyID, err)
			}
		})
	}
}

func TestADigestTellsAPolicyFromItsARNs(t *testing.T) {
	seen := map[string]int{}
	for i, p := range []struct {
		policy string
		arns   []string
	}{{"", nil}, {"ab", nil}, {"a", []string{"b"}}, {"", []string{"ab"}}, {"", []string{"a", "b"}}, {"", []string{"b", "a"}}} {
		digest := PolicyDigest(p.policy, p.arns)
		if other, twice := seen[digest]; twice {
			t.Errorf("%d and %d share what the cache holds", other, i)
		}
		if seen[digest] = i; (digest == "") != (i == 0) {
			t.Errorf("%d has the digest %q", i, digest)
		}
	}
}
