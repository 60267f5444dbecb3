package awstest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// list is a JSON string or an array of them.
type list []string

func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = list{one}
		return nil
	}
	var scalar any
	if json.Unmarshal(data, &scalar) == nil {
		switch scalar.(type) {
		case bool, float64:
			*l = list{string(data)}
			return nil
		}
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// policyPrincipal is "*" or a map from kind to names.
type policyPrincipal struct {
	anyone bool
	byKind map[string]list
}

func (p *policyPrincipal) UnmarshalJSON(data []byte) error {
	var star string
	if json.Unmarshal(data, &star) == nil {
		p.anyone = star == "*"
		if !p.anyone {
			return errors.New("invalid principal")
		}
		return nil
	}
	return json.Unmarshal(data, &p.byKind)
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *policyPrincipal
	NotPrincipal *policyPrincipal
	Action       list
	NotAction    list
	Resource     list
	NotResource  list
	Condition    map[string]map[string]list
}

type statements []statement

func (s *statements) UnmarshalJSON(data []byte) error {
	var one statement
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		err := json.Unmarshal(data, &one)
		*s = statements{one}
		return err
	}
	return json.Unmarshal(data, (*[]statement)(s))
}

type policyDocument struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

func parsePolicy(text string) (policyDocument, error) {
	var doc policyDocument
	err := json.Unmarshal([]byte(text), &doc)
	return doc, err
}

type decision int

const (
	neither decision = iota
	allowed
	denied
)

// question is what a policy is asked.
type question struct {
	action, resource string
	// principal tells whether a statement's principal is the one who asks; nil
	// where policies name none.
	principal func(kind, name string) bool
	context   map[string][]string // keys in lower case
}

// evaluate asks one document: a Deny that fits wins over every Allow.
func (doc policyDocument) evaluate(q question) decision {
	result := neither
	for _, st := range doc.Statement {
		if !st.fits(q) {
			continue
		}
		if st.Effect == "Deny" {
			return denied
		}
		result = allowed
	}
	return result
}

func (st statement) fits(q question) bool {
	if q.principal != nil {
		switch {
		case st.Principal != nil && !st.Principal.includes(q):
			return false
		case st.NotPrincipal != nil && st.NotPrincipal.includes(q):
			return false
		case st.Principal == nil && st.NotPrincipal == nil:
			return false
		}
	}
	switch {
	case st.Action != nil && !anyLike(st.Action, q.action, true):
		return false
	case st.NotAction != nil && anyLike(st.NotAction, q.action, true):
		return false
	case st.Resource != nil && !anyLike(st.Resource, q.resource, false):
		return false
	case st.NotResource != nil && anyLike(st.NotResource, q.resource, false):
		return false
	}
	for operator, keys := range st.Condition {
		for key, want := range keys {
			if !conditionHolds(operator, want, q.context[strings.ToLower(key)]) {
				return false
			}
		}
	}
	return true
}

func (p *policyPrincipal) includes(q question) bool {
	if p.anyone {
		return true
	}
	for kind, names := range p.byKind {
		for _, name := range names {
			if q.principal(kind, name) {
				return true
			}
		}
	}
	return false
}

func anyLike(patterns []string, value string, fold bool) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if fold {
			return like(strings.ToLower(p), strings.ToLower(value))
		}
		return like(p, value)
	})
}

// like matches a pattern in which * is any text and ? any one character.
func like(pattern, value string) bool {
	star, mark := -1, 0
	p, v := 0, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]) && pattern[p] != '*':
			p++
			v++
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, v
			p++
		case star >= 0:
			mark++
			p, v = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// conditionHolds judges one key of one operator (IAM User Guide, "IAM JSON policy
// elements: Condition operators"). An operator that is not known here never holds.
func conditionHolds(operator string, want, have []string) bool {
	operator, forAll := strings.CutPrefix(operator, "ForAllValues:")
	operator, _ = strings.CutPrefix(operator, "ForAnyValue:")
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	if operator == "Null" {
		return len(want) > 0 && strings.EqualFold(want[0], "true") == (len(have) == 0)
	}
	compare, negated := comparison(operator)
	if compare == nil {
		return false
	}
	if len(have) == 0 {
		return ifExists || forAll || negated
	}
	matches := func(value string) bool {
		hit := slices.ContainsFunc(want, func(w string) bool { return compare(w, value) })
		return hit != negated
	}
	if forAll || negated {
		return !slices.ContainsFunc(have, func(v string) bool { return !matches(v) })
	}
	return slices.ContainsFunc(have, matches)
}

func comparison(operator string) (compare func(want, have string) bool, negated bool) {
	switch operator {
	case "StringNotEquals", "StringNotLike", "StringNotEqualsIgnoreCase", "ArnNotEquals", "ArnNotLike":
		compare, _ = comparison(strings.Replace(operator, "Not", "", 1))
		return compare, true
	case "StringEquals":
		return func(w, h string) bool { return w == h }, false
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold, false
	case "StringLike", "ArnLike", "ArnEquals":
		return like, false
	}
	return nil, false
}
