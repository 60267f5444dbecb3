package awstest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is one object of a bucket, in its only version.
type object struct {
	body     []byte
	etag     string // quotes included
	header   http.Header
	modified time.Time
	kms      bool // encrypted with a key of KMS
}

// encryption is what S3 says of an object's, which every one has since 2023:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html.
func (o *object) encryption() string {
	if o.kms {
		return "aws:kms"
	}
	return "AES256"
}

// keptHeaders are what an upload says about its object and a download repeats.
var keptHeaders = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

// PutObject stores an object as PutObject would, whatever the bucket's access rules.
func (s *Server) PutObject(bucketName, key, contentType string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucketName]; b != nil {
		b.objects[key] = newObject(body, http.Header{"Content-Type": {contentType}}, s.now())
		b.objects[key].kms = b.kms
	}
}

// Object is the body of an object, nil where there is none.
func (s *Server) Object(bucketName, key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucketName]; b != nil && b.objects[key] != nil {
		return slices.Clone(b.objects[key].body)
	}
	return nil
}

// DeleteObject removes an object, whatever the bucket's access rules.
func (s *Server) DeleteObject(bucketName, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucketName]; b != nil {
		delete(b.objects, key)
	}
}

func newObject(body []byte, header http.Header, now time.Time) *object {
	sum := md5.Sum(body) // ETags of S3 are MD5 sums
	return &object{body: body, etag: `"` + hex.EncodeToString(sum[:]) + `"`, header: header, modified: now.UTC().Truncate(time.Second)}
}

func putObject(c *call, b *bucket) (*answer, error) {
	if acl := c.r.Header.Get("X-Amz-Acl"); b.ownership == "BucketOwnerEnforced" && acl != "" && acl != "bucket-owner-full-control" {
		return nil, refuseACL()
	}
	if c.r.Header.Get("X-Amz-Copy-Source") != "" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
	}
	if e := checkWriteCondition(c.r.Header, b.objects[c.object]); e != nil {
		return nil, e
	}
	header := http.Header{}
	for name, values := range c.r.Header {
		if slices.Contains(keptHeaders, name) || strings.HasPrefix(name, "X-Amz-Meta-") {
			header[name] = values
		}
	}
	if encoding := strings.TrimPrefix(strings.TrimPrefix(header.Get("Content-Encoding"), "aws-chunked"), ","); encoding == "" {
		header.Del("Content-Encoding")
	} else {
		header.Set("Content-Encoding", encoding)
	}
	o := newObject(c.body, header, c.now())
	asked := c.r.Header.Get("X-Amz-Server-Side-Encryption")
	o.kms = strings.HasPrefix(asked, "aws:kms") || asked == "" && b.kms
	b.objects[c.object] = o
	a := newAnswer(http.StatusOK)
	a.header.Set("ETag", o.etag)
	a.header.Set("X-Amz-Server-Side-Encryption", o.encryption())
	return a, nil
}

// checkWriteCondition is what S3 calls conditional writes: If-None-Match: * and
// If-Match with an ETag.
func checkWriteCondition(h http.Header, o *object) *apiError {
	failed := func(condition string) *apiError {
		e := refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		e.extra = []node{tx("Condition", "%s", condition)}
		return e
	}
	match := h.Get("If-Match")
	switch {
	case h.Get("If-None-Match") == "*" && o != nil:
		return failed("If-None-Match")
	case h.Get("If-None-Match") != "" && h.Get("If-None-Match") != "*":
		return refuse(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.")
	case match != "" && o == nil:
		return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	case match != "" && match != "*" && strings.Trim(match, `"`) != strings.Trim(o.etag, `"`):
		return failed("If-Match")
	}
	return nil
}

func getObject(c *call, b *bucket) (*answer, error) {
	o := b.objects[c.object]
	if o == nil {
		// Whether a key exists is told only to those who may list the bucket.
		if !c.mayTouch(b, "ListBucket", "arn:"+c.s.opts.Partition+":s3:::"+b.name) {
			return nil, c.accessDenied()
		}
		e := refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		e.extra = []node{tx("Key", "%s", c.object)}
		return nil, e
	}
	if o.kms && c.key == nil {
		return nil, refuse(http.StatusBadRequest, "InvalidArgument", "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.")
	}
	a := newAnswer(http.StatusOK)
	maps.Copy(a.header, o.header)
	a.header.Set("X-Amz-Server-Side-Encryption", o.encryption())
	if a.header.Get("Content-Type") == "" {
		a.header.Set("Content-Type", "binary/octet-stream")
	}
	a.header.Set("ETag", o.etag)
	a.header.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	a.header.Set("Accept-Ranges", "bytes")
	a.header.Set("Content-Length", strconv.Itoa(len(o.body)))
	h := c.r.Header
	switch {
	case h.Get("If-Match") != "" && h.Get("If-Match") != o.etag:
		return nil, refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	case h.Get("If-None-Match") == o.etag:
		a.status = http.StatusNotModified
		a.header.Del("Content-Length")
		return a, nil
	}
	a.body = o.body
	return a, nil
}

func deleteObject(c *call, b *bucket) (*answer, error) {
	if match := c.r.Header.Get("If-Match"); match != "" {
		if e := checkWriteCondition(http.Header{"If-Match": {match}}, b.objects[c.object]); e != nil {
			return nil, e
		}
	}
	delete(b.objects, c.object)
	return newAnswer(http.StatusNoContent), nil
}

func deleteObjects(c *call, b *bucket) (*answer, error) {
	var sent struct {
		Object []struct{ Key string }
		Quiet  bool
	}
	if xml.Unmarshal(c.body, &sent) != nil || len(sent.Object) == 0 || len(sent.Object) > 1000 {
		return nil, malformedXML()
	}
	result := el("DeleteResult")
	for _, o := range sent.Object {
		if !c.mayTouch(b, "DeleteObject", "arn:"+c.s.opts.Partition+":s3:::"+b.name+"/"+o.Key) {
			result.kids = append(result.kids, el("Error", tx("Key", "%s", o.Key), tx("Code", "AccessDenied"), tx("Message", "Access Denied")))
			continue
		}
		delete(b.objects, o.Key)
		if !sent.Quiet {
			result.kids = append(result.kids, el("Deleted", tx("Key", "%s", o.Key)))
		}
	}
	return s3Answer(result), nil
}

// listObjects is version 2, and version 1 as far as nothing is cut off.
func listObjects(c *call, b *bucket) (*answer, error) {
	prefix, delimiter, most := c.form.Get("prefix"), c.form.Get("delimiter"), 1000
	if n, err := strconv.Atoi(c.form.Get("max-keys")); err == nil && n >= 0 && n < most {
		most = n
	}
	after := max(c.form.Get("continuation-token"), c.form.Get("start-after"), c.form.Get("marker"))
	show := func(s string) string { return s }
	if c.form.Get("encoding-type") == "url" {
		show = encodeSegments
	}
	var contents, prefixes []node
	last, cut, previous := "", false, ""
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}
		folder, _, folded := strings.Cut(rest, delimiter)
		if folded = folded && delimiter != ""; folded {
			folder = prefix + folder + delimiter
			if folder == previous || strings.HasPrefix(after, folder) {
				last = key
				continue
			}
		}
		if len(contents)+len(prefixes) >= most {
			cut = true
			break
		}
		last = key
		if folded {
			previous = folder
			prefixes = append(prefixes, el("CommonPrefixes", tx("Prefix", "%s", show(folder))))
			continue
		}
		o := b.objects[key]
		contents = append(contents, el("Contents", tx("Key", "%s", show(key)),
			tx("LastModified", "%s", o.modified.Format(time.RFC3339)), tx("ETag", "%s", o.etag),
			tx("Size", "%d", len(o.body)), tx("StorageClass", "STANDARD")))
	}
	n := el("ListBucketResult", tx("Name", "%s", b.name), tx("Prefix", "%s", show(prefix)), tx("MaxKeys", "%d", most),
		tx("KeyCount", "%d", len(contents)+len(prefixes)), tx("IsTruncated", "%t", cut))
	if delimiter != "" {
		n.kids = append(n.kids, tx("Delimiter", "%s", show(delimiter)))
	}
	if c.form.Get("encoding-type") == "url" {
		n.kids = append(n.kids, tx("EncodingType", "url"))
	}
	if cut {
		n.kids = append(n.kids, tx("NextContinuationToken", "%s", last), tx("NextMarker", "%s", last))
	}
	n.kids = append(append(n.kids, contents...), prefixes...)
	return s3Answer(n), nil
}
