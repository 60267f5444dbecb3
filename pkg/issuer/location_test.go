package issuer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhereAnIssuerLeads(t *testing.T) {
	tests := map[string]struct {
		want Location
		key  string
		ok   bool
	}{
		"https://b.b.s3.eu-west-1.amazonaws.com":                         {Location{"b.b", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.eu-west-1.amazonaws.com":                         {Location{"bkt", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.eu-west-1.amazonaws.com/":                        {Location{"bkt", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.eu-west-1.amazonaws.com/a/b":                     {Location{"bkt", "eu-west-1", "a/b"}, "a/b/.well-known/openid-configuration", true},
		"https://bkt.s3.eu-west-1.amazonaws.com/a/b/":                    {Location{"bkt", "eu-west-1", "a/b"}, "a/b/.well-known/openid-configuration", true},
		"https://bkt.s3.eu-west-1.amazonaws.com/a//":                     {Location{"bkt", "eu-west-1", "a/"}, "a//.well-known/openid-configuration", true},
		"https://s3.eu-west-1.amazonaws.com/bkt":                         {Location{"bkt", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://s3.eu-west-1.amazonaws.com/bkt/a":                       {Location{"bkt", "eu-west-1", "a"}, "a/.well-known/openid-configuration", true},
		"https://s3-eu-west-1.amazonaws.com/bkt":                         {Location{"bkt", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3-us-west-2.amazonaws.com":                         {Location{"bkt", "us-west-2", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.dualstack.eu-west-1.amazonaws.com":               {Location{"bkt", "eu-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.amazonaws.com":                                   {Location{"bkt", "", ""}, ".well-known/openid-configuration", true},
		"https://s3.amazonaws.com/bkt":                                   {Location{"bkt", "", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.cn-north-1.amazonaws.com.cn":                     {Location{"bkt", "cn-north-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3.us-gov-west-1.amazonaws.com":                     {Location{"bkt", "us-gov-west-1", ""}, ".well-known/openid-configuration", true},
		"https://bkt.s3-website-us-east-1.amazonaws.com":                 {},
		"https://bkt.s3.eu-west-1.amazonaws.com:8443":                    {},
		"http://bkt.s3.eu-west-1.amazonaws.com":                          {},
		"https://s3.eu-west-1.amazonaws.com/":                            {},
		"https://bkt.s3.eu-west-1.amazonaws.com.evil.example":            {},
		"https://oidc.eks.eu-west-1.amazonaws.com/id/ABC":                {},
		"https://d111111abcdef8.cloudfront.net":                          {},
		"https://kubernetes.default.svc.cluster.local":                   {},
		"https://xn--s3.eu-west-1.amazonaws.com.cn.example.org/bkt/path": {},
	}
	for issuer, tc := range tests {
		got, ok := LocationOf(issuer)
		if ok != tc.ok || got != tc.want {
			t.Errorf("%s: %+v, %t; want %+v, %t", issuer, got, ok, tc.want, tc.ok)
		}
		if ok && got.DiscoveryKey() != tc.key {
			t.Errorf("%s: key %q, want %q", issuer, got.DiscoveryKey(), tc.key)
		}
	}
}

func TestTargets(t *testing.T) {
	const issuer = "https://bkt.s3.eu-west-1.amazonaws.com/a"
	leads := Location{"bkt", "eu-west-1", "a"}
	tests := map[string]struct {
		issuer, to string
		want       Target
		err        string
	}{
		"by default where the issuer leads":   {issuer, "", Target{Location: leads}, ""},
		"the same bucket":                     {issuer, "s3://bkt", Target{Location: leads}, ""},
		"the same place":                      {issuer, "s3://bkt/a/", Target{Location: leads}, ""},
		"another bucket":                      {issuer, "s3://other", Target{}, "documents in s3://other would not be found: the issuer's URL leads elsewhere\n  issuer  " + issuer + "\n  leads to  s3://bkt/a\n  asked for s3://other"},
		"another prefix":                      {issuer, "s3://bkt/b", Target{}, "documents in s3://bkt/b would not be found: the issuer's URL leads elsewhere\n  issuer  " + issuer + "\n  leads to  s3://bkt/a\n  asked for s3://bkt/b"},
		"a directory":                         {issuer, "dir:/srv", Target{Kind: ToDir, Dir: "/srv"}, ""},
		"standard output":                     {issuer, "-", Target{Kind: ToStdout}, ""},
		"an issuer outside of S3":             {"https://id.example.com", "", Target{}, "the issuer https://id.example.com is not a URL of S3, so it does not say where its documents go"},
		"a bucket behind an issuer elsewhere": {"https://id.example.com", "s3://bkt/x", Target{Location: Location{"bkt", "", "x"}}, ""},
		"no bucket's name":                    {issuer, "s3://No_Bucket", Target{}, `target "s3://No_Bucket": "No_Bucket" is not the name of a bucket (3 to 63 lower-case letters, digits, dots and hyphens)`},
		"no directory":                        {issuer, "dir:", Target{}, `target "dir:" names no directory`},
		"no target":                           {issuer, "/srv", Target{}, `target "/srv": use s3://BUCKET[/PREFIX], dir:PATH or -`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var asked *Target
			var err error
			if tc.to != "" {
				var parsed Target
				if parsed, err = ParseTarget(tc.to); err == nil {
					asked = &parsed
				}
			}
			var got Target
			if err == nil {
				got, err = TargetFor(tc.issuer, asked)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			text := ""
			if err != nil {
				text = fmt.Sprint(err)
			}
			if text != tc.err {
				t.Errorf("error %q\nwant  %q", text, tc.err)
			}
		})
	}
}
