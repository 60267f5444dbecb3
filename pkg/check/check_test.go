package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// always is a check with a fixed result.
func always(id, link string, r Result, needs ...string) Check[int] {
	return Check[int]{ID: id, Link: link, Title: "the " + id + " holds", Needs: needs, Run: func(int) Result { return r }}
}

func statuses(findings []Finding) string {
	var all []string
	for _, f := range findings {
		text := f.ID + "=" + string(f.Status)
		if f.Status == Skip {
			text += "(" + f.Detail + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestRun(t *testing.T) {
	pass, fail, unknown, skip := Result{Status: Pass}, Result{Status: Fail}, Result{Status: Unknown}, Result{Status: Skip, Detail: "pointless"}
	for name, tc := range map[string]struct {
		checks    []Check[int]
		selection Selection
		want      string
	}{
		"what hangs on a failure is skipped and names the first cause": {
			checks: []Check[int]{always("a", "", fail), always("b", "", pass, "a"), always("c", "", pass, "b")},
			want:   "a=fail b=skip(needs a) c=skip(needs a)"},
		"what hangs on the unknown is judged": {
			checks: []Check[int]{always("a", "", unknown), always("b", "", pass, "a")}, want: "a=unknown b=pass"},
		"what is pointless stands in nobody's way": {
			checks: []Check[int]{always("a", "", skip), always("b", "", pass, "a")}, want: "a=skip(pointless) b=pass"},
		"the second need counts as well": {
			checks: []Check[int]{always("a", "", skip), always("b", "", fail), always("c", "", pass, "a", "b")},
			want:   "a=skip(pointless) b=fail c=skip(needs b)"},
		"what is left out is judged for others": {
			checks:    []Check[int]{always("a", "", fail), always("b", "", pass, "a")},
			selection: Selection{Only: []string{"b"}}, want: "b=skip(needs a)"},
		"what is skipped by name is not shown": {
			checks: []Check[int]{always("a", "", pass), always("b", "", pass)}, selection: Selection{Skip: []string{"a"}}, want: "b=pass"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, statuses(Run(0, tc.checks, tc.selection))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsLeftOutDecidesForWhatHangsOnIt(t *testing.T) {
	fail, unknown, pass := Result{Status: Fail, Cause: "F1"}, Result{Status: Unknown}, Result{Status: Pass}
	checks := []Check[int]{
		always("a", "", fail), always("b", "", pass, "a"), always("c", "", pass, "b"),
		always("d", "", unknown), always("e", "", pass, "d"), always("f", "", Result{Status: Fail}),
	}
	for name, tc := range map[string]struct {
		selection Selection
		want      *RootCause
	}{
		"a failure that is not shown":             {Selection{Only: []string{"c"}}, &RootCause{ID: "a", Cause: "F1"}},
		"not a failure that was left out by name": {Selection{Skip: []string{"a"}}, &RootCause{ID: "f"}},
		"the first cause of what is shown":        {Selection{Only: []string{"f", "c"}}, &RootCause{ID: "a", Cause: "F1"}},
		"what was judged in spite of the unknown": {Selection{Only: []string{"e"}}, nil},
		"what nobody who is shown needs":          {Selection{Only: []string{"d"}}, &RootCause{ID: "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Root(Run(0, checks, tc.selection), Unknown)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAsideComesLast(t *testing.T) {
	aside := Check[int]{ID: "wide", Title: "it is narrow", Aside: true, Run: func(int) Result { return Result{Status: Fail, Cause: "W1"} }}
	for name, tc := range map[string]struct {
		checks []Check[int]
		want   *RootCause
	}{
		"after a failure that stands later": {[]Check[int]{aside, always("a", "", Result{Status: Fail})}, &RootCause{ID: "a"}},
		"before a warning":                  {[]Check[int]{always("a", "", Result{Status: Warn}), aside}, &RootCause{ID: "wide", Cause: "W1"}},
		"alone":                             {[]Check[int]{aside}, &RootCause{ID: "wide", Cause: "W1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Root(Run(0, tc.checks, Selection{}), Warn)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRoot(t *testing.T) {
	findings := []Finding{{ID: "u", Status: Unknown}, {ID: "w", Status: Warn, Cause: "W1"}, {ID: "f", Status: Fail, Cause: "F1"}}
	for name, tc := range map[string]struct {
		findings []Finding
		failOn   Status
		want     *RootCause
	}{
		"a failure comes before what stands earlier": {findings, Unknown, &RootCause{ID: "f", Cause: "F1"}},
		"a warning counts where it is asked to":      {findings[:2], Warn, &RootCause{ID: "w", Cause: "W1"}},
		"a warning is no failure":                    {findings[:2], Fail, nil},
		"the unknown counts last":                    {findings[:1], Unknown, &RootCause{ID: "u"}},
		"the unknown is no warning":                  {findings[:1], Warn, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Root(tc.findings, tc.failOn)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// shown is a chain with one of everything.
func shown() []Finding {
	return []Finding{
		{ID: "a", Link: "token", Title: "the cluster issues one", Status: Pass, Detail: "RS256"},
		{ID: "b", Link: "token", Title: "it is for one audience", Status: Pass},
		{ID: "c", Link: "role", Title: "the role exists", Status: Pass},
		{ID: "d", Link: "role", Title: "it trusts this ServiceAccount", Status: Fail, Cause: "ROLE1",
			Detail:  "statement 1: the subject is another",
			Compare: Compare("policy", "system:serviceaccount:shop:carts", "token", "system:serviceaccount:shop:cart"),
			Fix:     []string{"kubectl irsa role trust add cart --sa cart -n shop"}},
		{ID: "e", Link: "STS", Title: "STS takes the token", Status: Skip, Detail: "needs d"},
	}
}

func TestScreen(t *testing.T) {
	sentences := map[string]string{"token": "tokens are as AWS wants them"}
	for name, tc := range map[string]struct {
		style Style
		want  string
	}{
		"plain": {Style{Width: 64}, `
token | ok tokens are as AWS wants them
 role | ok the role exists
      | XX it trusts this ServiceAccount                   ROLE1
      |    statement 1: the subject is another
      |    policy  system:serviceaccount:shop:carts
      |    token   system:serviceaccount:shop:cart
      |                                           ^
      |    -> kubectl irsa role trust add cart --sa cart -n shop
  STS | -- STS takes the token                           needs d
`},
		"with lines, too narrow for the strings": {Style{Width: 40, Unicode: true}, `
token │ ✔ tokens are as AWS wants them
 role │ ✔ the role exists
      │ ✘ it trusts this ServiceAccount
      │   (ROLE1)
      │   statement 1: the subject is
      │   another
      │   policy  …iceaccount:shop:carts
      │   token   …iceaccount:shop:cart
      │                                ^
      │   → kubectl irsa role trust add cart --sa cart -n shop
  STS │ · STS takes the token    needs d
`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), Screen(shown(), sentences, tc.style)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatOthersWroteCannotSteerATerminal(t *testing.T) {
	findings := []Finding{{ID: "a", Link: "role", Title: "it is one", Status: Fail, Cause: "ROLE9",
		Detail:  "role/\x1b]0;pwn\x07x is none\nsecond\tline",
		Compare: Compare("expected", "role/x", "actual", "role/\x1b[2Jx"),
		Fix:     []string{"kubectl annotate '\x1b[2J'\nkubectl get"}}}
	want := `role | XX it is one                                    ROLE9
     |    role/\x1b]0;pwn\ax is none
     |    second\tline
     |    expected  role/x
     |    actual    role/\x1b[2Jx
     |                   ^
     |    -> kubectl annotate '\x1b[2J'
     |    kubectl get
`
	if diff := cmp.Diff(want, Screen(findings, nil, Style{Width: 60})); diff != "" {
		t.Error(diff)
	}
}

func TestTheCaretStandsUnderTheFirstDifference(t *testing.T) {
	for name, tc := range map[string]struct {
		expected, actual string
		want             int // cells before the caret
	}{
		"letters":                       {"abc", "abd", 2},
		"wide characters before it":     {"役割a", "役割b", 4},
		"a combining mark before it":    {"e\u0301a", "e\u0301b", 1},
		"a tab before it":               {"\ta", "\tb", 2},
		"a wide character that differs": {"a役", "a割", 1},
		"a letter instead of a mark":    {"e\u0301", "e", 1},
	} {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(Screen([]Finding{{Link: "x", Title: "t", Status: Fail, Compare: Compare("one", tc.expected, "two", tc.actual)}}, nil, Style{}), "\n")
			const edge = len("x |    two  ")
			if got := strings.Index(lines[3], "^") - edge; got != tc.want {
				t.Errorf("caret in cell %d, want %d:\n%s", got, tc.want, strings.Join(lines, "\n"))
			}
		})
	}
	t.Run("also where both are cut", func(t *testing.T) {
		long := strings.Repeat("役", 60)
		lines := strings.Split(Screen([]Finding{{Link: "x", Title: "t", Status: Fail, Compare: Compare("one", long+"a", "two", long+"b")}}, nil, Style{Width: 40}), "\n")
		before, _, _ := strings.Cut(lines[2], "b")
		if got, want := strings.Index(lines[3], "^"), Cells(before); got != want {
			t.Errorf("caret in cell %d, want %d:\n%s", got, want, strings.Join(lines, "\n"))
		}
		for _, line := range lines {
			if Cells(line) > 40 {
				t.Errorf("wider than the screen: %s", line)
			}
		}
	})
}

func TestACharacterThatDoesNotLookLikeItselfIsToldByItsCode(t *testing.T) {
	for name, tc := range map[string]struct{ expected, actual, want string }{
		"a letter of another script":       {"role/cart", "role/\u0441art", `role/\u0441art`},
		"a blank at the end":               {"cart", "cart ", `cart\x20`},
		"a character without width":        {"cart", "cart\u200b", `cart\u200b`},
		"not what other scripts differ by": {"role/役", "role/割", "role/割"},
		"not what looks like itself":       {"cart", "carts", "carts"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(Screen([]Finding{{Link: "x", Title: "t", Status: Fail, Compare: Compare("one", tc.expected, "two", tc.actual)}}, nil, Style{}), "\n")
			if diff := cmp.Diff("  |    two  "+tc.want, lines[2]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsLeftOutForOneReasonIsOneLine(t *testing.T) {
	findings := []Finding{
		{Link: "role", Title: "the role exists", Status: Fail, Cause: "ROLE8"},
		{Link: "role", Title: "it can be read", Status: Skip, Detail: "needs role-exists"},
		{Link: "role", Title: "it is short", Status: Pass},
		{Link: "role", Title: "it is narrow", Status: Skip, Detail: "needs role-exists"},
		{Link: "role", Title: "it is large", Status: Skip, Detail: "pointless"},
	}
	for name, tc := range map[string]struct {
		style Style
		want  string
	}{
		"on a screen": {Style{Width: 60}, `
role | XX the role exists                              ROLE8
     | -- 2 checks were left out           needs role-exists
     | ok it is short
     | -- it is large                              pointless
`},
		"not where everything is shown": {Style{Width: 60, All: true}, `
role | XX the role exists                              ROLE8
     | -- it can be read                   needs role-exists
     | ok it is short
     | -- it is narrow                     needs role-exists
     | -- it is large                              pointless
`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), Screen(findings, map[string]string{"role": "all is well"}, tc.style)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheTitleOfAMermaidChartIsOneString(t *testing.T) {
	got := strings.SplitN(Mermaid("cart in prod: \"eu\" #1 [x]\n", nil), "\n", 4)
	if diff := cmp.Diff([]string{"---", `title: "cart in prod: \"eu\" #1 [x]\n"`, "---"}, got[:3]); diff != "" {
		t.Error(diff)
	}
}
