package controlplane

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sort"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

func TestKeyring(t *testing.T) {
	dir := t.TempDir()
	ring := keyring{dir: dir}
	for _, kind := range []string{RSA, ECDSA} {
		if err := ring.add(kind); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	if diff := cmp.Diff([]string{
		"--service-account-signing-key-file=" + file("sa-2.key"),
		"--service-account-key-file=" + file("sa-2.pub"),
		"--service-account-key-file=" + file("sa-1.pub"),
	}, ring.flags()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]x509.PublicKeyAlgorithm{"sa-1.pub": x509.RSA, "sa-2.pub": x509.ECDSA} {
		text, err := os.ReadFile(file(name))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := algorithm(key); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if err := ring.add("ed25519"); err == nil || err.Error() != `unknown kind of signing key "ed25519": use rsa or ecdsa` {
		t.Errorf("got %v", err)
	}
}

func algorithm(key any) x509.PublicKeyAlgorithm {
	if _, ok := key.(interface{ Size() int }); ok {
		return x509.RSA
	}
	return x509.ECDSA
}

func TestKubeconfig(t *testing.T) {
	now := time.Now()
	cp, err := New(Config{Dir: t.TempDir(), Address: "192.0.2.20", Port: 6443, SigningKey: ECDSA}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cp.Kubeconfig("shop", now)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := clientcmd.Validate(*config); err != nil {
		t.Error(err)
	}
	type context struct{ Cluster, Server, User, Namespace string }
	got := map[string]context{}
	for name, c := range config.Contexts {
		got[name] = context{c.Cluster, config.Clusters[c.Cluster].Server, c.AuthInfo, c.Namespace}
	}
	if diff := cmp.Diff(map[string]context{
		"world":    {"world", "https://192.0.2.20:6443", "admin", "shop"},
		"alice":    {"world", "https://192.0.2.20:6443", "alice", "shop"},
		"expired":  {"world", "https://192.0.2.20:6443", "expired", "shop"},
		"wrong-ca": {"wrong-ca", "https://192.0.2.20:6443", "admin", "shop"},
		"nowhere":  {"nowhere", "https://192.0.2.20:9", "admin", "shop"},
	}, got); diff != "" {
		t.Error(diff)
	}
	if config.CurrentContext != "world" {
		t.Errorf("the current context is %q", config.CurrentContext)
	}
}

func TestReadAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if events, at, err := ReadAudit(path, 0); err != nil || events != nil || at != 0 {
		t.Errorf("a log that is not there: %v, %d, %v", events, at, err)
	}
	const line = `{"verb":"create","requestURI":"/api/v1/namespaces/shop/serviceaccounts/cart/token","user":{"username":"admin"},"responseStatus":{"code":201}}` + "\n"
	if err := os.WriteFile(path, []byte(line+line+`{"verb":"cre`), 0o600); err != nil {
		t.Fatal(err)
	}
	events, at, err := ReadAudit(path, int64(len(line)))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{Verb: "create", RequestURI: "/api/v1/namespaces/shop/serviceaccounts/cart/token"}
	want.User.Username, want.ResponseStatus.Code = "admin", 201
	if diff := cmp.Diff([]Event{want}, events); diff != "" {
		t.Error(diff)
	}
	if at != int64(2*len(line)) {
		t.Errorf("the offset is %d", at)
	}
}

func TestNewLeavesItsFilesToTheOwner(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Config{Dir: dir, Address: "127.0.0.1", SigningKey: RSA}, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	sort.Strings(names)
	if diff := cmp.Diff([]string{"audit.yaml", "ca.crt", "sa-1.key", "sa-1.pub", "server.crt", "server.key"}, names); diff != "" {
		t.Error(diff)
	}
}
