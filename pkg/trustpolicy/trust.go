package trustpolicy

import (
	"errors"
	"fmt"
	"strings"
)

// ErrLastStatement is the error of a removal that would leave a policy without
// statements, which IAM does not store: the role has to go, or to trust
// somebody else first.
var ErrLastStatement = errors.New("it is the only statement of the trust policy")

// ErrShared is the error of a removal that would take a statement away from
// somebody else who is named in it.
var ErrShared = errors.New("the statement names other principals too")

// A Trust is what one statement grants: tokens of one OIDC provider, for one
// audience, of one subject or the subjects of one pattern. It always renders
// with both conditions.
type Trust struct {
	Sid        string // optional; letters and digits
	Provider   string // the provider's ARN
	Audience   string
	Subject    string // with * or ?, a pattern: StringLike; else StringEquals
	TagSession bool   // allow session tags too
}

// sidCharacters are what IAM takes in a Sid:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html.
const sidCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (t Trust) check() error {
	switch {
	case ConditionPrefix(t.Provider) == "" || !strings.HasPrefix(t.Provider, "arn:"):
		return fmt.Errorf("making a trust statement: %q is no ARN of an OIDC provider", t.Provider)
	case t.Audience == "":
		return errors.New("making a trust statement: the audience is missing")
	case hasWildcard(t.Audience):
		return fmt.Errorf("making a trust statement: the audience %q has a wildcard", t.Audience)
	case t.Subject == "":
		return errors.New("making a trust statement: the subject is missing")
	case strings.Contains(t.Audience+t.Subject, "${"):
		return errors.New("making a trust statement: audience and subject take no policy variables")
	case strings.ContainsFunc(t.Sid, func(r rune) bool { return !strings.ContainsRune(sidCharacters, r) }):
		return fmt.Errorf("making a trust statement: the Sid %q has other characters than letters and digits", t.Sid)
	}
	return nil
}

// subjectOperator is StringLike for a pattern and nothing else.
func (t Trust) subjectOperator() string {
	if hasWildcard(t.Subject) {
		return "StringLike"
	}
	return "StringEquals"
}

// A line of a rendered statement: how deep it is indented, and its text.
type line struct {
	depth int
	text  string
}

func (t Trust) lines() []line {
	key := ConditionPrefix(t.Provider)
	aud := quote(key+":aud") + ": " + quote(t.Audience)
	sub := quote(key+":sub") + ": " + quote(t.Subject)
	out := []line{{0, "{"}}
	if t.Sid != "" {
		out = append(out, line{1, `"Sid": ` + quote(t.Sid) + ","})
	}
	action := quote(ActionWebIdentity)
	if t.TagSession {
		action = "[" + action + ", " + quote(ActionTagSession) + "]"
	}
	out = append(out,
		line{1, `"Effect": "Allow",`},
		line{1, `"Principal": {"Federated": ` + quote(t.Provider) + "},"},
		line{1, `"Action": ` + action + ","},
		line{1, `"Condition": {`},
		line{2, `"StringEquals": {`})
	if t.subjectOperator() == "StringEquals" {
		out = append(out, line{3, aud + ","}, line{3, sub}, line{2, "}"})
	} else {
		out = append(out, line{3, aud}, line{2, "},"}, line{2, `"StringLike": {`}, line{3, sub}, line{2, "}"})
	}
	return append(out, line{1, "}"}, line{0, "}"})
}

// render writes the statement with the first line where it is put and the
// others behind indent. An empty unit puts all on one line.
func (t Trust) render(indent, unit string) string {
	var b strings.Builder
	for i, l := range t.lines() {
		switch {
		case unit == "" && i > 0 && strings.HasSuffix(b.String(), ","):
			b.WriteByte(' ')
		case unit != "" && i > 0:
			b.WriteString("\n" + indent + strings.Repeat(unit, l.depth))
		}
		b.WriteString(l.text)
	}
	return b.String()
}

// New makes the document of a role that trusts nobody else.
func New(t Trust) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	doc := "{\n  \"Version\": \"" + Version2012 + "\",\n  \"Statement\": [\n    " + t.render("    ", "  ") + "\n  ]\n}\n"
	return []byte(doc), nil
}

// Add makes the patch that appends a statement for t to the policy. It is empty
// when a statement grants exactly that already. Where a statement grants the
// same to other subjects of the same provider, the subject joins its list: the
// quota for a trust policy is small.
func Add(p *Policy, t Trust) (Patch, error) {
	if err := t.check(); err != nil {
		return Patch{}, err
	}
	var join *Statement
	for i := range p.Statements {
		switch same, subject := p.grants(&p.Statements[i], t); {
		case same && subject:
			return Patch{}, nil
		case same && join == nil:
			join = &p.Statements[i]
		}
	}
	if join != nil && t.Sid == "" {
		key := p.subjectKey(join, t)
		edit := p.addValue(key.Values, key.value, key.list, t.Subject)
		return p.patch(fmt.Sprintf("let statement %d also trust %s", join.Index+1, t.Subject), edit), nil
	}
	return p.appendStatement(t), nil
}

// AddStatement is Add, but always in a statement of its own.
func AddStatement(p *Policy, t Trust) (Patch, error) {
	if err := t.check(); err != nil {
		return Patch{}, err
	}
	for i := range p.Statements {
		if same, subject := p.grants(&p.Statements[i], t); same && subject {
			return Patch{}, nil
		}
	}
	return p.appendStatement(t), nil
}

func (p *Policy) appendStatement(t Trust) Patch {
	for i := range p.Statements {
		if p.Statements[i].Sid == t.Sid {
			t.Sid = "" // taken; a statement needs none
		}
	}
	summary := "add a statement that trusts " + t.Subject
	if len(p.Statements) == 0 {
		return p.patch(summary, p.edit(p.statements, "["+t.render("", "")+"]"))
	}
	last := p.Statements[len(p.Statements)-1].Span
	lead, unit := p.layout()
	if !p.list {
		inner := p.Text(p.statements)
		if unit == "" {
			return p.patch(summary, p.edit(p.statements, "["+inner+", "+t.render("", "")+"]"))
		}
		return p.patch(summary,
			Edit{Offset: p.statements.Start, New: "["},
			Edit{Offset: last.End, New: ", " + t.render(lead, unit) + "]"})
	}
	if unit == "" {
		return p.patch(summary, Edit{Offset: last.End, New: "," + t.render("", "")})
	}
	separator := ",\n" + lead
	if len(p.Statements) > 1 {
		separator = p.source[p.Statements[len(p.Statements)-2].Span.End:last.Start]
	} else if p.lineStart(last.Start) != lead {
		separator = ", "
	}
	return p.patch(summary, Edit{Offset: last.End, New: separator + t.render(lead, unit)})
}

// layout is the white space before the line a statement begins on, and one step
// of indentation; the step is empty when the document is all on one line.
func (p *Policy) layout() (lead, unit string) {
	st := &p.Statements[0]
	if !strings.Contains(p.Text(st.Span), "\n") {
		return "", ""
	}
	lead = p.indentOf(st.Span.Start)
	inner := p.indentOf(st.effect.Start)
	if unit = strings.TrimPrefix(inner, lead); unit == "" || unit == inner && lead != "" {
		unit = "  "
	}
	return lead, unit
}

// indentOf is the white space that the line of an offset begins with.
func (p *Policy) indentOf(offset int) string {
	text := p.source[strings.LastIndexByte(p.source[:offset], '\n')+1 : offset]
	return text[:len(text)-len(strings.TrimLeft(text, " \t"))]
}

// lineStart is everything before an offset on its line.
func (p *Policy) lineStart(offset int) string {
	return p.source[strings.LastIndexByte(p.source[:offset], '\n')+1 : offset]
}
