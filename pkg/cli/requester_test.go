package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// keyUser is the requester of the only user of a kubeconfig, with flags.
func keyUser(t *testing.T, user string, args ...string) string {
	t.Helper()
	return clusterOf(t, user, args...).key.User
}

// clusterOf is the cluster of a kubeconfig with one user, with flags.
func clusterOf(t *testing.T, user string, args ...string) *cluster {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: k, user: ann}}],"+
		"clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: ann, user: %s}]}", user)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFactory(Process{Getenv: func(string) string { return "" }})
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.addFlags(flags)
	if err := flags.Parse(append(args, "--kubeconfig="+path)); err != nil {
		t.Fatal(err)
	}
	c, err := f.cluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNobodyIsServedWhatAnotherRequesterWasGiven(t *testing.T) {
	const user = "{token: hush}"
	plain := keyUser(t, user)
	if again := keyUser(t, user); again != plain {
		t.Errorf("the same user is %q, and then %q", plain, again)
	}
	if strings.Contains(plain, "hush") || !strings.HasPrefix(plain, "ann ") {
		t.Errorf("the user is called %q", plain)
	}
	file, other := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for _, name := range []string{file, other} {
		if err := os.WriteFile(name, []byte("hush"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	former := keyUser(t, "{tokenFile: "+file+"}")
	if err := os.WriteFile(file, []byte("hush again"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keyUser(t, "{tokenFile: "+file+"}") != former {
		t.Error("a token that was renewed in its file is another user's")
	}
	seen := map[string]string{plain: "a token", former: "a token in a file"}
	for name, tc := range map[string]struct {
		user string
		args []string
	}{
		"another token":          {"{token: other}", nil},
		"a token of a flag":      {user, []string{"--token=third"}},
		"a password":             {"{username: ann, password: hush}", nil},
		"a certificate":          {"{client-certificate: " + file + ", client-key: " + file + "}", nil},
		"another certificate":    {"{client-certificate: " + other + ", client-key: " + file + "}", nil},
		"a certificate's bytes":  {"{client-certificate-data: YQ==, client-key-data: YQ==}", nil},
		"a plugin":               {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: get, interactiveMode: Never}}", nil},
		"a plugin's argument":    {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: get, args: [a], interactiveMode: Never}}", nil},
		"a plugin's environment": {"{exec: {apiVersion: client.authentication.k8s.io/v1, command: get, env: [{name: A, value: b}], interactiveMode: Never}}", nil},
		"impersonation":          {user, []string{"--as=bob"}},
		"a group":                {user, []string{"--as=bob", "--as-group=g"}},
		"a uid":                  {user, []string{"--as=bob", "--as-uid=1"}},
		"an extra":               {user, []string{"--as=bob", "--as-user-extra=a=b"}},
		"another extra":          {user, []string{"--as=bob", "--as-user-extra=a=c"}},
		"a group that is an uid": {user, []string{"--as=bob", "--as-group=1"}},
	} {
		key := keyUser(t, tc.user, tc.args...)
		if twin, taken := seen[key]; taken {
			t.Errorf("%s and %s share what the cache holds", name, twin)
		}
		seen[key] = name
	}
}
