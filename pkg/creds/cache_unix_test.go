//go:build unix

package creds_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

func TestTheCacheIsClosedToOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "irsa")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cache := creds.Cache{Dir: dir, Now: func() time.Time { return now }, Warn: func(err error) { t.Error(err) }}
	fresh := creds.Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour)}
	for range 2 {
		got, err := cache.Get(t.Context(), creds.Key{ServiceAccount: "cart"}, creds.Credentials.Fresh, func(context.Context) (creds.Credentials, error) { return fresh, nil })
		if err != nil || got.AccessKeyID != fresh.AccessKeyID {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	modes := map[string]os.FileMode{dir: 0o700}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("the cache holds %q, %v", files, err)
	}
	for _, file := range files {
		modes[file] = 0o600
	}
	for path, want := range modes {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", filepath.Base(path), got, want)
		}
	}
}

func TestACacheServesNoOtherKeyAndNothingStale(t *testing.T) {
	now := time.Now()
	cache := creds.Cache{Dir: t.TempDir(), Now: func() time.Time { return now }, Warn: func(err error) { t.Error(err) }}
	full := creds.Key{
		Server: "s", Authority: "a", User: "u", Context: "c", Namespace: "n", ServiceAccount: "sa", RoleARN: "r", Audience: "aud",
		Issuer: "i", Duration: time.Hour, SessionName: "me", Region: "us-east-1", STSEndpoint: "e", Policy: "p",
	}
	kept := creds.Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour)}
	if err := cache.Put(full, kept); err != nil {
		t.Fatal(err)
	}
	asked := errors.New("asked")
	ask := func(key creds.Key) error {
		_, err := cache.Get(t.Context(), key, creds.Credentials.Fresh, func(context.Context) (creds.Credentials, error) { return creds.Credentials{}, asked })
		return err
	}
	if err := ask(full); err != nil {
		t.Errorf("the very key was not found: %v", err)
	}
	for name, change := range map[string]func(*creds.Key){
		"server":          func(k *creds.Key) { k.Server = "" },
		"authority":       func(k *creds.Key) { k.Authority = "" },
		"user":            func(k *creds.Key) { k.User = "" },
		"context":         func(k *creds.Key) { k.Context = "" },
		"namespace":       func(k *creds.Key) { k.Namespace = "" },
		"service account": func(k *creds.Key) { k.ServiceAccount = "" },
		"role":            func(k *creds.Key) { k.RoleARN = "" },
		"audience":        func(k *creds.Key) { k.Audience = "" },
		"issuer":          func(k *creds.Key) { k.Issuer = "" },
		"duration":        func(k *creds.Key) { k.Duration = 0 },
		"session name":    func(k *creds.Key) { k.SessionName = "" },
		"region":          func(k *creds.Key) { k.Region = "" },
		"endpoint":        func(k *creds.Key) { k.STSEndpoint = "" },
		"policy":          func(k *creds.Key) { k.Policy = "" },
	} {
		t.Run("another "+name, func(t *testing.T) {
			other := full
			change(&other)
			if err := ask(other); !errors.Is(err, asked) {
				t.Errorf("credentials of another %s were served", name)
			}
		})
	}
	now = now.Add(46 * time.Minute)
	if err := ask(full); !errors.Is(err, asked) {
		t.Error("credentials with 14 minutes left were served")
	}
}
