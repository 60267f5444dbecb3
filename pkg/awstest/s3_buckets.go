package awstest

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// bucket is an S3 bucket with the defaults of those made since April 2023: Block
// Public Access all on, ACLs disabled.
type bucket struct {
	name, region string
	account      *Account
	created      time.Time
	objects      map[string]*object
	block        publicAccessBlock
	noBlock      bool // its configuration was deleted
	kms          bool // objects are encrypted with a key of KMS unless an upload says otherwise
	ownership    string
	policy       string
	tags         []tag
	policyLag    int // PutBucketPolicy calls that still see the old block
	readLag      int // anonymous reads that still see the old block
	lag          int // signed calls that do not find the bucket yet
}

// AddBucket makes a bucket with today's defaults in the account and region. An
// empty region means the server's.
func (a *Account) AddBucket(name, region string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	setDefault(&region, a.server.opts.Region)
	a.server.buckets[name] = newBucket(a, name, region)
}

func newBucket(a *Account, name, region string) *bucket {
	return &bucket{
		name: name, region: region, account: a, created: a.server.now(), objects: map[string]*object{},
		block: publicAccessBlock{true, true, true, true}, ownership: "BucketOwnerEnforced",
	}
}

var bucketNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func createBucket(c *call, existing *bucket) (*answer, error) {
	if !bucketNamePattern.MatchString(c.bucket) || strings.Contains(c.bucket, "..") {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	ownership := c.r.Header.Get("X-Amz-Object-Ownership")
	setDefault(&ownership, "BucketOwnerEnforced")
	if acl := c.r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" && ownership == "BucketOwnerEnforced" {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	var asked struct {
		LocationConstraint string
		Tags               struct {
			Tag []struct{ Key, Value string }
		}
	}
	if len(c.body) > 0 && xml.Unmarshal(c.body, &asked) != nil {
		return nil, malformedXML()
	}
	region := c.hostRegion()
	setDefault(&region, c.scope.region)
	switch {
	case asked.LocationConstraint == "" && region != "us-east-1":
		return nil, refuse(http.StatusBadRequest, "IllegalLocationConstraintException", "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case asked.LocationConstraint == "us-east-1":
		return nil, refuse(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case asked.LocationConstraint != "" && region != "us-east-1" && asked.LocationConstraint != region:
		return nil, refuse(http.StatusBadRequest, "IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", asked.LocationConstraint)
	case asked.LocationConstraint != "":
		region = asked.LocationConstraint
	}
	if e := c.checkNamespace(region); e != nil {
		return nil, e
	}
	switch {
	case existing != nil && existing.account != c.account():
		return nil, refuse(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case existing != nil && region != "us-east-1":
		return nil, refuse(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	case existing == nil: // in us-east-1 one's own bucket is created once more without an error
		existing = newBucket(c.account(), c.bucket, region)
		existing.ownership, existing.lag = ownership, c.s.opts.BucketLag
		for _, t := range asked.Tags.Tag {
			existing.tags = append(existing.tags, tag{t.Key, t.Value})
		}
		c.s.buckets[c.bucket] = existing
	}
	a := newAnswer(http.StatusOK)
	a.header.Set("Location", "/"+c.bucket)
	return a, nil
}

// regionalName is the form of names in an account's own namespace.
var regionalName = regexp.MustCompile(`^.+-([0-9]{12})-([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)-an$`)

// checkNamespace holds a name against the namespace that is asked for: names of the
// one form are given in an account's own namespace alone.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
func (c *call) checkNamespace(region string) *apiError {
	form := regionalName.FindStringSubmatch(c.bucket)
	switch namespace := c.r.Header.Get("X-Amz-Bucket-Namespace"); {
	case namespace == "account-regional" && (form == nil || form[1] != c.account().ID || form[2] != region):
		return refuse(http.StatusBadRequest, "InvalidBucketName", "The specified bucket name does not follow the account regional namespace format.")
	case namespace != "account-regional" && form != nil:
		return refuse(http.StatusBadRequest, "InvalidBucketNamespace", "The requested bucket was not in the account regional namespace.")
	}
	return nil
}

// EncryptWithKMS makes a key of KMS the default encryption of a bucket.
func (s *Server) EncryptWithKMS(bucketName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucketName]; b != nil {
		b.kms = true
	}
}

func malformedXML() *apiError {
	return refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func headBucket(_ *call, b *bucket) (*answer, error) {
	a := newAnswer(http.StatusOK)
	a.header.Set("X-Amz-Bucket-Region", b.region)
	return a, nil
}

func deleteBucket(c *call, b *bucket) (*answer, error) {
	if len(b.objects) > 0 {
		e := refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
		e.extra = []node{tx("BucketName", "%s", b.name)}
		return nil, e
	}
	delete(c.s.buckets, b.name)
	return newAnswer(http.StatusNoContent), nil
}

func listBuckets(c *call, _ *bucket) (*answer, error) {
	var own []*bucket
	for _, b := range c.s.buckets {
		if b.account == c.account() && strings.HasPrefix(b.name, c.form.Get("prefix")) {
			own = append(own, b)
		}
	}
	slices.SortFunc(own, func(a, b *bucket) int { return cmp.Compare(a.name, b.name) })
	list := el("Buckets")
	for _, b := range own {
		list.kids = append(list.kids, el("Bucket", tx("Name", "%s", b.name),
			tx("CreationDate", "%s", b.created.UTC().Format(time.RFC3339)), tx("BucketRegion", "%s", b.region)))
	}
	return s3Answer(el("ListAllMyBucketsResult",
		el("Owner", tx("ID", "%s", canonicalID(c.account()))), list)), nil
}

func canonicalID(a *Account) string { return strings.TrimPrefix(Redact(a.ID), "sha256:") }

func getLocation(_ *call, b *bucket) (*answer, error) {
	place := b.region
	if place == "us-east-1" {
		place = ""
	}
	return s3Answer(tx("LocationConstraint", "%s", place)), nil
}

func getVersioning(*call, *bucket) (*answer, error) {
	return s3Answer(el("VersioningConfiguration")), nil
}

func getBucketTagging(_ *call, b *bucket) (*answer, error) {
	if len(b.tags) == 0 {
		return nil, refuse(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	set := el("TagSet")
	for _, t := range b.tags {
		n := tagNode(t)
		n.name = "Tag"
		set.kids = append(set.kids, n)
	}
	return s3Answer(el("Tagging", set)), nil
}

func putBucketTagging(c *call, b *bucket) (*answer, error) {
	var sent struct {
		TagSet struct {
			Tag []struct{ Key, Value string }
		}
	}
	if xml.Unmarshal(c.body, &sent) != nil {
		return nil, malformedXML()
	}
	var tags []tag
	for _, t := range sent.TagSet.Tag {
		tags = append(tags, tag{t.Key, t.Value})
	}
	if e := checkBucketTags(tags); e != nil {
		return nil, e
	}
	b.tags = tags
	return newAnswer(http.StatusNoContent), nil
}

// checkBucketTags refuses what S3 would:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_S3Tag.html.
func checkBucketTags(tags []tag) *apiError {
	if len(tags) > 50 {
		return refuse(http.StatusBadRequest, "BadRequest", "Bucket tag count cannot be greater than 50")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case seen[t.key]:
			return refuse(http.StatusBadRequest, "InvalidTag", "Cannot provide multiple Tags with the same key")
		case strings.HasPrefix(t.key, "aws:"):
			return refuse(http.StatusBadRequest, "InvalidTag", "System tags cannot be added/updated by requester")
		case !validTagKey(t.key):
			return refuse(http.StatusBadRequest, "InvalidTag", "The TagKey you have provided is invalid")
		case !validTagValue(t.value):
			return refuse(http.StatusBadRequest, "InvalidTag", "The TagValue you have provided is invalid")
		}
		seen[t.key] = true
	}
	return nil
}

func deleteBucketTagging(_ *call, b *bucket) (*answer, error) {
	b.tags = nil
	return newAnswer(http.StatusNoContent), nil
}

// hidden counts the calls that do not find a new bucket yet.
func (b *bucket) hidden(operation string) bool {
	if b.lag == 0 || operation == "HeadBucket" {
		return false
	}
	b.lag--
	return true
}
