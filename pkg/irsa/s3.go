package irsa

import (
	"net/url"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// S3Object is an object in S3, or with Path "" a bucket.
type S3Object struct {
	Bucket string
	Region string // "" where the URL does not say, as with s3.amazonaws.com
	Path   string // without a slash at its beginning
}

// ParseS3URL is the object that a public URL leads to, false where the URL is
// not one of S3's. Both forms are known: https://BUCKET.s3.REGION.amazonaws.com/PATH
// and https://s3.REGION.amazonaws.com/BUCKET/PATH.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func ParseS3URL(text string) (S3Object, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return S3Object{}, false
	}
	match := s3Host().FindStringSubmatch(strings.ToLower(u.Hostname()))
	if match == nil {
		return S3Object{}, false
	}
	o := S3Object{Bucket: match[1], Region: match[2], Path: strings.TrimPrefix(u.Path, "/")}
	if o.Bucket == "" {
		o.Bucket, o.Path, _ = strings.Cut(o.Path, "/")
	}
	if !bucketName().MatchString(o.Bucket) {
		return S3Object{}, false
	}
	return o, true
}

// ValidBucketName applies S3's rule for the names of buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func ValidBucketName(name string) bool {
	return bucketName().MatchString(name) && !strings.Contains(name, "..")
}

// Of s3Host, what stands before s3 is the bucket; s3.REGION, s3-REGION,
// s3.dualstack.REGION and the legacy global s3 are known.
var (
	s3Host     = lazyregexp.New(`^(?:(.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-]([a-z]{2,4}(?:-[a-z]+)+-[0-9]+))?\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu)$`)
	bucketName = lazyregexp.New(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)
