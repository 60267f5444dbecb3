package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// judged is what a check makes of facts.
type judged struct {
	run   func(Facts) Result
	broke func(*Facts)
	want  []string // as saying has it
}

// saying is a result as lines: status and cause, what is said, what is compared,
// and the lines to paste.
func saying(r Result) []string {
	lines := append([]string{strings.TrimSpace(string(r.Status) + " " + r.Cause)}, strings.Split(r.Detail, "\n")...)
	if r.Compare != nil {
		lines = append(lines, fmt.Sprintf("%s %s, %s %s", r.Compare.ExpectedLabel, r.Compare.Expected, r.Compare.ActualLabel, r.Compare.Actual))
	}
	for _, line := range r.Fix {
		line, _, _ = strings.Cut(line, " --policy-document") // which is not this test's
		lines = append(lines, "$ "+line)
	}
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

func judge(t *testing.T, table map[string]judged) {
	t.Helper()
	for name, tc := range table {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.broke(&f)
			if diff := cmp.Diff(tc.want, saying(tc.run(f))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
