package explain

import (
	"cmp"
	"slices"
	"strings"
)

// Likely is a cause in the words of one chain of trust.
type Likely struct {
	Code string
	Text string // the cause, a clause without a full stop
	Line string // the command that mends it, "" where no command does
}

// mostLikely is how many causes are worth somebody's eyes at once: as many as a
// refusal by an STS that is not AWS's can have.
const mostLikely = 5

// Ranked are causes in the words of a chain, likeliest first, five at most. What
// one cause says for another is said once, and a remedy that is no command
// stands in the text.
func Ranked(causes []Cause, n Names) (ranked []Likely) {
	for _, c := range causes {
		if slices.ContainsFunc(causes, func(other Cause) bool { return other.Code == c.within }) {
			continue
		}
		l := Likely{Code: c.Code, Text: n.Fill(cmp.Or(c.clause, c.Title))}
		switch mend, whole := n.fill(c.Next[0]); {
		case !IsCommand(mend):
			l.Text += ": " + mend
		case whole:
			l.Line = mend
		}
		if ranked = append(ranked, l); len(ranked) == mostLikely {
			break
		}
	}
	return ranked
}

// Anywhere are the causes of a refusal by an STS that is not AWS's, whose codes
// do not say which side of the chain refuses.
func Anywhere() (found []Cause) {
	for _, code := range []string{"PROV1", "ROLE1", "ROLE8", "PROV3", "PUB7"} {
		found = append(found, causes()[code])
	}
	return found
}

// IsCommand reports whether a text of Cause.Next is a line to paste rather than
// words.
func IsCommand(next string) bool {
	return slices.ContainsFunc([]string{"kubectl ", "aws ", "eval ", "https://"}, func(start string) bool { return strings.HasPrefix(next, start) })
}
