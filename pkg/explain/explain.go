// Package explain knows what the errors of AWS, of its SDKs and of Kubernetes
// mean when a ServiceAccount cannot become a role. It reads texts; it asks
// nobody.
package explain

import (
	"regexp"
	"slices"
	"strings"
)

// Cause is one reason behind an error, with what to do about it.
type Cause struct {
	Code    string   // of the catalogue in docs/checks.md: PROV1
	Title   string   // the cause in a few words
	Meaning string   // a sentence: what the error says about the chain of trust
	Checks  []string // the checks of inspect and doctor that tell it from its neighbours
	Next    []string // what to do, in words or as a command; capitals stand for names, as Names has them

	clause string // the cause as the end of a sentence, where the title is too little; capitals as in Next
	within string // the code of a cause whose clause says this one, too
}

// Find gives the causes that fit text, likeliest first; text can be a whole
// stack trace. None fit: nil.
func Find(text string) []Cause {
	text = fold(text)
	for _, e := range catalogue() {
		if !e.in(text) {
			continue
		}
		found := make([]Cause, 0, len(e.causes))
		for _, code := range e.causes {
			found = append(found, causes()[code])
		}
		return found
	}
	return nil
}

// Proves is what a refusal with this text says of the exchange, as a sentence
// without its full stop; "" where it says nothing.
func Proves(text string) string {
	text = fold(text)
	for _, e := range catalogue() {
		if e.in(text) {
			return e.proves
		}
	}
	return ""
}

// Left are the causes that no check has disproved: a cause is, where every
// check that tells it from its neighbours holds. Nil holds leaves them all.
func Left(causes []Cause, holds func(check string) bool) []Cause {
	var left []Cause
	for _, c := range causes {
		if holds == nil || len(c.Checks) == 0 || slices.ContainsFunc(c.Checks, func(id string) bool { return !holds(id) }) {
			left = append(left, c)
		}
	}
	return left
}

// ByCheck are the causes that a check of inspect or doctor tells apart.
func ByCheck(id string) []Cause {
	var found []Cause
	for _, c := range described() {
		if slices.Contains(c.Checks, id) {
			found = append(found, c)
		}
	}
	return found
}

// Codes are those of all causes, each with its title.
func Codes() map[string]string {
	all := map[string]string{}
	for code, c := range causes() {
		all[code] = c.Title
	}
	return all
}

// ByCode is the cause of a code of the catalogue: ROLE4.
func ByCode(code string) (Cause, bool) {
	cause, known := causes()[strings.ToUpper(code)]
	return cause, known
}

// entry is a text, and the causes it can have.
type entry struct {
	all     []string       // every one of these is in the text, folded
	none    []string       // none of these is
	pattern *regexp.Regexp // where it is not nil, it fits the text
	causes  []string       // likeliest first
	proves  string         // what the text says of the exchange
}

// proving is the entry of a text that says how far the exchange came.
func (e entry) proving(what string) entry {
	e.proves = what
	return e
}

// unless is the entry of a text that has none of these parts.
func (e entry) unless(parts ...string) entry {
	e.none = parts
	return e
}

func (e entry) in(text string) bool {
	within := func(part string) bool { return strings.Contains(text, part) }
	return !slices.ContainsFunc(e.all, func(part string) bool { return !within(part) }) &&
		!slices.ContainsFunc(e.none, within) &&
		(e.pattern == nil || e.pattern.MatchString(text))
}

// fold makes texts comparable that differ in case, in line breaks, in quotes
// and in runs of blanks: each SDK wraps AWS's words in its own way.
func fold(text string) string {
	text = strings.NewReplacer("\\n", " ", "\\\"", `"`, "’", "'", "`", "'").Replace(text)
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}
