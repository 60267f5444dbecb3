package trustpolicy

import "fmt"

// ErrorKind says what is wrong with a document that cannot be parsed.
type ErrorKind string

// What can be wrong with a document. IAM refuses each with
// MalformedPolicyDocument, TooLarge with LimitExceeded.
const (
	Syntax           ErrorKind = "syntax"            // not JSON
	WrongType        ErrorKind = "wrong type"        // JSON of another type than the element takes
	UnknownElement   ErrorKind = "unknown element"   // a name IAM does not know here
	DuplicateElement ErrorKind = "duplicate element" // the same name twice in one object
	MissingElement   ErrorKind = "missing element"
	InvalidValue     ErrorKind = "invalid value" // of the right type, outside what is allowed
	TooLarge         ErrorKind = "too large"
)

// A ParseError is why a document is not a trust policy, and where.
type ParseError struct {
	Kind     ErrorKind
	Position Position
	Element  string // the element concerned, "" when the JSON itself is broken
	Detail   string // what is wrong, without the place
}

// Error is the place and the detail in one sentence.
func (e *ParseError) Error() string {
	return fmt.Sprintf("parsing the trust policy at line %d, column %d: %s", e.Position.Line, e.Position.Column, e.Detail)
}
