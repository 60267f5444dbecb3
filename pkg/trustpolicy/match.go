package trustpolicy

import (
	"strings"
	"unicode/utf8"
)

// In a pattern these two bytes stand for a literal * and ?, which a policy
// writes as ${*} and ${?}. Neither occurs in UTF-8.
const (
	literalStar     = '\xfe'
	literalQuestion = '\xff'
)

// like reports whether text matches pattern: * is any run of characters, ? is
// one character, and case counts.
func like(pattern, text string) bool {
	p, t := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, t
			p++
			continue
		}
		if n, m, ok := likeOne(pattern[p:], text[t:]); ok {
			p += n
			t += m
			continue
		}
		if star < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(text[resume:])
		resume += width
		p, t = star+1, resume
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// likeOne matches one character of a pattern, which is no *, and says how many
// bytes of either that took.
func likeOne(pattern, text string) (n, m int, ok bool) {
	if pattern == "" {
		return 0, 0, false
	}
	switch pattern[0] {
	case '?':
		_, width := utf8.DecodeRuneInString(text)
		return 1, width, true
	case literalStar:
		return 1, 1, text[0] == '*'
	case literalQuestion:
		return 1, 1, text[0] == '?'
	}
	return 1, 1, pattern[0] == text[0]
}

// likeFold matches an action: "The prefix and the action name are case
// insensitive"
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html).
func likeFold(pattern, text string) bool {
	if strings.EqualFold(pattern, text) {
		return true
	}
	if strings.IndexByte(pattern, '*') < 0 && strings.IndexByte(pattern, '?') < 0 {
		return false
	}
	return like(strings.ToLower(pattern), strings.ToLower(text))
}

func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?") }

// arnMatches compares part by part: "Each of the six colon-delimited components
// of the ARN is checked separately". What is no ARN cannot be judged: no page
// says what an ARN operator makes of it.
func arnMatches(pattern, text string) Truth {
	const parts = 6
	want, got := strings.SplitN(pattern, ":", parts), strings.SplitN(text, ":", parts)
	if len(want) != parts || len(got) != parts || want[0] != "arn" || got[0] != "arn" {
		return Unknown
	}
	for i := range want {
		if !like(want[i], got[i]) {
			return False
		}
	}
	return True
}

// expanded is a value of the policy with its variables replaced.
type expanded struct {
	text  string
	state expansion
}

type expansion uint8

const (
	resolved   expansion = iota
	unresolved           // names a key the request does not have
	unclear              // names a key that is not known, or cannot be read for sure
)

// expand replaces policy variables:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html.
// With wildcards, ${*} and ${?} become the literal bytes above; a replacement
// that has wildcards itself is unclear, since no page says whether they count.
func (r *request) expand(text string, wildcards bool) expanded {
	if !strings.Contains(text, "${") {
		return expanded{text: text}
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return expanded{text: b.String()}
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return expanded{state: unclear}
		}
		text = after
		switch name {
		case "$":
			b.WriteByte('$')
			continue
		case "*", "?":
			b.WriteByte(literal(name[0], wildcards))
			continue
		}
		value, state := r.variable(name)
		if state == resolved && wildcards && (hasWildcard(value) || !utf8.ValidString(value)) {
			state = unclear
		}
		if state != resolved {
			return expanded{state: state}
		}
		b.WriteString(value)
	}
}

func literal(c byte, wildcards bool) byte {
	switch {
	case !wildcards:
		return c
	case c == '*':
		return literalStar
	}
	return literalQuestion
}

// variable is the value of what stands between ${ and }: a key, or a key, a
// comma, a space and a default in single quotes. A key with several values
// cannot be a variable.
func (r *request) variable(name string) (string, expansion) {
	key, fallback, hasDefault := strings.Cut(name, ", ")
	if hasDefault {
		if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
			return "", unclear
		}
		fallback = fallback[1 : len(fallback)-1]
	}
	if key == "" || strings.ContainsAny(key, " '") {
		return "", unclear
	}
	values, state := r.lookup(key)
	switch {
	case state == Present && len(values) == 1:
		return values[0], resolved
	case state == Absent && hasDefault:
		return fallback, resolved
	case state == Absent:
		return "", unresolved
	}
	return "", unclear
}
