package login

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

const ours, others = "0123456789abcdef.token", "their.token"

// book is a configuration with these lines, and token files beside it.
func book(t *testing.T, config string) (Book, string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{ours, others} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("hush"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(config, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := creds.Cache{Dir: filepath.Join(dir, "cache"), Now: time.Now, Warn: func(err error) { t.Error(err) }}
	return Book{ConfigPath: path, GOOS: "linux", Cache: cache, TokenDir: dir, CacheDir: func(flag string) string { return flag }}, dir
}

func tokenProfile(name, token string) string {
	return "[profile " + name + "]\nkubectl_irsa = shop/cart@blue\nrole_arn = " + ourRole + "\nweb_identity_token_file = DIR/" + token + "\n"
}

// A profile's token goes with it, unless somebody else has put it there or another
// profile names it still.
func TestOnlyATokenOfOursGoesWithItsProfile(t *testing.T) {
	for name, tc := range map[string]struct {
		config string
		left   []string
	}{
		"a token of ours":               {tokenProfile("a", ours), []string{others}},
		"a token that is somebody's":    {tokenProfile("a", others), []string{ours, others}},
		"a token that another one uses": {tokenProfile("a", ours) + strings.ReplaceAll(tokenProfile("b", ours), "kubectl_irsa", "mine"), []string{ours, others}},
	} {
		t.Run(name, func(t *testing.T) {
			b, dir := book(t, tc.config)
			removed, err := b.Remove(t.Context(), func(o Owned) bool { return o.Name == "a" })
			if err != nil || len(removed) != 1 {
				t.Fatalf("removed %v, error %v", removed, err)
			}
			var left []string
			for _, file := range []string{ours, others} {
				if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
					left = append(left, file)
				} else if !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.left, left); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAProfileOfSomebodyElseStays(t *testing.T) {
	const theirs = "[profile theirs]\nregion = eu-west-1\n"
	b, _ := book(t, theirs+tokenProfile("a", ours))
	removed, err := b.Remove(t.Context(), func(Owned) bool { return true })
	if err != nil || len(removed) != 1 || removed[0].Name != "a" {
		t.Errorf("removed %v, error %v", removed, err)
	}
	text, err := os.ReadFile(b.ConfigPath)
	if diff := cmp.Diff(theirs, string(text)); err != nil || diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	for name, refused := range map[string]bool{"theirs": true, "a": false, "none": false} {
		if err := b.CheckOwned(name); (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A session that a profile still hands out stays when sessions are forgotten.
func TestASessionOfAProfileThatStaysIsNotForgotten(t *testing.T) {
	line := "kubectl-irsa credential-process --context=blue --namespace=shop --service-account=cart --role-arn=" + ourRole + " --audience=a --issuer=https://i --session-name=me"
	b, _ := book(t, "[profile a]\ncredential_process = "+line+"\n")
	staying := creds.Key{Context: "blue", Namespace: "shop", ServiceAccount: "cart", RoleARN: ourRole, Audience: "a", Issuer: "https://i", SessionName: "me"}
	going := staying
	going.RoleARN = theirRole
	unasked := staying
	unasked.RoleARN, unasked.Context = theirRole, "green"
	for _, key := range []creds.Key{staying, going, unasked} {
		now := time.Now()
		if err := b.Cache.Put(key, creds.Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	n, err := b.Forget(func(k creds.Key) bool { return k.Context == "blue" })
	if err != nil || n != 1 {
		t.Errorf("%d sessions, error %v", n, err)
	}
	kept, err := b.Cache.List()
	if err != nil {
		t.Fatal(err)
	}
	left := map[creds.Key]bool{}
	for _, k := range kept {
		left[k.Key] = true
	}
	if diff := cmp.Diff(map[creds.Key]bool{staying: true, unasked: true}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// Two contexts, and two profiles of one ServiceAccount, do not share a token file.
func TestATokenFileIsOneProfilesOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, profile := range []string{"a", "b"} {
		for _, context := range []string{"blue", "green"} {
			l := &Login{Profile: profile, TokenDir: "/tokens", Pinned: Pinned{Context: context, Namespace: "n", ServiceAccount: "s"}}
			path := l.tokenPath()
			if seen[path] = true; !isTokenName(filepath.Base(path)) {
				t.Errorf("%s is none of ours", path)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d files for four logins", len(seen))
	}
}
