package irsa

import (
	"strings"
	"testing"
)

func TestIssuersThatCannotBePublic(t *testing.T) {
	tests := map[string]string{
		"https://bkt.s3.eu-west-1.amazonaws.com/a/":    "",
		"https://oidc.example.com/id/ABC":              "",
		"https://kubernetes.default.svc.cluster.local": "names kubernetes.default.svc.cluster.local, which only pods of the cluster can resolve",
		"https://kubernetes.default.svc":               "names kubernetes.default.svc, which only pods of the cluster can resolve",
		"http://oidc.example.com":                      "begins with http://, and AWS reads https only",
		"kubernetes/serviceaccount":                    "is no URL",
		"https://10.0.0.1":                             "names an IP address, for which no public authority issues the certificate AWS asks for",
		"https://10.0.0.1:6443":                        "names port 6443, and IAM takes no port",
		"https://[fd00::1]":                            "names an IP address, for which no public authority issues the certificate AWS asks for",
		"https://master":                               "names master, which only a private network knows",
		"https://api.cluster.internal":                 "ends in .internal, which no public name does",
		"https://oidc.example.com/?x=1":                "has a query or a fragment, which IAM refuses",
		"https://oidc.example.com/#x":                  "has a query or a fragment, which IAM refuses",
		"https://oidc.svc.example.com":                 "",
		"https://s3.eu-west-1.amazonaws.com/my.shop":   "",
		"https://my.shop.s3.eu-west-1.amazonaws.com/a": "names a bucket with a dot, for which S3 has no certificate; https://s3.eu-west-1.amazonaws.com/my.shop is where S3 serves it with one",
		"https:///x":                                   "is no URL",
		"https://me@oidc.example.com":                  "holds a user name",
	}
	long := "https://id.example.com/" + strings.Repeat("a", 250)
	tests[long] = "has 273 characters, and IAM takes 255"
	for issuer, reason := range tests {
		want := ""
		if reason != "" {
			want = "the issuer " + issuer + " cannot be made public: it " + reason
		}
		got := ""
		if err := CheckIssuer(issuer); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
