package awstest

import (
	"net/http"
	"strings"
)

// s3Operation is one operation of S3 and what it needs.
type s3Operation struct {
	name       string
	permission string // after s3:
	run        func(*call, *bucket) (*answer, error)
	noBucket   bool // works without an existing bucket
}

// s3Route finds an operation by level (service, bucket, object), method and the
// query parameter that selects a subresource.
type s3Route struct{ level, method, query string }

// s3Subresources are the query parameters that select one.
var s3Subresources = []string{
	"policy", "policyStatus", "publicAccessBlock", "ownershipControls", "tagging", "location", "acl",
	"versioning", "delete", "list-type", "versions", "uploads", "encryption",
}

var s3Routes = map[s3Route]s3Operation{
	{"service", "GET", ""}: {"ListBuckets", "ListAllMyBuckets", listBuckets, true},

	{"bucket", "PUT", ""}:                     {"CreateBucket", "CreateBucket", createBucket, true},
	{"bucket", "HEAD", ""}:                    {"HeadBucket", "ListBucket", headBucket, false},
	{"bucket", "DELETE", ""}:                  {"DeleteBucket", "DeleteBucket", deleteBucket, false},
	{"bucket", "GET", "list-type"}:            {"ListObjectsV2", "ListBucket", listObjects, false},
	{"bucket", "GET", ""}:                     {"ListObjects", "ListBucket", listObjects, false},
	{"bucket", "POST", "delete"}:              {"DeleteObjects", "DeleteObject", deleteObjects, false},
	{"bucket", "GET", "location"}:             {"GetBucketLocation", "GetBucketLocation", getLocation, false},
	{"bucket", "GET", "versioning"}:           {"GetBucketVersioning", "GetBucketVersioning", getVersioning, false},
	{"bucket", "GET", "policy"}:               {"GetBucketPolicy", "GetBucketPolicy", getBucketPolicy, false},
	{"bucket", "PUT", "policy"}:               {"PutBucketPolicy", "PutBucketPolicy", putBucketPolicy, false},
	{"bucket", "DELETE", "policy"}:            {"DeleteBucketPolicy", "DeleteBucketPolicy", deleteBucketPolicy, false},
	{"bucket", "GET", "policyStatus"}:         {"GetBucketPolicyStatus", "GetBucketPolicyStatus", getPolicyStatus, false},
	{"bucket", "GET", "publicAccessBlock"}:    {"GetPublicAccessBlock", "GetBucketPublicAccessBlock", getPublicAccessBlock, false},
	{"bucket", "PUT", "publicAccessBlock"}:    {"PutPublicAccessBlock", "PutBucketPublicAccessBlock", putPublicAccessBlock, false},
	{"bucket", "DELETE", "publicAccessBlock"}: {"DeletePublicAccessBlock", "PutBucketPublicAccessBlock", deletePublicAccessBlock, false},
	{"bucket", "GET", "ownershipControls"}:    {"GetBucketOwnershipControls", "GetBucketOwnershipControls", getOwnership, false},
	{"bucket", "PUT", "ownershipControls"}:    {"PutBucketOwnershipControls", "PutBucketOwnershipControls", putOwnership, false},
	{"bucket", "GET", "tagging"}:              {"GetBucketTagging", "GetBucketTagging", getBucketTagging, false},
	{"bucket", "PUT", "tagging"}:              {"PutBucketTagging", "PutBucketTagging", putBucketTagging, false},
	{"bucket", "DELETE", "tagging"}:           {"DeleteBucketTagging", "PutBucketTagging", deleteBucketTagging, false},
	{"bucket", "GET", "acl"}:                  {"GetBucketAcl", "GetBucketAcl", getBucketACL, false},
	{"bucket", "PUT", "acl"}:                  {"PutBucketAcl", "PutBucketAcl", putACL, false},

	{"object", "PUT", ""}:    {"PutObject", "PutObject", putObject, false},
	{"object", "GET", ""}:    {"GetObject", "GetObject", getObject, false},
	{"object", "HEAD", ""}:   {"HeadObject", "GetObject", getObject, false},
	{"object", "DELETE", ""}: {"DeleteObject", "DeleteObject", deleteObject, false},
	{"object", "PUT", "acl"}: {"PutObjectAcl", "PutObjectAcl", putACL, false},
}

// accountBlockOperation is one of S3 Control, whose address begins with an account's
// ID: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html.
var accountBlockOperation = s3Operation{"GetAccountPublicAccessBlock", "GetAccountPublicAccessBlock", getAccountBlock, true}

// routeS3 reads bucket, key and operation from host, path and query.
func (c *call) routeS3() {
	path := strings.TrimPrefix(c.r.URL.Path, "/")
	if strings.Contains(c.r.Host, ".s3-control.") {
		if c.r.Method+" /"+path == "GET /v20180820/configuration/publicAccessBlock" {
			c.op = &accountBlockOperation
			c.action = c.op.name
		}
		return
	}
	if b := c.virtualBucket(); b != "" {
		c.bucket, c.object = b, path
	} else {
		c.bucket, c.object, _ = strings.Cut(path, "/")
	}
	level := "service"
	switch {
	case c.object != "":
		level = "object"
	case c.bucket != "":
		level = "bucket"
	}
	query := ""
	for _, name := range s3Subresources {
		if c.form.Has(name) {
			query = name
			break
		}
	}
	if op, ok := s3Routes[s3Route{level, c.r.Method, query}]; ok {
		c.op, c.action = &op, op.name
		return
	}
	c.action = c.r.Method + " " + level + " " + query
}

// virtualBucket is the bucket in a host name such as BUCKET.s3.REGION.amazonaws.com
// or BUCKET.localhost, empty for path-style requests.
func (c *call) virtualBucket() string {
	host, _, _ := strings.Cut(strings.ToLower(c.r.Host), ":")
	if b, ok := strings.CutSuffix(host, ".localhost"); ok {
		return b
	}
	if !isAWSHost(host) {
		return ""
	}
	for _, mark := range []string{".s3.", ".s3-"} {
		if b, _, ok := strings.Cut(host, mark); ok {
			return b
		}
	}
	return ""
}

func (c *call) handleS3() (*answer, error) {
	if c.op == nil {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	b := c.s.buckets[c.bucket]
	if c.op.noBucket {
		if c.key == nil || !c.mayDo() {
			return nil, c.accessDenied()
		}
		return c.op.run(c, b)
	}
	if b == nil || c.key != nil && b.hidden(c.op.name) {
		e := refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		e.extra = []node{tx("BucketName", "%s", c.bucket)}
		return nil, e
	}
	if e := c.checkPlace(b); e != nil {
		return nil, e
	}
	owner := c.r.Header.Get("X-Amz-Expected-Bucket-Owner")
	switch {
	case owner == "":
	case len(owner) != 12 || strings.Trim(owner, "0123456789") != "":
		e := refuse(http.StatusBadRequest, "InvalidBucketOwnerAWSAccountID", "The value of the expected bucket owner parameter must be an AWS Account ID... [%s]", owner)
		return nil, e
	case owner != b.account.ID:
		return nil, refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	if !c.mayTouch(b, c.op.permission, c.resource()) {
		return nil, c.accessDenied()
	}
	return c.op.run(c, b)
}

func (c *call) accessDenied() *apiError {
	return refuse(http.StatusForbidden, "AccessDenied", "%s", deniedText(c))
}

// checkPlace refuses a bucket of another region, as the regional endpoints do. The
// global one redirects until DNS knows the bucket, for up to a day:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html.
func (c *call) checkPlace(b *bucket) *apiError {
	region := c.hostRegion()
	host, _, _ := strings.Cut(strings.ToLower(c.r.Host), ":")
	if (host == "s3.amazonaws.com" || strings.HasSuffix(host, ".s3.amazonaws.com")) && b.region != region {
		to := b.name + ".s3." + b.region + ".amazonaws.com"
		e := refuse(http.StatusTemporaryRedirect, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests.")
		e.extra = []node{tx("Endpoint", "%s", to), tx("Bucket", "%s", b.name)}
		e.header = http.Header{"X-Amz-Bucket-Region": {b.region}, "Location": {"https://" + to + "/" + c.object}}
		return e
	}
	if region == "" {
		region = c.scope.region
	}
	if region == "" || region == b.region {
		return nil
	}
	e := refuse(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
	e.extra = []node{
		tx("Endpoint", "%s", b.name+".s3."+b.region+".amazonaws.com"), tx("Bucket", "%s", b.name),
	}
	e.header = http.Header{"X-Amz-Bucket-Region": {b.region}}
	return e
}

func (c *call) resource() string {
	partition := c.s.opts.Partition
	if c.bucket == "" {
		return "arn:" + partition + ":s3:::*"
	}
	arn := "arn:" + partition + ":s3:::" + c.bucket
	if c.object != "" {
		arn += "/" + c.object
	}
	return arn
}

func (c *call) s3Permission() (action, resource string) {
	if c.op == nil {
		return "s3:" + c.action, c.resource()
	}
	return "s3:" + c.op.permission, c.resource()
}

func s3Answer(n node) *answer {
	a := xmlAnswer(http.StatusOK, n, s3Namespace)
	a.header.Set("Content-Type", "application/xml")
	return a
}
