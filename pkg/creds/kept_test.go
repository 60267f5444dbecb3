package creds

import (
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
