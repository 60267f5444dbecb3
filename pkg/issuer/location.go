package issuer

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// A Location is a place in S3: a bucket and what the keys in it begin with.
type Location struct {
	Bucket string
	Region string // "" where the URL does not say, as with s3.amazonaws.com
	Prefix string // without slashes at its ends; "" is the bucket's root
}

// String is the location as --to takes it.
func (l Location) String() string {
	if l.Prefix == "" {
		return "s3://" + l.Bucket
	}
	return "s3://" + l.Bucket + "/" + l.Prefix
}

// Partition is the AWS partition of the location's region, aws where it has none.
func (l Location) Partition() string { return irsa.PartitionOf(l.Region) }

// ARN is that of an object of the bucket.
func (l Location) ARN(key string) string {
	return "arn:" + l.Partition() + ":s3:::" + l.Bucket + "/" + key
}

// Reserved reports whether the bucket's name, SOMETHING-ACCOUNT-REGION-an, is one of an
// account's own namespace: it has to be asked for there, and nobody else ever gets it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func (l Location) Reserved() bool {
	rest, ok := strings.CutSuffix(l.Bucket, "-"+l.Region+"-an")
	if at := len(rest) - len("-111122223333"); ok && l.Region != "" && at > 0 {
		return rest[at] == '-' && strings.Trim(rest[at+1:], "0123456789") == ""
	}
	return false
}

// LocationOf is the place in S3 that an issuer's URL leads to, false where the
// URL is not one of S3's. Both forms of URL are known:
// https://BUCKET.s3.REGION.amazonaws.com/PATH and
// https://s3.REGION.amazonaws.com/BUCKET/PATH.
func LocationOf(issuer string) (Location, bool) {
	at, inS3 := irsa.ParseS3URL(issuer)
	if !inS3 {
		return Location{}, false
	}
	return Location{Bucket: at.Bucket, Region: at.Region, Prefix: strings.TrimSuffix(at.Path, "/")}, true
}

// RegionFor is the region of a bucket that is to be made for an issuer's documents:
// that of its URL. A URL of S3 that names none leads to the first region of its
// partition; a bucket of another one is found there after a day or never, and AWS
// follows no redirect.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
// Whoever serves a URL elsewhere reads from any region: otherwise, which has to be
// one then.
func RegionFor(issuer string, at Location, otherwise string) string {
	if at.Region != "" {
		return at.Region
	}
	if _, direct := LocationOf(issuer); !direct {
		return otherwise
	}
	partition := "aws"
	if u, err := url.Parse(issuer); err == nil {
		switch host := u.Hostname(); {
		case strings.HasSuffix(host, ".cn"):
			partition = "aws-cn"
		case strings.HasSuffix(host, ".eu"):
			partition = "aws-eusc"
		}
	}
	return irsa.RoleARN{Partition: partition}.Region()
}

// DiscoveryKey is the object key of the discovery document.
func (l Location) DiscoveryKey() string { return l.key(oidc.DiscoveryPath) }

func (l Location) key(path string) string {
	if l.Prefix == "" {
		return strings.TrimPrefix(path, "/")
	}
	return l.Prefix + path
}

// TargetKind is where documents are written to.
type TargetKind int

// The kinds of target: S3, a directory, the standard output.
const (
	ToS3 TargetKind = iota
	ToDir
	ToStdout
)

// A Target is what --to names.
type Target struct {
	Kind     TargetKind
	Location Location // of ToS3
	Dir      string   // of ToDir
}

// String is the target as --to takes it.
func (t Target) String() string {
	switch t.Kind {
	case ToDir:
		return "dir:" + t.Dir
	case ToStdout:
		return "-"
	}
	return t.Location.String()
}

// ParseTarget reads the value of --to: s3://BUCKET[/PREFIX], dir:PATH or "-".
func ParseTarget(text string) (Target, error) {
	if text == "-" {
		return Target{Kind: ToStdout}, nil
	}
	if dir, ok := strings.CutPrefix(text, "dir:"); ok {
		if dir == "" {
			return Target{}, fmt.Errorf("target %q names no directory", text)
		}
		return Target{Kind: ToDir, Dir: dir}, nil
	}
	rest, ok := strings.CutPrefix(text, "s3://")
	if !ok {
		return Target{}, fmt.Errorf("target %q: use s3://BUCKET[/PREFIX], dir:PATH or -", text)
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !irsa.ValidBucketName(bucket) {
		return Target{}, fmt.Errorf("target %q: %q is not the name of a bucket (3 to 63 lower-case letters, digits, dots and hyphens)", text, bucket)
	}
	return Target{Location: Location{Bucket: bucket, Prefix: strings.Trim(prefix, "/")}}, nil
}

// A MisfitError is a target that is not where the issuer's URL leads.
type MisfitError struct {
	Issuer       string
	Asked, Fits  Location
	NoneWasAsked bool // the issuer is not in S3 and no target was named
}

func (e *MisfitError) Error() string {
	if e.NoneWasAsked {
		return fmt.Sprintf("the issuer %s is not a URL of S3, so it does not say where its documents go", e.Issuer)
	}
	return fmt.Sprintf("documents in %s would not be found: the issuer's URL leads elsewhere\n  issuer  %s\n  leads to  %s\n  asked for %s",
		e.Asked, e.Issuer, e.Fits, e.Asked)
}

// TargetFor is where the documents of an issuer go: what was asked for, if that
// is where its URL leads, else the bucket in its URL. An issuer outside of S3
// (behind a CDN, say) goes wherever was asked.
func TargetFor(issuer string, asked *Target) (Target, error) {
	leads, inS3 := LocationOf(issuer)
	switch {
	case asked == nil && !inS3:
		return Target{}, &MisfitError{Issuer: issuer, NoneWasAsked: true}
	case asked == nil:
		return Target{Location: leads}, nil
	case asked.Kind != ToS3 || !inS3:
		return *asked, nil
	case asked.Location.Bucket != leads.Bucket || asked.Location.Prefix != "" && asked.Location.Prefix != leads.Prefix:
		return Target{}, &MisfitError{Issuer: issuer, Asked: asked.Location, Fits: leads}
	}
	return Target{Location: leads}, nil
}
