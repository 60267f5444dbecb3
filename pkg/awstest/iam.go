package awstest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

type iamOperation func(*call) (*node, error)

// iamOperations are what IAM here can do. Anything else is InvalidAction.
var iamOperations = map[string]iamOperation{
	"CreateOpenIDConnectProvider":             createProvider,
	"GetOpenIDConnectProvider":                getProvider,
	"ListOpenIDConnectProviders":              listProviders,
	"DeleteOpenIDConnectProvider":             deleteProvider,
	"AddClientIDToOpenIDConnectProvider":      addClientID,
	"RemoveClientIDFromOpenIDConnectProvider": removeClientID,
	"UpdateOpenIDConnectProviderThumbprint":   updateThumbprints,
	"TagOpenIDConnectProvider":                tagProvider,
	"UntagOpenIDConnectProvider":              untagProvider,
	"ListOpenIDConnectProviderTags":           listProviderTags,

	"CreateRole":             createRole,
	"GetRole":                getRole,
	"ListRoles":              listRoles,
	"UpdateAssumeRolePolicy": updateAssumeRolePolicy,
	"UpdateRole":             updateRole,
	"UpdateRoleDescription":  updateRoleDescription,
	"DeleteRole":             deleteRole,
	"TagRole":                tagRole,
	"UntagRole":              untagRole,
	"ListRoleTags":           listRoleTags,

	"PutRolePolicy":                 putRolePolicy,
	"GetRolePolicy":                 getRolePolicy,
	"ListRolePolicies":              listRolePolicies,
	"DeleteRolePolicy":              deleteRolePolicy,
	"AttachRolePolicy":              attachRolePolicy,
	"DetachRolePolicy":              detachRolePolicy,
	"ListAttachedRolePolicies":      listAttachedRolePolicies,
	"PutRolePermissionsBoundary":    putBoundary,
	"DeleteRolePermissionsBoundary": deleteBoundary,
	"ListInstanceProfilesForRole":   listInstanceProfiles,
	"GetPolicy":                     getPolicy,
	"GetPolicyVersion":              getPolicyVersion,
	"SimulatePrincipalPolicy":       simulatePrincipalPolicy,
}

func (c *call) handleIAM() (*answer, error) {
	op, ok := iamOperations[c.action]
	if !ok {
		return nil, unknownAction(c)
	}
	if c.key == nil {
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if !c.mayDo() {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "%s", deniedText(c))
	}
	result, err := op(c)
	if err != nil {
		return nil, err
	}
	return queryAnswer(c.action, iamNamespace, c.id, result), nil
}

func (c *call) account() *Account { return c.key.account }

// permission is what the caller needs for the request, and on what.
func (c *call) permission() (action, resource string) {
	if c.service == "s3" {
		return c.s3Permission()
	}
	resource = "*"
	switch a := c.account(); {
	case c.form.Get("RoleName") != "":
		resource = a.arn("iam", "role/"+c.form.Get("RoleName"))
		if r := a.roles[c.form.Get("RoleName")]; r != nil {
			resource = r.arn()
		}
	case c.form.Get("OpenIDConnectProviderArn") != "":
		resource = c.form.Get("OpenIDConnectProviderArn")
	case c.form.Get("Url") != "":
		resource = a.arn("iam", "oidc-provider/"+strings.TrimPrefix(c.form.Get("Url"), "https://"))
	case c.form.Get("PolicySourceArn") != "":
		resource = c.form.Get("PolicySourceArn")
	case c.form.Get("PolicyArn") != "":
		resource = c.form.Get("PolicyArn")
	}
	return c.service + ":" + c.action, resource
}

// mayDo asks the identity policies of the caller. The caller holds the lock.
func (c *call) mayDo() bool {
	action, resource := c.permission()
	return c.key.may(question{action: action, resource: resource, context: map[string][]string{}}) == allowed
}

// may combines every policy of an identity: each layer must allow, none may deny.
func (k *accessKey) may(q question) decision {
	if k.admin {
		return allowed
	}
	layers := [][]string{k.policies}
	if k.role != nil {
		layers = [][]string{k.role.policyDocuments()}
		if k.role.boundary != "" {
			document, _ := managedPolicy(k.role.boundary)
			layers = append(layers, []string{document})
		}
	}
	if k.sessionPolicies != nil {
		layers = append(layers, k.sessionPolicies)
	}
	return combine(layers, q)
}

func combine(layers [][]string, q question) decision {
	result := allowed
	for _, layer := range layers {
		verdict := neither
		for _, text := range layer {
			doc, err := parsePolicy(text)
			if err != nil {
				continue
			}
			switch doc.evaluate(q) {
			case denied:
				return denied
			case allowed:
				verdict = allowed
			case neither:
			}
		}
		if verdict == neither {
			result = neither
		}
	}
	return result
}

// list reads NAME.member.1, NAME.member.2 and so on.
func (c *call) list(name string) []string {
	var values []string
	for i := 1; c.form.Has(fmt.Sprintf("%s.member.%d", name, i)); i++ {
		values = append(values, c.form.Get(fmt.Sprintf("%s.member.%d", name, i)))
	}
	return values
}

type tag struct{ key, value string }

func (c *call) tags() []tag {
	var tags []tag
	for i := 1; c.form.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
		tags = append(tags, tag{
			c.form.Get(fmt.Sprintf("Tags.member.%d.Key", i)), c.form.Get(fmt.Sprintf("Tags.member.%d.Value", i)),
		})
	}
	return tags
}

// mergeTags replaces the values of tags that exist and appends the others. Keys are
// not told apart by case:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules.
func mergeTags(old, added []tag) ([]tag, error) {
	for i, t := range added {
		switch {
		case !validTagKey(t.key) || !validTagValue(t.value):
			return nil, refuse(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*")
		case strings.HasPrefix(strings.ToLower(t.key), "aws:"):
			return nil, refuse(http.StatusBadRequest, "InvalidInput", "System tag keys cannot be modified by non-AWS principals.")
		case slices.ContainsFunc(added[:i], func(other tag) bool { return strings.EqualFold(other.key, t.key) }):
			return nil, refuse(http.StatusBadRequest, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	for _, t := range added {
		found := false
		for i := range old {
			if strings.EqualFold(old[i].key, t.key) {
				old[i], found = t, true
			}
		}
		if !found {
			old = append(old, t)
		}
	}
	if len(old) > 50 {
		return nil, refuse(http.StatusConflict, "LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	return old, nil
}

func withoutTags(old []tag, keys []string) []tag {
	var left []tag
	for _, t := range old {
		gone := false
		for _, k := range keys {
			gone = gone || strings.EqualFold(k, t.key)
		}
		if !gone {
			left = append(left, t)
		}
	}
	return left
}

func tagNode(t tag) node { return el("", tx("Key", "%s", t.key), tx("Value", "%s", t.value)) }

// page cuts a list by MaxItems and Marker, and returns the elements that say so.
func page[T any](c *call, all []T) (shown []T, tail []node) {
	most := 100
	if n := c.form.Get("MaxItems"); n != "" {
		_, _ = fmt.Sscan(n, &most)
	}
	start := 0
	if m := c.form.Get("Marker"); m != "" {
		_, _ = fmt.Sscan(m, &start)
	}
	start = min(max(start, 0), len(all))
	end := min(start+max(most, 1), len(all))
	if end < len(all) {
		return all[start:end], []node{tx("IsTruncated", "true"), tx("Marker", "%d", end)}
	}
	return all[start:end], []node{tx("IsTruncated", "false")}
}

// percentEncode is how IAM answers with policy documents (RFC 3986).
func percentEncode(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func noSuch(message string, args ...any) *apiError {
	return refuse(http.StatusNotFound, "NoSuchEntity", message, args...)
}
