package trustpolicy

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxDocument is the number of bytes Parse looks at: far above any quota of
// IAM, low enough that a hostile document costs little.
const MaxDocument = 256 << 10

// Decode turns a document as IAM's GetRole and ListRoles return it, percent
// encoded after RFC 3986, into JSON. One that is JSON already comes back as it
// is: some clients decode it themselves.
func Decode(document string) ([]byte, error) {
	if trimmed := strings.TrimLeft(document, " \t\r\n"); strings.HasPrefix(trimmed, "{") {
		return []byte(document), nil
	}
	decoded, err := url.PathUnescape(document)
	if err != nil {
		return nil, fmt.Errorf("decoding the trust policy: %w", err)
	}
	return []byte(decoded), nil
}

// Parse reads a trust policy as IAM does: one value or a list of them wherever
// the grammar has a list, Booleans and numbers with or without quotes, element
// names and effects case-sensitive. What IAM refuses in a trust policy is
// refused too, always with a *ParseError that says where. Condition operators
// it does not know are kept: [Evaluate] cannot judge them.
func Parse(doc []byte) (*Policy, error) {
	s := &scanner{src: string(doc)}
	if len(doc) > MaxDocument {
		return nil, s.fail(TooLarge, 0, "", "the document has %d bytes, and no trust policy has more than %d", len(doc), MaxDocument)
	}
	if !utf8.ValidString(s.src) {
		return nil, s.fail(Syntax, validPrefix(s.src), "", "a byte that is not UTF-8")
	}
	p := &Policy{source: s.src}
	if err := s.policy(p); err != nil {
		return nil, err
	}
	if s.peek(); s.pos < len(s.src) {
		return nil, s.syntax("the end of the document")
	}
	return p, nil
}

func validPrefix(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return len(s)
}

func (s *scanner) policy(p *Policy) error {
	found := false
	span, err := s.object("a policy", func(key string, name Span) (err error) {
		switch key {
		case "Version":
			p.Version, _, err = s.text(key)
			if err == nil && p.Version != Version2012 && p.Version != Version2008 {
				err = s.fail(InvalidValue, name.Start, key, "Version is %q: IAM knows %s and %s", p.Version, Version2012, Version2008)
			}
		case "Id":
			p.ID, _, err = s.text(key)
		case "Statement":
			found = true
			err = s.statementList(p)
		default:
			err = s.unknown(key, name, "a policy", "Version", "Id", "Statement")
		}
		return err
	})
	if err != nil {
		return err
	}
	p.object = span
	if !found {
		return s.fail(MissingElement, span.Start, "Statement", "the policy has no Statement")
	}
	return nil
}

func (s *scanner) statementList(p *Policy) error {
	one := func() error {
		p.Statements = append(p.Statements, Statement{Index: len(p.Statements)})
		return s.statement(&p.Statements[len(p.Statements)-1])
	}
	start := s.pos
	var err error
	if s.peek() == '[' {
		p.list = true
		err = s.array(one)
	} else {
		err = one()
	}
	if err != nil {
		return err
	}
	p.statements = Span{start, s.pos}
	return s.uniqueSids(p)
}

// uniqueSids refuses a Sid used twice: "In IAM, the Sid value must be unique
// within a JSON policy". Terraform writes "Sid": "" into every statement, and
// IAM takes that.
func (s *scanner) uniqueSids(p *Policy) error {
	var seen map[string]int
	for i, st := range p.Statements {
		if st.Sid == "" {
			continue
		}
		if j, ok := seen[st.Sid]; ok {
			return s.fail(InvalidValue, st.Span.Start, "Sid", "the Sid %q is used by statements %d and %d", st.Sid, j+1, i+1)
		}
		if seen == nil {
			seen = map[string]int{}
		}
		seen[st.Sid] = i
	}
	return nil
}

func (s *scanner) statement(st *Statement) error {
	var principal, action, effect string
	span, err := s.object("a statement", func(key string, name Span) (err error) {
		switch key {
		case "Sid":
			st.Sid, _, err = s.text(key)
		case "Effect":
			effect = key
			err = s.effect(st)
		case "Principal", "NotPrincipal":
			if principal != "" {
				return s.fail(DuplicateElement, name.Start, key, "a statement takes one of %s and %s, not both", principal, key)
			}
			principal = key
			st.Principal.Not = key == "NotPrincipal"
			err = s.principal(key, &st.Principal)
		case "Action", "NotAction":
			if action != "" {
				return s.fail(DuplicateElement, name.Start, key, "a statement takes one of %s and %s, not both", action, key)
			}
			action = key
			st.NotAction = key == "NotAction"
			st.Actions, st.action, st.actions, err = s.values(key, false)
		case "Condition":
			st.condition, err = s.conditions(st)
		case "Resource", "NotResource":
			err = s.fail(UnknownElement, name.Start, key, "%s has no place in a trust policy: the role itself is the resource", key)
		default:
			err = s.unknown(key, name, "a statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition")
		}
		return err
	})
	if err != nil {
		return err
	}
	st.Span = span
	missing := ""
	switch {
	case effect == "":
		missing = "Effect"
	case principal == "":
		missing = "Principal"
	case action == "":
		missing = "Action"
	default:
		return nil
	}
	return s.fail(MissingElement, span.Start, missing, "statement %d has no %s", st.Index+1, missing)
}

func (s *scanner) effect(st *Statement) error {
	text, span, err := s.text("Effect")
	if err != nil {
		return err
	}
	st.Effect, st.effect = Effect(text), span
	if st.Effect != Allow && st.Effect != Deny {
		return s.fail(InvalidValue, span.Start, "Effect", "Effect is %q: it is Allow or Deny, in this spelling", text)
	}
	return nil
}

func (s *scanner) principal(element string, p *Principal) error {
	start := s.pos
	if s.peek() == '"' {
		text, span, err := s.str()
		if err != nil {
			return err
		}
		if text != "*" {
			return s.fail(InvalidValue, span.Start, element, "%s is the string %q: only \"*\" may stand without a type", element, text)
		}
		p.Any, p.Span = true, span
		return nil
	}
	types := []string{"AWS", "Federated", "Service", "CanonicalUser"}
	_, err := s.object(element, func(key string, name Span) error {
		if !slices.Contains(types, key) {
			return s.unknown(key, name, element, types...)
		}
		values, span, list, err := s.values(key, false)
		p.Groups = append(p.Groups, PrincipalGroup{Type: key, Values: values, name: name, value: span, list: list})
		return err
	})
	p.Span = Span{start, s.pos}
	return err
}

func (s *scanner) conditions(st *Statement) (Span, error) {
	return s.object("Condition", func(operator string, name Span) error {
		c := Condition{Operator: ParseOperator(operator), name: name}
		span, err := s.object(operator, func(key string, name Span) error {
			values, span, list, err := s.values(key, true)
			k := ConditionKey{Key: key, Values: values, name: name, value: span, list: list}
			c.Keys = append(c.Keys, k)
			return err
		})
		c.value = span
		markTwice(c.Keys)
		st.Conditions = append(st.Conditions, c)
		return err
	})
}

// markTwice finds keys that differ in case only. IAM Access Analyzer calls that
// an error ("Duplicate keys with different case"); no page says how such a
// condition is evaluated.
func markTwice(keys []ConditionKey) {
	if len(keys) < 2 {
		return
	}
	first := make(map[string]int, len(keys))
	for i := range keys {
		name := strings.ToLower(keys[i].Key)
		if j, ok := first[name]; ok {
			keys[i].twice, keys[j].twice = true, true
			continue
		}
		first[name] = i
	}
}

// values reads one value or an array of them. Only condition values may be
// numbers and Booleans.
func (s *scanner) values(element string, scalars bool) (values []Value, span Span, list bool, err error) {
	want := "a string or an array of strings"
	if scalars {
		want = "a string, a number, a Boolean or an array of them"
	}
	one := func() error {
		if !scalars && s.peek() != '"' {
			return s.wrongType(element, want)
		}
		v, err := s.scalar(element, want)
		values = append(values, v)
		return err
	}
	start := s.pos
	if s.peek() == '[' {
		err = s.array(one)
		return values, Span{start, s.pos}, true, err
	}
	err = one()
	return values, Span{start, s.pos}, false, err
}

// text reads an element that takes one string.
func (s *scanner) text(element string) (string, Span, error) {
	if s.peek() != '"' {
		return "", Span{}, s.wrongType(element, "a string")
	}
	return s.str()
}

func (s *scanner) unknown(key string, name Span, where string, known ...string) error {
	for _, k := range known {
		if strings.EqualFold(k, key) {
			return s.fail(UnknownElement, name.Start, key, "unknown element %q in %s: names are case-sensitive, write %q", key, where, k)
		}
	}
	return s.fail(UnknownElement, name.Start, key, "unknown element %q in %s: it takes %s", key, where, strings.Join(known, ", "))
}
