package awstest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

func malformed(message string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "MalformedPolicyDocument", message, args...)
}

// maxTrustPolicy is the default quota, in characters without white space.
const maxTrustPolicy = 2048

var (
	federatedDomain = regexp.MustCompile(`^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+$`)
	federatedARN    = regexp.MustCompile(`^arn:[a-z-]+:iam::[^:]+:(oidc-provider/[^\s*?]+|saml-provider/[^\s*?]+)$`)
	awsPrincipal    = regexp.MustCompile(`^(\*|[0-9]{12}|arn:[a-z-]+:(iam|sts)::[^:]+:(root|user/.+|role/.+|assumed-role/.+))$`)
	statementFields = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition", "Resource", "NotResource"}
)

// checkTrustPolicy refuses what IAM would, with its texts.
func checkTrustPolicy(document string) *apiError {
	var raw map[string]json.RawMessage
	if !json.Valid([]byte(document)) {
		return malformed("This policy contains invalid Json")
	}
	if json.Unmarshal([]byte(document), &raw) != nil {
		return malformed("Syntax errors in policy.")
	}
	for field := range raw {
		if field != "Version" && field != "Id" && field != "Statement" {
			return malformed("Unknown field %s", field)
		}
	}
	if raw["Statement"] == nil {
		return malformed("Missing required field Statement")
	}
	doc, err := parsePolicy(document)
	switch {
	case err != nil:
		return malformed("Syntax errors in policy.")
	case doc.Version != "" && doc.Version != "2012-10-17" && doc.Version != "2008-10-17":
		return malformed("The policy must contain a valid version string")
	case len(doc.Statement) == 0:
		return malformed("Empty value in field Statement")
	}
	if e := checkStatementFields(raw["Statement"]); e != nil {
		return e
	}
	for _, st := range doc.Statement {
		if e := checkTrustStatement(st); e != nil {
			return e
		}
	}
	if blackSize(document) > maxTrustPolicy {
		return refuse(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	return nil
}

func checkStatementFields(raw json.RawMessage) *apiError {
	var several []map[string]json.RawMessage
	var one map[string]json.RawMessage
	if json.Unmarshal(raw, &one) == nil {
		several = append(several, one)
	} else if json.Unmarshal(raw, &several) != nil {
		return malformed("Syntax errors in policy.")
	}
	for _, st := range several {
		for field := range st {
			known := false
			for _, f := range statementFields {
				known = known || f == field
			}
			if !known {
				return malformed("Unknown field %s", field)
			}
		}
	}
	return nil
}

func checkTrustStatement(st statement) *apiError {
	switch {
	case st.Effect == "":
		return malformed("Missing required field Effect")
	case st.Effect != "Allow" && st.Effect != "Deny":
		return malformed("Invalid effect: %s", st.Effect)
	case st.Resource != nil || st.NotResource != nil:
		return malformed("Has prohibited field Resource")
	case st.Principal == nil && st.NotPrincipal == nil:
		return malformed("Missing required field Principal")
	case st.Action == nil && st.NotAction == nil:
		return malformed("Missing required field Action")
	}
	for _, action := range append(append(list{}, st.Action...), st.NotAction...) {
		if service, _, ok := strings.Cut(action, ":"); action != "*" && (!ok || !strings.EqualFold(service, "sts")) {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	for _, p := range []*policyPrincipal{st.Principal, st.NotPrincipal} {
		if p == nil {
			continue
		}
		for kind, names := range p.byKind {
			for _, name := range names {
				if e := checkPrincipal(kind, name); e != nil {
					return e
				}
			}
		}
	}
	return nil
}

func checkPrincipal(kind, name string) *apiError {
	switch kind {
	case "Federated":
		if !federatedARN.MatchString(name) && !federatedDomain.MatchString(name) {
			return malformed("Federated principals must be valid domain names or SAML metadata ARNs")
		}
	case "AWS":
		if !awsPrincipal.MatchString(name) {
			return malformed("Invalid principal in policy: \"AWS\":\"%s\"", name)
		}
	case "Service", "CanonicalUser":
	default:
		return malformed("Unknown field %s", kind)
	}
	return nil
}
