package issuer

import (
	"regexp"
	"sync"
)

// rule is a regular expression that is compiled when it is first asked for:
// every command would wait for it at its start.
func rule(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
