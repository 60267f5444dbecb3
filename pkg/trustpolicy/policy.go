package trustpolicy

import (
	"strings"
	"unicode/utf8"
)

// Versions of the policy language. A document without one is read as
// Version2008: "If you do not include a Version element, the value defaults to
// 2008-10-17". Policy variables exist from Version2012 on:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// ActionWebIdentity is the action that a ServiceAccount's token needs, and
// ActionTagSession the one it needs besides when the token carries session tags
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html).
const (
	ActionWebIdentity = "sts:AssumeRoleWithWebIdentity"
	ActionTagSession  = "sts:TagSession"
)

// QuotaSize is the default quota for the length of a role's trust policy, as
// [Size] counts, and QuotaSizeMax the highest it can be raised to:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const (
	QuotaSize    = 2048
	QuotaSizeMax = 4096
)

// A Span is a range of bytes of the document: Start is its first byte and End
// the byte after its last.
type Span struct{ Start, End int }

// A Position is a place in a document. Line and Column count from 1, Column in
// characters; Offset counts bytes from 0.
type Position struct{ Offset, Line, Column int }

// A Policy is a parsed document. Its spans refer to Source, which is never
// changed: edits make a new document.
type Policy struct {
	Version    string // as written; "" when the element is missing
	ID         string
	Statements []Statement

	source     string
	object     Span // the whole document, without the blanks around it
	statements Span // the value of Statement
	list       bool // whether Statement is an array
}

// Effect is what a statement that applies does.
type Effect string

// The two effects. They are case-sensitive:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_effect.html.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// A Statement is one statement, in the order of the document.
type Statement struct {
	Index      int // from 0
	Sid        string
	Effect     Effect
	Principal  Principal
	NotAction  bool // Actions are those of a NotAction element
	Actions    []Value
	Conditions []Condition
	Span       Span // the statement's object

	effect    Span
	action    Span // the value of Action or NotAction
	actions   bool // whether that value is an array
	condition Span // the value of Condition; empty when there is none
}

// A Principal is the Principal or NotPrincipal element.
type Principal struct {
	Not    bool // NotPrincipal
	Any    bool // "*"
	Groups []PrincipalGroup
	Span   Span // its value
}

// A PrincipalGroup is one entry of a principal map.
type PrincipalGroup struct {
	Type   string // AWS, Federated, Service or CanonicalUser
	Values []Value

	name  Span // the quoted type
	value Span
	list  bool
}

// A Condition is one operator with its keys. All keys of all conditions must
// hold:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html.
type Condition struct {
	Operator Operator
	Keys     []ConditionKey

	name  Span // the quoted operator
	value Span // the object of keys
}

// A ConditionKey is one key under an operator with the values it is compared to.
type ConditionKey struct {
	Key    string // as written; names are not case-sensitive
	Values []Value

	name  Span // the quoted key
	value Span
	list  bool
	twice bool // another key under this operator differs in case only
}

// ValueKind is the JSON type a value was written in.
type ValueKind uint8

// The types a value can be written in. IAM reads 10 as "10" and true as "true":
// "Quotation marks are optional for numeric and Boolean values".
const (
	StringValue ValueKind = iota
	NumberValue
	BoolValue
)

// A Value is one scalar of the document.
type Value struct {
	Text string // decoded; a number or Boolean as it was written
	Kind ValueKind
	Span Span // the literal, quotes included
}

// Source is the document as it was parsed.
func (p *Policy) Source() []byte { return []byte(p.source) }

// Position says where a byte offset of the source is. An offset outside the
// document is moved to its nearest end.
func (p *Policy) Position(offset int) Position { return positionIn(p.source, offset) }

// Text is the part of the source that a span covers.
func (p *Policy) Text(s Span) string { return p.source[s.Start:s.End] }

func (p *Policy) variables() bool { return p.Version == Version2012 }

func positionIn(source string, offset int) Position {
	offset = min(max(offset, 0), len(source))
	before := source[:offset]
	line := strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	return Position{
		Offset: offset,
		Line:   line + 1,
		Column: utf8.RuneCountInString(before[start:]) + 1,
	}
}

// Size is the length of a document as IAM's quota counts it: characters,
// without the white space between elements. White space inside a string is
// counted, so the answer is never below IAM's own.
func Size(doc []byte) int {
	size, quoted := 0, false
	for i := 0; i < len(doc); {
		c := doc[i]
		switch {
		case quoted && c == '\\' && i+1 < len(doc):
			size += 2
			i += 2
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && isSpace(c):
			i++
			continue
		}
		_, width := utf8.DecodeRune(doc[i:])
		size++
		i += width
	}
	return size
}
