package check

import (
	"strconv"
	"strings"
	"unicode"
)

// glyph is one character as a terminal shows it.
type glyph struct {
	text  string
	cells int
}

// glyphs are the characters of a text, one each. What does not print is an
// escape of Go's: it could steer the terminal.
func glyphs(text string) []glyph {
	var all []glyph
	for _, r := range text {
		if strconv.IsPrint(r) {
			all = append(all, glyph{string(r), width(r)})
			continue
		}
		escape := strings.Trim(strconv.QuoteRune(r), "'")
		all = append(all, glyph{escape, len(escape)})
	}
	return all
}

func textOf(all []glyph) string {
	var b strings.Builder
	for _, g := range all {
		b.WriteString(g.text)
	}
	return b.String()
}

func cellsOf(all []glyph) (n int) {
	for _, g := range all {
		n += g.cells
	}
	return n
}

// Visible is text with every character that does not print as an escape of Go's.
func Visible(text string) string { return textOf(glyphs(text)) }

// VisibleLines is a text whose lines are all Visible.
func VisibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Visible(line)
	}
	return strings.Join(lines, "\n")
}

// Cells is how many columns of a terminal a text takes that prints.
func Cells(text string) (n int) {
	for _, r := range text {
		n += width(r)
	}
	return n
}

// wide are the blocks whose characters take two columns:
// https://www.unicode.org/reports/tr11/.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0x4dbf, 1}, {0x4e00, 0xa4cf, 1}, {0xa960, 0xa97f, 1},
		{0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// width is how many columns a character takes.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// Wrap breaks text at blanks into lines of at most width columns. A word that
// is longer stands alone.
func Wrap(text string, width int) []string {
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line := lead
	for _, word := range strings.Fields(text) {
		switch {
		case strings.TrimSpace(line) == "":
			line += word
		case Cells(line)+1+Cells(word) > width:
			lines = append(lines, line)
			line = lead + word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
