package creds_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

func TestWhatServesNobodyGoesWhenASessionIsKept(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cache := creds.Cache{Dir: dir, Now: func() time.Time { return now }, Warn: func(err error) { t.Error(err) }}
	for name, age := range map[string]time.Duration{".new-killed": time.Hour, ".new-at-work": time.Second, "0a.refused": time.Hour, "0b.refused": time.Second} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for _, kept := range []struct {
		account string
		left    time.Duration
	}{{"ended", -time.Second}, {"ending", time.Second}, {"cart", time.Hour}} {
		if err := cache.Put(creds.Key{ServiceAccount: kept.account}, creds.Credentials{AccessKeyID: "ASIA", Expiration: now.Add(kept.left)}); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := cache.List()
	if err != nil {
		t.Fatal(err)
	}
	accounts := map[string]bool{}
	for _, k := range kept {
		accounts[k.Key.ServiceAccount] = true
	}
	if diff := cmp.Diff(map[string]bool{"ending": true, "cart": true}, accounts); diff != "" {
		t.Error(diff)
	}
	files, err := os.ReadDir(dir)
	var left []string
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".json" {
			left = append(left, file.Name())
		}
	}
	if diff := cmp.Diff([]string{".new-at-work", "0b.refused"}, left); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
