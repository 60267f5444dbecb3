package awsconfig

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

var (
	namePattern = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_.@:+-]*$`)
	keyPattern  = lazyregexp.New(`^[a-z][a-z0-9_]*$`)
)

// CheckName tells whether both the AWS CLI and the Go SDK read a profile of
// this name, and the error states the rule. Names in quotes work for the CLI
// only, # and ; for neither.
func CheckName(name string) error {
	if namePattern().MatchString(name) {
		return nil
	}
	return fmt.Errorf("profile name %q: the AWS CLI and the SDKs both read a name of letters, digits and _ . @ : + - that starts with a letter or digit", name)
}

// CleanName makes a derived name one that [CheckName] accepts: every other
// character becomes "-", and a name that starts with anything but a letter or
// digit gets "irsa" in front.
func CleanName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (isNameByte(byte(r)) || strings.ContainsRune(".@:+-", r)) {
			return r
		}
		return '-'
	}, name)
	if !namePattern().MatchString(clean) {
		return "irsa" + clean
	}
	return clean
}

// CheckValue tells whether every reader of the file takes value for what it is.
// The error says what is wrong with it and does not show it.
func CheckValue(key, value string) error {
	if !keyPattern().MatchString(key) {
		return fmt.Errorf("checking a setting: %s: a key is made of lower-case letters, digits and _", keyName(key))
	}
	reason := ""
	switch {
	case value == "":
		reason = "it is empty"
	case !utf8.ValidString(value):
		reason = "it is not UTF-8"
	case strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		reason = "it holds a character that does not print, such as a line end or a tab"
	case strings.HasPrefix(value, " ") || strings.HasSuffix(value, " "):
		reason = "it starts or ends with a space, which no reader keeps"
	case strings.HasPrefix(value, "#") || strings.HasPrefix(value, ";") ||
		strings.Contains(value, " #") || strings.Contains(value, " ;"):
		reason = "it holds what the Go SDK takes for a comment"
	case strings.Contains(value, "`") || strings.HasPrefix(value, `"""`):
		reason = "it holds a quote that tools built on ini.v1 remove"
	case (value[0] == '\'' || value[0] == '"') && value[0] == value[len(value)-1]:
		reason = "it starts and ends with a quote, which the Go SDK removes"
	default:
		return nil
	}
	return fmt.Errorf("the value of %s cannot be written: %s", key, reason)
}
