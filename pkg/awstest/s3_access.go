package awstest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// publicAccessBlock are the four switches of Block Public Access.
type publicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// BlockPublicAccess turns the account's own Block Public Access on or off, which
// wins over that of its buckets.
func (a *Account) BlockPublicAccess(on bool) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.block = publicAccessBlock{on, on, on, on}
}

// OpenToPublic lets anybody read every object of the bucket: Block Public Access
// off, and a bucket policy that allows s3:GetObject.
func (s *Server) OpenToPublic(bucketName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[bucketName]; b != nil {
		b.block, b.noBlock = publicAccessBlock{}, false
		b.policy = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:%s:s3:::%s/*"}]}`,
			s.opts.Partition, bucketName)
	}
}

// mayTouch decides about a request to a bucket: within its account either the
// identity or the bucket policy must allow, from outside both, and nobody from
// outside passes RestrictPublicBuckets on the strength of a public policy.
func (c *call) mayTouch(b *bucket, permission, resource string) bool {
	q := question{action: "s3:" + permission, resource: resource, context: map[string][]string{
		"aws:securetransport": {fmt.Sprint(c.r.TLS != nil)}, "s3:prefix": {c.form.Get("prefix")},
	}}
	byIdentity := neither
	if c.key != nil {
		byIdentity = c.key.may(q)
	}
	byBucket := c.askBucket(b, q)
	switch {
	case byIdentity == denied || byBucket == denied && (c.key == nil || !c.key.admin || c.account() != b.account):
		return false
	case c.key != nil && c.account() == b.account:
		return byIdentity == allowed || byBucket == allowed
	case byBucket != allowed || b.restricted():
		return false
	}
	return c.key == nil || byIdentity == allowed
}

func (c *call) askBucket(b *bucket, q question) decision {
	if b.policy == "" {
		return neither
	}
	doc, err := parsePolicy(b.policy)
	if err != nil {
		return neither
	}
	q.principal = func(kind, name string) bool {
		if kind != "AWS" {
			return false
		}
		if name == "*" {
			return true
		}
		return c.key != nil && (name == c.key.arn || name == c.key.account.ID ||
			name == c.key.account.arn("iam", "root") || c.key.role != nil && name == c.key.role.arn())
	}
	return doc.evaluate(q)
}

// restricted says whether a public policy of the bucket lets no stranger in. It
// counts the reads for which a change of the block has not arrived yet.
func (b *bucket) restricted() bool {
	if !isPublic(b.policy) {
		return false
	}
	if b.readLag > 0 {
		b.readLag--
		return true
	}
	return b.block.RestrictPublicBuckets || b.account.block.RestrictPublicBuckets
}

// fixing are condition keys that make a policy not public when they name something
// definite (Amazon S3 User Guide, "The meaning of public").
var fixing = []string{
	"aws:sourcearn", "aws:sourceaccount", "aws:principalorgid", "aws:sourcevpc", "aws:sourcevpce",
	"aws:sourceowner", "aws:principalarn", "aws:principalaccount", "aws:sourceip", "aws:userid",
}

func isPublic(policy string) bool {
	doc, err := parsePolicy(policy)
	if err != nil {
		return false
	}
	for _, st := range doc.Statement {
		if st.Effect == "Allow" && st.Principal != nil && st.Principal.everybody() && !st.fixed() {
			return true
		}
	}
	return false
}

func (p *policyPrincipal) everybody() bool {
	if p.anyone {
		return true
	}
	for _, name := range p.byKind["AWS"] {
		if name == "*" {
			return true
		}
	}
	return false
}

func (st statement) fixed() bool {
	for _, keys := range st.Condition {
		for key, values := range keys {
			for _, f := range fixing {
				if strings.EqualFold(f, key) && !strings.Contains(strings.Join(values, ""), "*") {
					return true
				}
			}
		}
	}
	return false
}

func putBucketPolicy(c *call, b *bucket) (*answer, error) {
	if len(c.body) > 20*1024 {
		return nil, refuse(http.StatusBadRequest, "PolicyTooLarge", "The policy exceeds the maximum document size.")
	}
	if !json.Valid(c.body) || c.body[0] != '{' {
		return nil, refuse(http.StatusBadRequest, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
	}
	doc, err := parsePolicy(string(c.body))
	if err != nil || len(doc.Statement) == 0 {
		return nil, refuse(http.StatusBadRequest, "MalformedPolicy", "Invalid policy syntax.")
	}
	arn := "arn:" + c.s.opts.Partition + ":s3:::" + b.name
	for _, st := range doc.Statement {
		switch {
		case st.Principal == nil && st.NotPrincipal == nil:
			return nil, refuse(http.StatusBadRequest, "MalformedPolicy", "Missing required field Principal")
		case st.Resource == nil && st.NotResource == nil:
			return nil, refuse(http.StatusBadRequest, "MalformedPolicy", "Missing required field Resource")
		}
		for _, resource := range st.Resource {
			if resource != arn && !strings.HasPrefix(resource, arn+"/") {
				return nil, refuse(http.StatusBadRequest, "MalformedPolicy", "Policy has invalid resource")
			}
		}
	}
	blocked := b.block.BlockPublicPolicy || c.account().block.BlockPublicPolicy
	if isPublic(string(c.body)) {
		if !blocked && b.policyLag > 0 {
			b.policyLag--
			blocked = true
		}
		if blocked {
			return nil, refuse(http.StatusForbidden, "AccessDenied",
				"User: %s is not authorized to perform: s3:PutBucketPolicy on resource: \"%s\" because public policies are blocked by the BlockPublicPolicy block public access setting.", c.key.arn, arn)
		}
	}
	b.policy = string(c.body)
	return newAnswer(http.StatusNoContent), nil
}

func getBucketPolicy(_ *call, b *bucket) (*answer, error) {
	if b.policy == "" {
		return nil, noBucketPolicy(b)
	}
	a := newAnswer(http.StatusOK)
	a.header.Set("Content-Type", "application/json")
	a.body = []byte(b.policy)
	return a, nil
}

func noBucketPolicy(b *bucket) *apiError {
	e := refuse(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
	e.extra = []node{tx("BucketName", "%s", b.name)}
	return e
}

func deleteBucketPolicy(_ *call, b *bucket) (*answer, error) {
	b.policy = ""
	return newAnswer(http.StatusNoContent), nil
}

func getPolicyStatus(_ *call, b *bucket) (*answer, error) {
	if b.policy == "" {
		return nil, noBucketPolicy(b)
	}
	public := isPublic(b.policy) && !b.block.RestrictPublicBuckets && !b.account.block.RestrictPublicBuckets
	return s3Answer(el("PolicyStatus", tx("IsPublic", "%t", public))), nil
}

func getPublicAccessBlock(_ *call, b *bucket) (*answer, error) {
	if b.noBlock {
		return nil, refuse(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return blockAnswer(b.block), nil
}

func blockAnswer(block publicAccessBlock) *answer {
	return s3Answer(el("PublicAccessBlockConfiguration",
		tx("BlockPublicAcls", "%t", block.BlockPublicAcls), tx("IgnorePublicAcls", "%t", block.IgnorePublicAcls),
		tx("BlockPublicPolicy", "%t", block.BlockPublicPolicy), tx("RestrictPublicBuckets", "%t", block.RestrictPublicBuckets),
	))
}

// getAccountBlock is for the account's own administrators alone, who name it twice.
func getAccountBlock(c *call, _ *bucket) (*answer, error) {
	id, _, _ := strings.Cut(c.r.Host, ".")
	switch {
	case id != c.r.Header.Get("X-Amz-Account-Id"):
		return nil, refuse(http.StatusBadRequest, "InvalidRequest", "Account ID in the host and in the header differ")
	case id != c.account().ID:
		return nil, c.accessDenied()
	case c.account().block == publicAccessBlock{}:
		return nil, refuse(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return blockAnswer(c.account().block), nil
}

func putPublicAccessBlock(c *call, b *bucket) (*answer, error) {
	var block publicAccessBlock
	if xml.Unmarshal(c.body, &block) != nil {
		return nil, malformedXML()
	}
	b.setBlock(block)
	return newAnswer(http.StatusOK), nil
}

func (b *bucket) setBlock(block publicAccessBlock) {
	if b.block.BlockPublicPolicy && !block.BlockPublicPolicy {
		b.policyLag = b.account.server.opts.PublicAccessLag
	}
	if b.block.RestrictPublicBuckets && !block.RestrictPublicBuckets {
		b.readLag = b.account.server.opts.PublicAccessLag
	}
	b.block, b.noBlock = block, false
}

func deletePublicAccessBlock(_ *call, b *bucket) (*answer, error) {
	b.setBlock(publicAccessBlock{})
	b.noBlock = true
	return newAnswer(http.StatusNoContent), nil
}

func getOwnership(_ *call, b *bucket) (*answer, error) {
	return s3Answer(el("OwnershipControls", el("Rule", tx("ObjectOwnership", "%s", b.ownership)))), nil
}

func putOwnership(c *call, b *bucket) (*answer, error) {
	var sent struct {
		Rule []struct{ ObjectOwnership string }
	}
	if xml.Unmarshal(c.body, &sent) != nil || len(sent.Rule) != 1 {
		return nil, malformedXML()
	}
	b.ownership = sent.Rule[0].ObjectOwnership
	return newAnswer(http.StatusOK), nil
}

func refuseACL() *apiError {
	return refuse(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

func getBucketACL(_ *call, b *bucket) (*answer, error) {
	owner := el("Owner", tx("ID", "%s", canonicalID(b.account)))
	grantee := node{name: `Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"`, kids: owner.kids}
	return s3Answer(el("AccessControlPolicy", owner,
		el("AccessControlList", el("Grant", grantee, tx("Permission", "FULL_CONTROL"))))), nil
}

// putACL refuses on a bucket of today; where ACLs were enabled by hand it accepts
// and forgets them, because nothing here is ever public by ACL.
func putACL(_ *call, b *bucket) (*answer, error) {
	if b.ownership == "BucketOwnerEnforced" {
		return nil, refuseACL()
	}
	return newAnswer(http.StatusOK), nil
}
