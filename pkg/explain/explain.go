// Package explain knows what the errors of AWS, of its SDKs and of Kubernetes
// mean when a ServiceAccount cannot become a role. It reads texts; it asks
// nobody.
package explain

import "strings"

// Cause is one reason behind an error, with what to do about it.
type Cause struct {
	Code    string   // of the catalogue in docs/checks.md: PROV1
	Title   string   // the cause in a few words
	Meaning string   // a sentence: what the error says about the chain of trust
	Checks  []string // the checks of inspect and doctor that tell it from its neighbours
	Next    []string // what to do, in words or as a command with NAME, NAMESPACE, ROLE in place of names
}

// Find gives the causes that fit text, likeliest first; text can be a whole
// stack trace. None fit: nil.
func Find(text string) []Cause {
	text = fold(text)
	for _, e := range catalogue {
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

// ByCode is the cause of a code of the catalogue: ROLE4.
func ByCode(code string) (Cause, bool) {
	cause, known := causes()[strings.ToUpper(code)]
	return cause, known
}

// entry is a text, and the causes it can have.
type entry struct {
	all    []string // every one of these is in the text, folded
	causes []string // likeliest first
}

func (e entry) in(text string) bool {
	for _, part := range e.all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// fold makes texts comparable that differ in case, in line breaks, in quotes
// and in runs of blanks: each SDK wraps AWS's words in its own way.
func fold(text string) string {
	text = strings.NewReplacer("\\n", " ", "\\\"", `"`, "’", "'", "`", "'").Replace(text)
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}
