// Package issuer makes what a cluster's API server says about its tokens public,
// so that AWS can verify them: it reads discovery document and keys from the live
// server, rewrites them for the issuer's URL, merges them with what is public
// already and writes them to S3 or a directory, as steps of a plan. It also says
// what differs between cluster and public, and how each distribution is told its
// issuer.
//
// It never sees a private key, and never takes a key away unless asked to prune.
package issuer

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// JWKSPath is what follows the issuer in the URL of its key set where nothing
// else is said: where a kube-apiserver has it too.
const JWKSPath = "/openid/v1/jwks"

// A PrivateError is an issuer that AWS can never reach.
type PrivateError struct {
	Issuer string
	Reason string // a clause about the issuer: "names kubernetes.default.svc, ..."
}

func (e *PrivateError) Error() string {
	return fmt.Sprintf("the issuer %s cannot be made public: it %s", e.Issuer, e.Reason)
}

// CheckPublic says why no document below this issuer's URL can be read by AWS,
// nil where one can. IAM takes https URLs without port, query and fragment
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html);
// the rest are names that only a cluster or a private network knows.
func CheckPublic(issuer string) error {
	private := func(format string, args ...any) error {
		return &PrivateError{Issuer: issuer, Reason: fmt.Sprintf(format, args...)}
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return private("is no URL")
	case u.Scheme != "https":
		return private("begins with %s://, and AWS reads https only", u.Scheme)
	case u.User != nil:
		return private("holds a user name")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		return private("has a query or a fragment, which IAM refuses")
	case u.Port() != "":
		return private("names port %s, and IAM takes no port", u.Port())
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return private("names an IP address, for which no public authority issues the certificate AWS asks for")
	}
	if !strings.Contains(host, ".") {
		return private("names %s, which only a private network knows", host)
	}
	if host == "kubernetes.default.svc" || strings.HasPrefix(host, "kubernetes.default.svc.") {
		return private("names %s, which only pods of the cluster can resolve", host)
	}
	for _, ending := range privateEndings {
		if strings.HasSuffix(host, ending) {
			return private("ends in %s, which no public name does", ending)
		}
	}
	return nil
}

// privateEndings are the names that public DNS never holds: RFC 6761, RFC 6762,
// RFC 8375, ICANN's .internal, and what clusters call themselves.
var privateEndings = []string{
	".local", ".localhost", ".internal", ".svc", ".test", ".invalid", ".example",
	".home.arpa", ".lan", ".localdomain", ".intranet", ".corp", ".home",
}
