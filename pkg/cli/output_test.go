package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACellOfATableCannotSteerATerminal(t *testing.T) {
	for name, tc := range map[string]struct{ cell, want string }{
		"text as it is":                   {"größer > kleiner '\"\\", "größer > kleiner '\"\\"},
		"the title of the window":         {"\x1b]0;pwn\a", `\x1b]0;pwn\a`},
		"a line of its own":               {"a\r\nb\tc", `a\r\nb\tc`},
		"control characters of eight bit": {"\u009b2J", `\u009b2J`},
		"text that runs backwards":        {"a\u202eb", `a\u202eb`},
		"a byte that is no character":     {"a\x9bb", "a\ufffdb"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			w := &lines{to: &out}
			w.table([][]string{{"A", "B"}, {tc.cell, "x"}})
			want := "A" + strings.Repeat(" ", len([]rune(tc.want))+2) + "B\n" + tc.want + "   x\n"
			if diff := cmp.Diff(want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
