package trustpolicy

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A scanner walks over JSON (RFC 8259) and keeps byte offsets, which
// encoding/json does not give for keys. It never recurses: the depth of a
// policy is the depth of the functions that read one.
type scanner struct {
	src string
	pos int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) space() {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
}

// peek is the next byte that is no white space, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos == len(s.src) {
		return 0
	}
	return s.src[s.pos]
}

func (s *scanner) fail(kind ErrorKind, offset int, element, format string, args ...any) error {
	return &ParseError{
		Kind:     kind,
		Position: positionIn(s.src, offset),
		Element:  element,
		Detail:   fmt.Sprintf(format, args...),
	}
}

// syntax is the error for a byte that JSON does not allow here.
func (s *scanner) syntax(want string) error {
	if s.pos >= len(s.src) {
		return s.fail(Syntax, s.pos, "", "the document ends where %s should be", want)
	}
	r, _ := utf8.DecodeRuneInString(s.src[s.pos:])
	return s.fail(Syntax, s.pos, "", "%q where %s should be", r, want)
}

func (s *scanner) expect(c byte, want string) error {
	if s.peek() != c {
		return s.syntax(want)
	}
	s.pos++
	return nil
}

// wrongType is the error for a value of a type that element does not take. A
// byte that begins no JSON value at all is a syntax error instead.
func (s *scanner) wrongType(element, want string) error {
	var got string
	switch c := s.peek(); {
	case c == '{':
		got = "an object"
	case c == '[':
		got = "an array"
	case c == '"':
		got = "a string"
	case c == '-' || c >= '0' && c <= '9':
		got = "a number"
	case strings.HasPrefix(s.src[s.pos:], "null"):
		got = "null"
	case strings.HasPrefix(s.src[s.pos:], "true"), strings.HasPrefix(s.src[s.pos:], "false"):
		got = "a Boolean"
	default:
		return s.syntax(want)
	}
	return s.fail(WrongType, s.pos, element, "%s takes %s, not %s", element, want, got)
}

// str reads a string. What has no escapes is a slice of the source.
func (s *scanner) str() (string, Span, error) {
	start := s.pos
	s.pos++
	escaped := false
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '"':
			s.pos++
			span := Span{start, s.pos}
			if !escaped {
				return s.src[start+1 : s.pos-1], span, nil
			}
			var text string
			if err := json.Unmarshal([]byte(s.src[start:s.pos]), &text); err != nil {
				return "", span, s.fail(Syntax, start, "", "a string with an escape that JSON does not have")
			}
			return text, span, nil
		case c == '\\':
			escaped = true
			s.pos += 2
		case c < ' ':
			return "", Span{}, s.fail(Syntax, s.pos, "", "a control character inside a string")
		default:
			s.pos++
		}
	}
	s.pos = len(s.src)
	return "", Span{}, s.fail(Syntax, start, "", "a string that is never closed")
}

// scalar reads a string, a number or a Boolean.
func (s *scanner) scalar(element, want string) (Value, error) {
	c := s.peek()
	start := s.pos
	switch {
	case c == '"':
		text, span, err := s.str()
		return Value{Text: text, Span: span}, err
	case c == 't' || c == 'f' || c == '-' || c >= '0' && c <= '9':
		for s.pos < len(s.src) && strings.IndexByte(",]} \t\r\n", s.src[s.pos]) < 0 {
			s.pos++
		}
		text := s.src[start:s.pos]
		if !json.Valid([]byte(text)) {
			return Value{}, s.fail(Syntax, start, "", "%.40q is no JSON value", text)
		}
		kind := NumberValue
		if c == 't' || c == 'f' {
			kind = BoolValue
		}
		return Value{Text: text, Kind: kind, Span: Span{start, s.pos}}, nil
	}
	return Value{}, s.wrongType(element, want)
}

// array calls item at the start of each element.
func (s *scanner) array(item func() error) error {
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		s.space()
		if err := item(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
			if s.peek() == ']' {
				return s.syntax("another value")
			}
		case ']':
			s.pos++
			return nil
		default:
			return s.syntax("a comma or the end of the array")
		}
	}
}

// object calls member for each key, at the start of its value. The same key
// twice is refused: "Individual elements must not contain multiple instances of
// the same key" (policy grammar notes).
func (s *scanner) object(element string, member func(key string, name Span) error) (Span, error) {
	if s.peek() != '{' {
		return Span{}, s.wrongType(element, "an object")
	}
	start := s.pos
	s.pos++
	if s.peek() == '}' {
		s.pos++
		return Span{start, s.pos}, nil
	}
	var seen keySet
	for {
		if s.peek() != '"' {
			return Span{}, s.syntax("a name in quotes")
		}
		key, name, err := s.str()
		if err != nil {
			return Span{}, err
		}
		if !seen.add(key) {
			return Span{}, s.fail(DuplicateElement, name.Start, key, "%q appears twice in one object", key)
		}
		if err := s.expect(':', "a colon"); err != nil {
			return Span{}, err
		}
		s.space()
		if err := member(key, name); err != nil {
			return Span{}, err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return Span{start, s.pos}, nil
		default:
			return Span{}, s.syntax("a comma or the end of the object")
		}
	}
}

// A keySet finds duplicates: by looking at each for the few keys an object
// usually has, by a map beyond.
type keySet struct {
	buf  [8]string
	few  []string
	many map[string]bool
}

func (k *keySet) add(key string) bool {
	if k.many != nil {
		if k.many[key] {
			return false
		}
		k.many[key] = true
		return true
	}
	if k.few == nil {
		k.few = k.buf[:0]
	}
	for _, have := range k.few {
		if have == key {
			return false
		}
	}
	if len(k.few) < len(k.buf) {
		k.few = append(k.few, key)
		return true
	}
	k.many = make(map[string]bool, 4*len(k.buf))
	for _, have := range k.few {
		k.many[have] = true
	}
	k.many[key] = true
	return true
}
