package trustpolicy

import "strings"

// A SetOperator compares every value, or some value, of a key that has several:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html.
type SetOperator string

// The set operators. With ForAllValues a key that is absent matches.
const (
	NoSet        SetOperator = ""
	ForAllValues SetOperator = "ForAllValues"
	ForAnyValue  SetOperator = "ForAnyValue"
)

// An Operator is a condition operator taken apart:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html.
type Operator struct {
	Set      SetOperator
	Name     string // StringEquals; as written when it is not one of IAM's
	IfExists bool

	family  family
	negated bool
	written string
}

type family uint8

const (
	unknownFamily family = iota // an operator this package does not know
	stringEquals
	stringFold
	stringLike
	arnLike
	boolean
	null
	unjudged // Numeric, Date, IpAddress, Binary: known, and not judged here
)

type operatorInfo struct {
	name    string
	family  family
	negated bool
}

var operators = []operatorInfo{
	{"StringEquals", stringEquals, false},
	{"StringLike", stringLike, false},
	{"StringNotEquals", stringEquals, true},
	{"StringNotLike", stringLike, true},
	{"StringEqualsIgnoreCase", stringFold, false},
	{"StringNotEqualsIgnoreCase", stringFold, true},
	{"ArnEquals", arnLike, false},
	{"ArnLike", arnLike, false},
	{"ArnNotEquals", arnLike, true},
	{"ArnNotLike", arnLike, true},
	{"Bool", boolean, false},
	{"Null", null, false},
	{"NumericEquals", unjudged, false},
	{"NumericNotEquals", unjudged, true},
	{"NumericLessThan", unjudged, false},
	{"NumericLessThanEquals", unjudged, false},
	{"NumericGreaterThan", unjudged, false},
	{"NumericGreaterThanEquals", unjudged, false},
	{"DateEquals", unjudged, false},
	{"DateNotEquals", unjudged, true},
	{"DateLessThan", unjudged, false},
	{"DateLessThanEquals", unjudged, false},
	{"DateGreaterThan", unjudged, false},
	{"DateGreaterThanEquals", unjudged, false},
	{"IpAddress", unjudged, false},
	{"NotIpAddress", unjudged, true},
	{"BinaryEquals", unjudged, false},
}

// ParseOperator takes an operator apart. Case is not looked at: no page settles
// whether IAM does, and a policy that IAM has accepted can only mean the one
// operator. A name that is none of IAM's, NullIfExists among them, is kept as
// it is and not Known.
func ParseOperator(text string) Operator {
	op := Operator{written: text}
	rest := text
	if set, name, found := strings.Cut(text, ":"); found {
		switch {
		case strings.EqualFold(set, string(ForAllValues)):
			op.Set = ForAllValues
		case strings.EqualFold(set, string(ForAnyValue)):
			op.Set = ForAnyValue
		default:
			op.Name = text
			return op
		}
		rest = name
	}
	const suffix = "IfExists"
	if n := len(rest) - len(suffix); n >= 0 && strings.EqualFold(rest[n:], suffix) {
		op.IfExists, rest = true, rest[:n]
	}
	for i := range operators {
		if known := &operators[i]; strings.EqualFold(known.name, rest) {
			if known.family == null && op.IfExists {
				break
			}
			op.Name, op.family, op.negated = known.name, known.family, known.negated
			return op
		}
	}
	op.Name = text
	return op
}

// Known reports whether the operator is one of IAM's.
func (o Operator) Known() bool { return o.family != unknownFamily }

// Negated reports whether the operator holds when the values differ, and so
// when the key is absent.
func (o Operator) Negated() bool { return o.negated }

// Wildcards reports whether * and ? are wildcards in the operator's values.
func (o Operator) Wildcards() bool { return o.family == stringLike || o.family == arnLike }

// String is the operator as the document has it, or as IAM spells it when it
// was not parsed.
func (o Operator) String() string {
	if o.written != "" || !o.Known() {
		return o.written
	}
	text := o.Name
	if o.Set != NoSet {
		text = string(o.Set) + ":" + text
	}
	if o.IfExists {
		text += "IfExists"
	}
	return text
}
