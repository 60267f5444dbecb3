package awstest

import (
	"net/http"
	"strconv"
	"strings"
)

// simulatePrincipalPolicy judges the identity policies and the boundary of a role,
// for each action on each resource. Context entries are understood as strings.
func simulatePrincipalPolicy(c *call) (*node, error) {
	source := c.form.Get("PolicySourceArn")
	var found *role
	for _, r := range c.account().roles {
		if r.arn() == source {
			found = r
		}
	}
	if found == nil {
		if parts, ok := parseARN(source); !ok || !strings.HasPrefix(parts.resource, "role/") {
			return nil, refuse(http.StatusBadRequest, "InvalidInput", "Invalid Entity Arn: %s does not clearly define entity type and name.", source)
		}
		return nil, noSuch("The role with name %s cannot be found.", source[strings.LastIndexByte(source, '/')+1:])
	}
	resources := c.list("ResourceArns")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	k := &accessKey{role: found, account: c.account()}
	var results []node
	for _, action := range c.list("ActionNames") {
		service, _, ok := strings.Cut(action, ":")
		if !ok || service == "" {
			return nil, refuse(http.StatusBadRequest, "InvalidInput", "Invalid Action: %s", action)
		}
		for _, resource := range resources {
			verdict := "implicitDeny"
			switch k.may(question{action: action, resource: resource, context: c.contextEntries()}) {
			case allowed:
				verdict = "allowed"
			case denied:
				verdict = "explicitDeny"
			case neither:
			}
			n := el("", tx("EvalActionName", "%s", action), tx("EvalResourceName", "%s", resource),
				tx("EvalDecision", "%s", verdict), el("MatchedStatements"), el("MissingContextValues"))
			if found.boundary != "" {
				document, _ := managedPolicy(found.boundary)
				inside := combine([][]string{{document}}, question{action: action, resource: resource}) == allowed
				text := "false"
				if inside {
					text = "true"
				}
				n.kids = append(n.kids, el("PermissionsBoundaryDecisionDetail", tx("AllowedByPermissionsBoundary", "%s", text)))
			}
			results = append(results, n)
		}
	}
	shown, tail := page(c, results)
	result := el("", append([]node{members("EvaluationResults", shown, func(n node) node { return n })}, tail...)...)
	return &result, nil
}

func (c *call) contextEntries() map[string][]string {
	entries := map[string][]string{}
	for i := 1; ; i++ {
		prefix := "ContextEntries.member." + strconv.Itoa(i)
		name := c.form.Get(prefix + ".ContextKeyName")
		if name == "" {
			return entries
		}
		entries[strings.ToLower(name)] = c.list(prefix + ".ContextKeyValues")
	}
}
