package awstest

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// role is an IAM role of an account.
type role struct {
	account     *Account
	name, path  string
	id          string // AROA...
	description string
	trust       string
	maxSession  int // seconds
	tags        []tag
	boundary    string // ARN of a managed policy
	inline      map[string]string
	attached    []string // ARNs of managed policies
	profiles    []string // names of the instance profiles that it is in
	created     time.Time
	lastUsed    time.Time
	lag         int // how many exchanges do not see it yet
}

func (r *role) arn() string { return r.account.arn("iam", "role"+r.path+r.name) }

// visible counts the exchanges that must not see a new role yet.
func (r *role) visible() bool {
	if r.lag > 0 {
		r.lag--
		return false
	}
	return true
}

// trusts asks the trust policy for a verified token.
func (r *role) trusts(token webToken, session string) bool {
	doc, err := parsePolicy(r.trust)
	if err != nil {
		return false
	}
	keys := maps.Clone(token.keys)
	keys["sts:rolesessionname"] = []string{session}
	return doc.evaluate(question{
		action: "sts:AssumeRoleWithWebIdentity", context: keys,
		principal: func(kind, name string) bool {
			return kind == "Federated" && (name == token.provider || name == "*")
		},
	}) == allowed
}

func (r *role) policyDocuments() []string {
	documents := slices.Collect(maps.Values(r.inline))
	for _, arn := range r.attached {
		document, _ := managedPolicy(arn)
		documents = append(documents, document)
	}
	return documents
}

// AddRole makes a role with a trust policy, as CreateRole would, and returns its
// ARN. A role of that name gets the new trust policy and keeps the rest.
func (a *Account) AddRole(name, trustPolicy string) string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	r := a.roles[name]
	if r == nil {
		r = &role{
			account: a, name: name, path: "/", id: a.server.uniqueID("AROA"), maxSession: 3600,
			inline: map[string]string{}, created: a.server.now(),
		}
		a.roles[name] = r
	}
	r.trust = trustPolicy
	return r.arn()
}

// SetMaxSession is the role's MaxSessionDuration, in seconds; 3600 unless set.
func (a *Account) SetMaxSession(roleName string, seconds int) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if r := a.roles[roleName]; r != nil {
		r.maxSession = seconds
	}
}

// SetRolePolicy gives a role an inline policy of that name.
func (a *Account) SetRolePolicy(roleName, policyName, document string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if r := a.roles[roleName]; r != nil {
		r.inline[policyName] = document
	}
}

func roleNode(r *role, name string, full bool) node {
	n := el(name,
		tx("Path", "%s", r.path), tx("RoleName", "%s", r.name), tx("RoleId", "%s", r.id), tx("Arn", "%s", r.arn()),
		tx("CreateDate", "%s", r.created.UTC().Format(time.RFC3339)),
		tx("AssumeRolePolicyDocument", "%s", percentEncode(r.trust)),
		tx("MaxSessionDuration", "%d", r.maxSession),
	)
	if r.description != "" {
		n.kids = append(n.kids, tx("Description", "%s", r.description))
	}
	if !full { // ListRoles carries no tags, boundary or last use
		return n
	}
	if len(r.tags) > 0 {
		n.kids = append(n.kids, members("Tags", r.tags, tagNode))
	}
	if r.boundary != "" {
		n.kids = append(n.kids, el("PermissionsBoundary",
			tx("PermissionsBoundaryType", "Policy"), tx("PermissionsBoundaryArn", "%s", r.boundary)))
	}
	used := el("RoleLastUsed")
	if !r.lastUsed.IsZero() {
		used.kids = []node{
			tx("LastUsedDate", "%s", r.lastUsed.UTC().Format(time.RFC3339)),
			tx("Region", "%s", r.account.server.opts.Region),
		}
	}
	n.kids = append(n.kids, used)
	return n
}

var (
	roleNamePattern = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	pathPattern     = regexp.MustCompile(`^/([!-~]+/)?$`)
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	descriptionPattern = regexp.MustCompile(`^[\t\n\r -~¡-ÿ]*$`)
)

// AddInstanceProfile puts a role into an instance profile of that name.
func (a *Account) AddInstanceProfile(name, roleName string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if r := a.roles[roleName]; r != nil {
		r.profiles = append(r.profiles, name)
	}
}

func createRole(c *call) (*node, error) {
	name, path := c.form.Get("RoleName"), c.form.Get("Path")
	setDefault(&path, "/")
	switch {
	case len(name) > 64:
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%s' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64", name)
	case !roleNamePattern.MatchString(name):
		return nil, refuse(http.StatusBadRequest, "ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	case !pathPattern.MatchString(path) || len(path) > 512:
		return nil, refuse(http.StatusBadRequest, "ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	case !descriptionPattern.MatchString(c.form.Get("Description")):
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*")
	case utf8.RuneCountInString(c.form.Get("Description")) > 1000:
		return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000")
	}
	trust := c.form.Get("AssumeRolePolicyDocument")
	if e := checkTrustPolicy(trust); e != nil {
		return nil, e
	}
	seconds, err := c.maxSession(3600)
	if err != nil {
		return nil, err
	}
	for existing := range c.account().roles {
		if strings.EqualFold(existing, name) {
			return nil, refuse(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
		}
	}
	boundary := c.form.Get("PermissionsBoundary")
	if _, ok := managedPolicy(boundary); boundary != "" && !ok {
		return nil, noSuch("Scope ARN: %s does not exist or is not attachable.", boundary)
	}
	tags, err := mergeTags(nil, c.tags())
	if err != nil {
		return nil, err
	}
	r := &role{
		account: c.account(), name: name, path: path, id: c.s.uniqueID("AROA"), trust: trust,
		description: c.form.Get("Description"), maxSession: seconds, tags: tags, boundary: boundary,
		inline: map[string]string{}, created: c.now(), lag: c.s.opts.RoleLag,
	}
	c.account().roles[name] = r
	result := el("", roleNode(r, "Role", true))
	return &result, nil
}

func (c *call) maxSession(otherwise int) (int, error) {
	text := c.form.Get("MaxSessionDuration")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 3600:
		return 0, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%s' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600", text)
	case n > 43200:
		return 0, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%s' at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to 43200", text)
	}
	return n, nil
}

func (c *call) role() (*role, error) {
	name := c.form.Get("RoleName")
	for existing, r := range c.account().roles {
		if strings.EqualFold(existing, name) {
			return r, nil
		}
	}
	return nil, noSuch("The role with name %s cannot be found.", name)
}

func getRole(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	result := el("", roleNode(r, "Role", true))
	return &result, nil
}

func listRoles(c *call) (*node, error) {
	var roles []*role
	for _, r := range c.account().roles {
		if strings.HasPrefix(r.path, c.form.Get("PathPrefix")) {
			roles = append(roles, r)
		}
	}
	slices.SortFunc(roles, func(a, b *role) int { return cmp.Compare(a.name, b.name) })
	shown, tail := page(c, roles)
	result := el("", append([]node{members("Roles", shown, func(r *role) node {
		return roleNode(r, "", false)
	})}, tail...)...)
	return &result, nil
}

func updateAssumeRolePolicy(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	document := c.form.Get("PolicyDocument")
	if e := checkTrustPolicy(document); e != nil {
		return nil, e
	}
	r.trust = document
	return nil, nil
}

func updateRole(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	// What is left out is set to the default:
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html.
	if r.maxSession, err = c.maxSession(3600); err != nil {
		return nil, err
	}
	if c.form.Has("Description") {
		r.description = c.form.Get("Description")
	}
	result := el("")
	return &result, nil
}

func updateRoleDescription(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	r.description = c.form.Get("Description")
	result := el("", roleNode(r, "Role", true))
	return &result, nil
}

func deleteRole(c *call) (*node, error) {
	r, err := c.role()
	switch {
	case err != nil:
		return nil, err
	case len(r.profiles) > 0:
		return nil, refuse(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
	case len(r.attached) > 0:
		return nil, refuse(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(r.inline) > 0:
		return nil, refuse(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	delete(c.account().roles, r.name)
	return nil, nil
}

func tagRole(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	merged, err := mergeTags(r.tags, c.tags())
	if err == nil {
		r.tags = merged
	}
	return nil, err
}

func untagRole(c *call) (*node, error) {
	r, err := c.role()
	if err == nil {
		r.tags = withoutTags(r.tags, c.list("TagKeys"))
	}
	return nil, err
}

func listRoleTags(c *call) (*node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	shown, tail := page(c, r.tags)
	result := el("", append([]node{members("Tags", shown, tagNode)}, tail...)...)
	return &result, nil
}
