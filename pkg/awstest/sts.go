package awstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const notAuthorized = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

func (c *call) handleSTS() (*answer, error) {
	switch c.action {
	case "AssumeRoleWithWebIdentity":
		return c.assumeRoleWithWebIdentity()
	case "GetCallerIdentity":
		return c.getCallerIdentity()
	}
	return nil, unknownAction(c)
}

func (c *call) getCallerIdentity() (*answer, error) {
	if c.key == nil {
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	result := el("", tx("Arn", "%s", c.key.arn), tx("UserId", "%s", c.key.userID), tx("Account", "%s", c.key.account.ID))
	return queryAnswer(c.action, stsNamespace, c.id, &result), nil
}

// webIdentityRequest is the call after its parameters were checked.
type webIdentityRequest struct {
	role     arnParts
	roleARN  string
	session  string
	token    string
	duration time.Duration
	policies []string
}

func (c *call) assumeRoleWithWebIdentity() (*answer, error) {
	req, err := c.webIdentityParameters()
	if err != nil {
		return nil, err
	}
	// The order of the checks is AWS's: the account of the role is asked for the
	// provider before the role itself is looked at.
	token, err := c.verifyToken(req)
	if err != nil {
		return nil, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	account := c.s.accounts[req.role.account]
	name := req.role.resource[strings.LastIndexByte(req.role.resource, '/')+1:]
	r := account.roles[name]
	if r == nil || r.arn() != req.roleARN || !r.visible() || !r.trusts(token, req.session) {
		return nil, refuse(http.StatusForbidden, "AccessDenied", notAuthorized)
	}
	if req.duration > time.Duration(r.maxSession)*time.Second {
		return nil, refuse(http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	r.lastUsed = c.now()
	return c.newSession(req, token, r), nil
}

// newSession issues credentials; the caller holds the server's lock.
func (c *call) newSession(req webIdentityRequest, token webToken, r *role) *answer {
	life := req.duration
	if c.s.opts.SessionLife != nil {
		life = c.s.opts.SessionLife(life)
	}
	arn := fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", r.account.Partition, r.account.ID, r.name, req.session)
	k := c.s.newKey("ASIA", r.account, arn)
	k.role, k.userID = r, r.id+":"+req.session
	k.expires = c.now().Add(life).Truncate(time.Second)
	k.sessionPolicies = req.policies
	result := el("",
		tx("SubjectFromWebIdentityToken", "%s", token.subject),
		tx("Audience", "%s", token.audience),
		el("AssumedRoleUser", tx("Arn", "%s", arn), tx("AssumedRoleId", "%s", k.userID)),
		el("Credentials", tx("SessionToken", "%s", k.token), tx("SecretAccessKey", "%s", k.secret),
			tx("Expiration", "%s", k.expires.UTC().Format(time.RFC3339)), tx("AccessKeyId", "%s", k.id)),
		tx("Provider", "%s", token.issuer),
		tx("SessionTokenSize", "%d", len(k.token)),
		tx("SessionTokenUtilization", "%d", max(1, len(k.token)*100/4096)),
	)
	if len(req.policies) > 0 {
		size := 0
		for _, p := range req.policies {
			size += len(p)
		}
		result.kids = append(result.kids, tx("PackedPolicySize", "%d", max(1, size*100/2048)))
	}
	return queryAnswer(c.action, stsNamespace, c.id, &result)
}

var (
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]*$`)
	roleARNPattern     = regexp.MustCompile(`^arn:[a-z-]+:iam::[^:]+:role/[\w+=,.@/-]+$`)
)

// webIdentityParameters checks parameters as the service model says, all faults in
// one answer, and then what only STS itself knows.
func (c *call) webIdentityParameters() (webIdentityRequest, error) {
	v := &validation{form: c.form}
	v.length("roleArn", "RoleArn", 20, 2048, false)
	v.length("roleSessionName", "RoleSessionName", 2, 64, false)
	v.pattern("roleSessionName", "RoleSessionName", sessionNamePattern, `[\w+=,.@-]*`)
	v.length("webIdentityToken", "WebIdentityToken", 4, 20000, true)
	seconds := v.between("durationSeconds", "DurationSeconds", 900, 43200, 3600)
	if c.form.Has("Policy") {
		v.length("policy", "Policy", 1, 2048, false)
	}
	if err := v.err(); err != nil {
		return webIdentityRequest{}, err
	}
	req := webIdentityRequest{
		roleARN: c.form.Get("RoleArn"), session: c.form.Get("RoleSessionName"),
		token: c.form.Get("WebIdentityToken"), duration: time.Duration(seconds) * time.Second,
	}
	parts, ok := parseARN(req.roleARN)
	if !ok || !roleARNPattern.MatchString(req.roleARN) {
		return req, refuse(http.StatusBadRequest, "ValidationError", "Request ARN is invalid")
	}
	req.role = parts
	policies, err := c.sessionPolicies()
	req.policies = policies
	return req, err
}

func (c *call) sessionPolicies() ([]string, error) {
	var policies []string
	size := 0
	if inline := c.form.Get("Policy"); inline != "" {
		if !json.Valid([]byte(inline)) {
			return nil, refuse(http.StatusBadRequest, "MalformedPolicyDocument", "This policy contains invalid Json")
		}
		if doc, err := parsePolicy(inline); err != nil || len(doc.Statement) == 0 {
			return nil, refuse(http.StatusBadRequest, "MalformedPolicyDocument", "Syntax errors in policy.")
		}
		policies, size = append(policies, inline), size+len(inline)
	}
	for i := 1; i <= 10; i++ {
		arn := c.form.Get(fmt.Sprintf("PolicyArns.member.%d.arn", i))
		if arn == "" {
			break
		}
		document, ok := managedPolicy(arn)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "ValidationError", "The specified policy %s does not exist or is not attachable.", arn)
		}
		policies, size = append(policies, document), size+len(arn)
	}
	if size > 2048 {
		return nil, refuse(http.StatusBadRequest, "PackedPolicyTooLarge", "Serialized token too large for session")
	}
	return policies, nil
}

// validation collects violations as AWS lists them in one ValidationError.
type validation struct {
	form   url.Values
	faults []string
}

func (v *validation) fault(field, shown, constraint string) {
	v.faults = append(v.faults, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", shown, field, constraint))
}

func (v *validation) length(field, param string, least, most int, secret bool) {
	if !v.form.Has(param) {
		v.fault(field, "null", "Member must not be null")
		return
	}
	value := v.form.Get(param)
	shown := "'" + value + "'"
	if secret {
		shown = "'***'"
	}
	switch n := utf8.RuneCountInString(value); {
	case n < least:
		v.fault(field, shown, "Member must have length greater than or equal to "+strconv.Itoa(least))
	case n > most:
		v.fault(field, shown, "Member must have length less than or equal to "+strconv.Itoa(most))
	}
}

func (v *validation) pattern(field, param string, pattern *regexp.Regexp, written string) {
	if value := v.form.Get(param); v.form.Has(param) && !pattern.MatchString(value) {
		v.fault(field, "'"+value+"'", "Member must satisfy regular expression pattern: "+written)
	}
}

func (v *validation) between(field, param string, least, most, otherwise int) int {
	text := v.form.Get(param)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		v.fault(field, "'"+text+"'", "Member must be an integer")
	case n < least:
		v.fault(field, "'"+text+"'", "Member must have value greater than or equal to "+strconv.Itoa(least))
	case n > most:
		v.fault(field, "'"+text+"'", "Member must have value less than or equal to "+strconv.Itoa(most))
	}
	return n
}

func (v *validation) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	plural := "errors"
	if len(v.faults) == 1 {
		plural = "error"
	}
	return &apiError{status: http.StatusBadRequest, code: "ValidationError",
		message: fmt.Sprintf("%d validation %s detected: %s", len(v.faults), plural, strings.Join(v.faults, "; "))}
}
