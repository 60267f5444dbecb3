package creds

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestForgetDropsTheSessionsOfARole(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cache := Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
	for account, session := range map[string]string{
		"cart": "arn:aws:sts::111122223333:assumed-role/cart/ann", "web": "arn:aws-cn:sts::111122223333:assumed-role/web/assumed-role", "bare": "",
	} {
		kept := Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour), RoleSessionARN: session}
		if err := cache.Put(Key{ServiceAccount: account}, kept); err != nil {
			t.Fatal(err)
		}
	}
	if err := cache.Forget(func(k Kept) bool { return k.RoleName() == "web" }); err != nil {
		t.Fatal(err)
	}
	left, err := cache.List()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, k := range left {
		got[k.Key.ServiceAccount] = k.RoleName()
	}
	if diff := cmp.Diff(map[string]string{"cart": "cart", "bare": ""}, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
