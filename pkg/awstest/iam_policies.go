package awstest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// managedPolicies are the AWS managed policies that the double knows, by the part
// of their ARN after policy/.
var managedPolicies = map[string]string{
	"AmazonS3ReadOnlyAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}`,
	"AmazonS3FullAccess":     `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}`,
	"AdministratorAccess":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	"ReadOnlyAccess":         `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:Simulate*","s3:Get*","s3:List*","sts:Get*"],"Resource":"*"}]}`,
}

// managedPolicy is the document of arn:PARTITION:iam::aws:policy/NAME.
func managedPolicy(arn string) (string, bool) {
	parts, ok := parseARN(arn)
	name, isPolicy := strings.CutPrefix(parts.resource, "policy/")
	if !ok || !isPolicy || parts.account != "aws" {
		return "", false
	}
	document, ok := managedPolicies[name]
	return document, ok
}

func putRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	document := c.form.Get("PolicyDocument")
	if e := checkIdentityPolicy(document); e != nil {
		return nil, e
	}
	if name := c.form.Get("PolicyName"); len(name) > 128 || !policyNamePattern.MatchString(name) {
		return nil, refuse(http.StatusBadRequest, "ValidationError", "The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	}
	size := blackSize(document)
	for name, other := range r.inline {
		if name != c.form.Get("PolicyName") {
			size += blackSize(other)
		}
	}
	if size > 10240 {
		return nil, refuse(http.StatusConflict, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role %s", r.name)
	}
	r.inline[c.form.Get("PolicyName")] = document
	return nil, nil
}

var policyNamePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)

// inPolicies are the characters that IAM takes in policy documents:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
var inPolicies = regexp.MustCompile(`^[\t\n\r -ÿ]*$`)

// blackSize is the size of a policy as the quotas count it: without white space.
func blackSize(document string) int {
	size := 0
	for _, ch := range document {
		if !unicode.IsSpace(ch) {
			size++
		}
	}
	return size
}

func checkIdentityPolicy(document string) *apiError {
	if !inPolicies.MatchString(document) {
		return malformed("The policy document contains invalid characters.")
	}
	doc, err := parsePolicy(document)
	if err != nil || len(doc.Statement) == 0 {
		return malformed("Syntax errors in policy.")
	}
	for _, st := range doc.Statement {
		switch {
		case st.Principal != nil || st.NotPrincipal != nil:
			return malformed("Policy document should not specify a principal.")
		case st.Action == nil && st.NotAction == nil:
			return malformed("Policy statement must contain actions.")
		case st.Resource == nil && st.NotResource == nil:
			return malformed("Policy statement must contain resources.")
		}
	}
	return nil
}

func getRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	name := c.form.Get("PolicyName")
	document, ok := r.inline[name]
	if !ok {
		return nil, noSuch("The role policy with name %s cannot be found.", name)
	}
	result := el("", tx("RoleName", "%s", r.name), tx("PolicyName", "%s", name), tx("PolicyDocument", "%s", percentEncode(document)))
	return &result, nil
}

func listRolePolicies(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	shown, tail := page(c, slices.Sorted(maps.Keys(r.inline)))
	result := el("", append([]node{members("PolicyNames", shown, func(n string) node { return tx("", "%s", n) })}, tail...)...)
	return &result, nil
}

func deleteRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	name := c.form.Get("PolicyName")
	if _, ok := r.inline[name]; !ok {
		return nil, noSuch("The role policy with name %s cannot be found.", name)
	}
	delete(r.inline, name)
	return nil, nil
}

func (c *call) managed() (string, error) {
	arn := c.form.Get("PolicyArn")
	if _, ok := managedPolicy(arn); !ok {
		return "", noSuch("Policy %s does not exist or is not attachable.", arn)
	}
	return arn, nil
}

func attachRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	arn, err := c.managed()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(r.attached, arn):
		return nil, nil
	case len(r.attached) >= 10:
		return nil, refuse(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
	}
	r.attached = append(r.attached, arn)
	return nil, nil
}

func detachRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	arn := c.form.Get("PolicyArn")
	if !slices.Contains(r.attached, arn) {
		return nil, noSuch("Policy %s was not found.", arn)
	}
	r.attached = slices.DeleteFunc(r.attached, func(a string) bool { return a == arn })
	return nil, nil
}

func listAttachedRolePolicies(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	shown, tail := page(c, r.attached)
	result := el("", append([]node{members("AttachedPolicies", shown, func(arn string) node {
		return el("", tx("PolicyArn", "%s", arn), tx("PolicyName", "%s", arn[strings.LastIndexByte(arn, '/')+1:]))
	})}, tail...)...)
	return &result, nil
}

func putBoundary(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	arn := c.form.Get("PermissionsBoundary")
	if _, ok := managedPolicy(arn); !ok {
		return nil, noSuch("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	r.boundary = arn
	return nil, nil
}

func deleteBoundary(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	if r.boundary == "" {
		return nil, noSuch("The role with name %s has no permissions boundary.", r.name)
	}
	r.boundary = ""
	return nil, nil
}

func listInstanceProfiles(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	result := el("", members("InstanceProfiles", r.profiles, func(name string) node {
		return el("", tx("InstanceProfileName", "%s", name), tx("Path", "/"), tx("Arn", "%s", c.account().arn("iam", "instance-profile/"+name)),
			tx("InstanceProfileId", "AIPAZKAPJZG4ONSLD2UKS"), tx("CreateDate", "2020-01-01T00:00:00Z"), members("Roles", []*role{r}, func(r *role) node { return roleNode(r, "", false) }))
	}), tx("IsTruncated", "false"))
	return &result, nil
}

func getPolicy(c *call) (*node, error) {
	arn := c.form.Get("PolicyArn")
	if _, ok := managedPolicy(arn); !ok {
		return nil, noSuch("Policy %s was not found.", arn)
	}
	attached := 0
	for _, r := range c.account().roles {
		if slices.Contains(r.attached, arn) {
			attached++
		}
	}
	result := el("", el("Policy",
		tx("PolicyName", "%s", arn[strings.LastIndexByte(arn, '/')+1:]), tx("PolicyId", "ANPAZKAPJZG4ONSLD2UKS"),
		tx("Arn", "%s", arn), tx("Path", "/"), tx("DefaultVersionId", "v1"), tx("AttachmentCount", "%d", attached),
		tx("IsAttachable", "true"), tx("CreateDate", "2015-02-06T18:40:59Z"), tx("UpdateDate", "2023-08-10T21:31:39Z"),
	))
	return &result, nil
}

func getPolicyVersion(c *call) (*node, error) {
	arn, version := c.form.Get("PolicyArn"), c.form.Get("VersionId")
	document, ok := managedPolicy(arn)
	if !ok || version != "v1" {
		return nil, noSuch("Policy %s version %s does not exist or is not attachable.", arn, version)
	}
	result := el("", el("PolicyVersion", tx("Document", "%s", percentEncode(document)),
		tx("VersionId", "v1"), tx("IsDefaultVersion", "true"), tx("CreateDate", "2015-02-06T18:40:59Z")))
	return &result, nil
}
