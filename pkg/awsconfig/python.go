package awsconfig

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isPySpace tells what Python's str.strip and the regular expression \s call
// white space: Unicode's, and the four separators U+001C to U+001F.
func isPySpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

// pyStrip is str.strip().
func pyStrip(s string) string { return strings.TrimFunc(s, isPySpace) }

// pyIndent counts the characters (not bytes) before the first that is not space.
func pyIndent(s string) int {
	return utf8.RuneCountInString(s) - utf8.RuneCountInString(strings.TrimLeftFunc(s, isPySpace))
}

// pyLower is str.lower() as far as it differs from strings.ToLower: U+0130
// becomes two characters in Python.
func pyLower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "\u0130", "i\u0307"))
}

// pySplitLines is str.splitlines(), which knows more line ends than a text file
// has: botocore uses it on nested values.
func pySplitLines(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		switch r {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			return true
		}
		return false
	})
}
