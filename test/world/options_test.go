package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Setenv("SHELL", "/bin/bash")
	defaults := func(change func(*options)) options {
		o := options{SigningKey: "rsa", Bucket: "cluster-issuer", Audience: "sts.amazonaws.com", Command: []string{"/bin/bash"}}
		change(&o)
		return o
	}
	for name, tc := range map[string]struct {
		args string
		want options
		err  string
	}{
		"nothing is a shell in a trusted world": {want: defaults(func(o *options) { o.Welcome = true })},
		"a command keeps its own flags": {
			args: "--rtt 20ms -- kubectl get sa --rtt",
			want: defaults(func(o *options) {
				o.RoundTrip, o.Command = 20*time.Millisecond, []string{"kubectl", "get", "sa", "--rtt"}
			}),
		},
		"a command needs no dashes before it": {
			args: "--bare kubectl -n shop",
			want: defaults(func(o *options) { o.Bare, o.Command = true, []string{"kubectl", "-n", "shop"} }),
		},
		"everything": {
			args: "--signing-key ecdsa --extra-issuer https://a --extra-issuer https://b --issuer-bucket docs --issuer-path /id/1/ " +
				"--path-style --jwks-uri https://k --audience test --bucket one --bucket two --host x.amazonaws.com " +
				"--max-token-expiration 2h --anonymous-discovery --no-namespace --keep --plugin bin true",
			want: options{
				SigningKey: "ecdsa", ExtraIssuers: []string{"https://a", "https://b"}, Bucket: "docs", IssuerPath: "id/1",
				PathStyle: true, JWKSURI: "https://k", Audience: "test", Buckets: []string{"one", "two"},
				Hosts: []string{"x.amazonaws.com"}, MaxTokenExpiration: 2 * time.Hour, AnonymousDiscovery: true,
				NoNamespace: true, Keep: true, Plugin: "bin", Command: []string{"true"},
			},
		},
		"an unknown kind of key":       {args: "--signing-key dsa true", err: `--signing-key "dsa": use rsa or ecdsa`},
		"a bucket name with a dot":     {args: "--bucket a.b true", err: `"a.b" is no bucket name: use 3 to 63 lower-case letters, digits and hyphens`},
		"a bucket name in capitals":    {args: "--issuer-bucket DOCS true", err: `"DOCS" is no bucket name: use 3 to 63 lower-case letters, digits and hyphens`},
		"time that runs backwards":     {args: "--rtt -1ms true", err: "--rtt is negative"},
		"a token life that is refused": {args: "--max-token-expiration 30m true", err: "--max-token-expiration is under 1h, which the API server refuses"},
		"an unknown flag":              {args: "--nonsense", err: "flag provided but not defined: -nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(strings.Fields(tc.args), io.Discard)
			if tc.err != "" {
				if err == nil || err.Error() != tc.err {
					t.Errorf("error %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHelpListsOptionsAndVerbs(t *testing.T) {
	var out strings.Builder
	if _, err := parse([]string{"--help"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"Usage: go run ./test/world", "-signing-key", "-rtt", "rotate [--signing-key KIND]", "restart-aws [--empty]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}

func TestIssuer(t *testing.T) {
	for name, tc := range map[string]struct {
		options options
		want    string
	}{
		"a virtual host":             {options{Bucket: "docs"}, "https://docs.s3.us-east-1.amazonaws.com"},
		"a virtual host with a path": {options{Bucket: "docs", IssuerPath: "id/1"}, "https://docs.s3.us-east-1.amazonaws.com/id/1"},
		"the bucket in the path":     {options{Bucket: "docs", PathStyle: true}, "https://s3.us-east-1.amazonaws.com/docs"},
		"both in the path":           {options{Bucket: "docs", PathStyle: true, IssuerPath: "id"}, "https://s3.us-east-1.amazonaws.com/docs/id"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.options.issuer(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	names := options{Bucket: "docs", Buckets: []string{"more"}, Hosts: []string{"x.amazonaws.com"}}.names()
	for _, host := range []string{
		"sts.amazonaws.com", "sts.us-east-1.amazonaws.com", "iam.amazonaws.com", "s3.amazonaws.com", "x.amazonaws.com",
		"docs.s3.us-east-1.amazonaws.com", "more.s3.amazonaws.com", "cart-data.s3.amazonaws.com", "spare-5.s3.us-east-1.amazonaws.com",
	} {
		if names[host] != "192.0.2.10" {
			t.Errorf("%s leads to %q", host, names[host])
		}
	}
}

func TestInherited(t *testing.T) {
	got := inherited([]string{
		"PATH=/bin", "HOME=/root", "AWS_PROFILE=prod", "AWS_ACCESS_KEY_ID=x", "aws_lower=x", "KUBECONFIG=/k", "KUBERNETES_SERVICE_HOST=10.0.0.1",
		"https_proxy=http://p", "HTTPS_PROXY=http://p", "no_proxy=x", "SSL_CERT_FILE=/c", "SSL_CERT_DIR=/d", "XDG_CONFIG_HOME=/x",
		"IRSA_WORLD_DIR=/outer", "IRSA_WORLD_CACHE=/cache", "GOCACHE=/mine", "TERM=xterm", "HOMEBREW_PREFIX=/opt",
	}, []string{"GOCACHE=/default", "GOPATH=/go"})
	want := []string{"PATH=/bin", "IRSA_WORLD_CACHE=/cache", "GOCACHE=/mine", "TERM=xterm", "HOMEBREW_PREFIX=/opt", "GOPATH=/go"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrepend(t *testing.T) {
	for name, tc := range map[string]struct{ env, want []string }{
		"before what is there": {[]string{"A=b", "PATH=/bin"}, []string{"A=b", "PATH=/plugin:/bin"}},
		"where nothing is":     {[]string{"A=b"}, []string{"A=b", "PATH=/plugin"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, prepend(tc.env, "PATH", "/plugin")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
