package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const linkDocuments = "public documents"

func publishedChecks() []Check {
	return []Check{
		{ID: "discovery-public", Link: linkDocuments, Title: "anybody can fetch the discovery document", Needs: []string{"issuer-public"}, Run: discoveryPublic},
		{ID: "issuer-published", Link: linkDocuments, Title: "it names the tokens' issuer", Needs: []string{"discovery-public"}, Run: issuerPublished},
		{ID: "jwks-uri-public", Link: linkDocuments, Title: "its jwks_uri is public", Needs: []string{"discovery-public"}, Run: jwksURIPublic},
		{ID: "jwks-public", Link: linkDocuments, Title: "anybody can fetch the key set", Needs: []string{"jwks-uri-public"}, Run: jwksPublic},
		{ID: "certificate-lasting", Link: linkDocuments, Title: "the certificate lasts", Needs: []string{"discovery-public"}, Aside: true, Run: certificateLasting},
		{ID: "cache-short", Link: linkDocuments, Title: "caches keep neither for long", Needs: []string{"jwks-public"}, Run: cacheShort},
	}
}

// discoveryPublic judges the anonymous fetch of the discovery document.
func discoveryPublic(f Facts) Result { return public(f, f.Discovery) }

// jwksPublic judges the anonymous fetch of the key set.
func jwksPublic(f Facts) Result {
	if f.Discovery.Err != nil && !errors.Is(f.Keys.Err, ErrNeedsToken) {
		return unknown("%v", f.Keys.Err)
	}
	return public(f, f.Keys)
}

// public says what an anonymous fetch means. What only happened between here
// and the server says nothing about what AWS gets.
func public[T any](f Facts, p Known[Published[T]]) Result {
	err, at := p.Err, p.Value.URL
	switch {
	case err == nil && p.Value.Bundled && !f.accepted():
		return warn("PUB10", "%s: its certificate is of an authority that AWS_CA_BUNDLE alone names: AWS does not know it, unless a proxy here put it there", at)
	case err == nil:
		return pass("%s", at)
	case errors.Is(err, ErrNeedsToken):
		return unknown("the issuer is not known")
	}
	publish := f.build("publish")
	if redirect, ok := errors.AsType[*oidc.Redirect](err); ok {
		return fixed(warn("PUB11", "%s redirects (%d) to %s; AWS need not follow", at, redirect.Status, redirect.Location), publish)
	}
	if status, ok := errors.AsType[*oidc.StatusError](err); ok {
		return f.status(status, publish)
	}
	if fault, ok := errors.AsType[*oidc.TLSError](err); ok {
		if fault.Fault == oidc.TLSUnknownAuthority && f.accepted() {
			return reached("PUB10", fmt.Errorf("%s: its certificate is of an authority unknown here: %w", at, fault.Err))
		}
		return fail("PUB10", "%s: its certificate is refused (%s): %v", at, fault.Fault, fault.Err)
	}
	gone, noName := errors.AsType[*oidc.DNSError](err)
	switch {
	case noName && gone.NotFound && !f.accepted():
		return fixed(fail(f.dangling(), "the host %s does not resolve from here", gone.Host), publish)
	case noName && gone.NotFound:
		return reached("PUB1", fmt.Errorf("the host %s does not resolve from here", gone.Host))
	case !unseen(err) && p.Value.Document != nil:
		// publish keeps its hands off what it cannot read.
		return fixed(fail("PUB1", "%v", err), f.withdraw(at, publish)...)
	case !unseen(err):
		return fixed(fail("PUB1", "%v", err), publish)
	case f.accepted():
		return reached("PUB1", err)
	}
	return unknown("%v\nso it is from here: whether AWS gets an answer is not known", err)
}

// unseen reports whether nothing came that could be judged.
func unseen(err error) bool {
	_, noName := errors.AsType[*oidc.DNSError](err)
	_, late := errors.AsType[*oidc.TimeoutError](err)
	_, noAnswer := errors.AsType[*oidc.UnreachableError](err)
	return noName || late || noAnswer || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// reached is what an error of this machine's is worth where AWS does better.
func reached(cause string, err error) Result {
	return warn(cause, "%v\nAWS reaches it: STS accepted the token just now", err)
}

// withdraw puts before a command that publishes the one that removes what is in
// its way.
func (f Facts) withdraw(at string, publish ...string) []string {
	if object := s3Object(at); object != "" {
		return append([]string{"aws s3 rm " + object + f.Paste.CLI}, publish...)
	}
	return publish
}

// s3Object is the object behind a public URL as the AWS CLI names it, "" where
// the URL is none of S3's.
func s3Object(at string) string {
	if o, inS3 := irsa.ParseS3URL(at); inS3 {
		return "s3://" + o.Bucket + "/" + o.Path
	}
	return ""
}

// status says what an answer other than 200 means.
func (f Facts) status(e *oidc.StatusError, publish string) Result {
	switch {
	case e.Code == "NoSuchBucket":
		return fixed(fail(f.dangling(), "%s: the bucket does not exist, and whoever makes one of that name can sign for this cluster", e.URL), f.build("publish --create-bucket"))
	case e.Status == 403 && e.HTML:
		return fail("PUB11", "%s: a firewall or a proxy answered 403 with a web page", e.URL)
	case e.Status == 403 && f.Blocks.Err == nil:
		return fixed(f.private(e), publish)
	case e.Status == 403 && e.Server == "AmazonS3" && e.Code == "AccessDenied":
		r := fail("PUB2", "%s: S3 answers 403 AccessDenied: the object is private or missing, or the bucket blocks public access", e.URL)
		if !errors.Is(f.Blocks.Err, ErrNotAsked) && !errors.Is(f.Blocks.Err, ErrNoCredentials) {
			r.Detail += "\n" + withheld("s3:GetBucketPublicAccessBlock", f.Blocks.Err).Detail
		}
		return fixed(r, publish)
	case e.Status == 403 || e.Status == 401:
		return fixed(fail("PUB1", "%s is not public: status %d", e.URL, e.Status), publish)
	case e.Status == 404:
		return fixed(fail("PUB1", "%s is not there: status 404", e.URL), publish)
	case e.Status >= 500 && f.accepted():
		return reached("PUB1", e)
	case e.Status >= 500:
		return fail("PUB1", "%v: that is the server's own trouble: try again in a moment", e)
	}
	return fixed(fail("PUB1", "%v", e), publish)
}

// private says why S3 refuses strangers where the bucket's Block Public Access
// is known. That of its account cannot be seen: another service has it.
func (f Facts) private(e *oidc.StatusError) Result {
	bucket, _ := irsa.ParseS3URL(e.URL)
	switch on := f.Blocks.Value; {
	case slices.Contains(on, restrictPublicBuckets):
		return fail("PUB2", "%s: S3 answers 403: bucket %s has %s on, which shuts strangers out whatever its policy says", e.URL, bucket.Bucket, list(on))
	case len(on) > 0:
		return fail("PUB2", "%s: S3 answers 403: bucket %s has %s on, which refuses a policy that lets strangers in", e.URL, bucket.Bucket, list(on))
	}
	return fail("PUB1", "%s: S3 answers 403: bucket %s blocks no public access itself: the object is private or missing, or the account's own block shuts strangers out", e.URL, bucket.Bucket)
}

// dangling is the cause of a host that does not exist: a provider that trusts
// it is a takeover waiting to happen.
func (f Facts) dangling() string {
	if f.Provider.Err == nil && f.Provider.Value.ARN != "" {
		return "PROV4"
	}
	return "PUB1"
}

func issuerPublished(f Facts) Result {
	if f.Discovery.Err != nil {
		return unknown("the document could not be read")
	}
	again := f.withdraw(f.Discovery.Value.URL, f.build("publish"))
	switch says := f.Discovery.Value.Parsed.Issuer; {
	case says == f.Issuer:
		return pass("%s", f.Issuer)
	case says == "":
		return fixed(fail("PUB5", "the discovery document has no issuer"), again...)
	case f.meantIssuer() == says:
		r := fail("ISS2", "published document and provider agree: it is the API server's --service-account-issuer that differs")
		return f.otherIssuer(compared(r, check.Compare("token", f.Issuer, "published", says)), says)
	default:
		return fixed(compared(fail("PUB5", "AWS compares the two byte for byte"), check.Compare("token", f.Issuer, "published", says)), again...)
	}
}

func jwksURIPublic(f Facts) Result {
	if f.Discovery.Err != nil {
		return unknown("the document could not be read")
	}
	at := f.Discovery.Value.Parsed.JWKSURI
	if at == "" {
		return fixed(fail("PUB4", "the discovery document has no jwks_uri"), f.build("publish"))
	}
	u, err := url.Parse(at)
	switch {
	case err != nil || u.Host == "":
		return fixed(fail("PUB4", "jwks_uri %q is not a URL", at), f.build("publish"))
	case u.Scheme != "https":
		return fixed(fail("PUB4", "jwks_uri %s is not https", at), f.build("publish"))
	case irsa.PrivateHost(u.Hostname()) != "":
		return fixed(fail("PUB4", "jwks_uri %s leads to an address that only the cluster knows", at), f.build("publish"))
	}
	return pass("%s", at)
}

const shortestCertificate = 14 * 24 * time.Hour

func certificateLasting(f Facts) Result {
	document := f.Discovery.Value.Document
	if document == nil || len(document.Certificates) == 0 {
		return unknown("no certificate was seen")
	}
	ends := document.Certificates[0].NotAfter
	if left := ends.Sub(f.Now); left < shortestCertificate {
		return warn("PUB10", "it ends %s, in %d days", ends.UTC().Format(time.DateOnly), int(left.Hours()/24))
	}
	return pass("until %s", ends.UTC().Format(time.DateOnly))
}

// longestCache is what a kube-apiserver itself allows.
const longestCache = time.Hour

func cacheShort(f Facts) Result {
	if f.Discovery.Value.Document == nil && f.Keys.Value.Document == nil {
		return unknown("neither document was seen")
	}
	for _, d := range []struct {
		what     string
		document *oidc.Document
	}{{"discovery document", f.Discovery.Value.Document}, {"key set", f.Keys.Value.Document}} {
		if d.document == nil {
			continue
		}
		if d.document.Age > longestCache {
			return warn("PUB9", "a cache has held the %s for %s", d.what, d.document.Age)
		}
		if life := maxAge(d.document.CacheControl); life > longestCache {
			return warn("PUB9", "the %s may be kept for %s (Cache-Control: %s): a new key is not seen that long", d.what, life, d.document.CacheControl)
		}
	}
	return pass("")
}

// maxAge is how long a shared cache may keep an answer: s-maxage before max-age,
// and a number that is too large is the largest (RFC 9111, sections 1.2.2 and 5.2.2).
func maxAge(cacheControl string) (life time.Duration) {
	for _, directive := range strings.Split(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if name != "max-age" && name != "s-maxage" {
			continue
		}
		seconds, err := strconv.ParseInt(value, 10, 32) // the largest where it is out of range
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			continue
		}
		life = time.Duration(seconds) * time.Second
		if name == "s-maxage" {
			return life
		}
	}
	return life
}
