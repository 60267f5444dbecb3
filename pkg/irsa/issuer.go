package irsa

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// A PrivateIssuerError is an issuer that AWS can never reach.
type PrivateIssuerError struct {
	Issuer string
	Reason string // a clause about the issuer: "names kubernetes.default.svc, ..."
	Port   bool   // whether it is the port that IAM does not take
}

func (e *PrivateIssuerError) Error() string {
	return fmt.Sprintf("the issuer %s cannot be made public: it %s", e.Issuer, e.Reason)
}

// maxIssuer is what IAM takes, in characters.
const maxIssuer = 255

// CheckIssuer says why no document below this issuer's URL can be read by AWS, nil
// where one can; the error is a *PrivateIssuerError. IAM takes https URLs without
// port, query and fragment
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html);
// the rest are names that only a cluster or a private network knows, and those for
// which S3 has no certificate.
func CheckIssuer(issuer string) error {
	private := func(format string, args ...any) error {
		return &PrivateIssuerError{Issuer: issuer, Reason: fmt.Sprintf(format, args...)}
	}
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" && u.Scheme != "https":
		return private("is no URL")
	case u.Scheme != "https":
		return private("begins with %s://, and AWS reads https only", u.Scheme)
	case u.Host == "":
		return private("is no URL")
	case u.User != nil:
		return private("holds a user name")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#"):
		return private("has a query or a fragment, which IAM refuses")
	case u.Port() != "":
		return &PrivateIssuerError{Issuer: issuer, Reason: fmt.Sprintf("names port %s, and IAM takes no port", u.Port()), Port: true}
	case len(issuer) > maxIssuer:
		return private("has %d characters, and IAM takes %d", len(issuer), maxIssuer)
	}
	if reason := PrivateHost(u.Hostname()); reason != "" {
		return private("%s", reason)
	}
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	if at, inS3 := ParseS3URL(issuer); inS3 && strings.Contains(at.Bucket, ".") && strings.HasPrefix(u.Hostname(), at.Bucket+".") {
		return private("names a bucket with a dot, for which S3 has no certificate; %s/%s is where S3 serves it with one",
			strings.Replace("https://"+u.Hostname(), at.Bucket+".", "", 1), at.Bucket)
	}
	return nil
}

// PrivateHost says as a clause about a URL why its host cannot be known outside of
// a cluster or a private network, "" where it can: an IP address, a name of one
// label, and the names set apart for private use.
func PrivateHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return "names an IP address, for which no public authority issues the certificate AWS asks for"
	}
	if !strings.Contains(host, ".") {
		return fmt.Sprintf("names %s, which only a private network knows", host)
	}
	if host == "kubernetes.default.svc" || strings.HasPrefix(host, "kubernetes.default.svc.") {
		return fmt.Sprintf("names %s, which only pods of the cluster can resolve", host)
	}
	for _, ending := range privateEndings {
		if strings.HasSuffix(host, ending) {
			return fmt.Sprintf("ends in %s, which no public name does", ending)
		}
	}
	return ""
}

// privateEndings are the names that public DNS never holds: RFC 6761, RFC 6762,
// RFC 8375, RFC 9476, ICANN's .internal, and what clusters call themselves.
var privateEndings = []string{
	".local", ".localhost", ".internal", ".svc", ".test", ".invalid", ".example", ".alt",
	".home.arpa", ".lan", ".localdomain", ".intranet", ".corp", ".home",
}
