package check

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// compare puts the two strings one above the other, with a caret under the
// first character that differs. Where they are wider than the screen both are
// cut to the part around it.
func (s *screen) compare(c *Comparison, edge int) {
	labels := max(Cells(c.ExpectedLabel), Cells(c.ActualLabel))
	room := max(s.Columns()-edge-labels-2, 16)
	expected, actual := cut{glyphs(c.Expected), c.ExpectedColumn}, cut{glyphs(c.Actual), c.ActualColumn}
	expected, actual = expected.told(actual), actual.told(expected)
	longest := max(cellsOf(expected.text), cellsOf(actual.text))
	expected, actual = expected.window(longest, room, s.ellipsis()), actual.window(longest, room, s.ellipsis())
	row := func(label string, c cut, color string) {
		head := s.indent(edge) + s.Paint("2", label) + strings.Repeat(" ", labels-Cells(label)+2)
		s.b.WriteString(head + textOf(c.text[:c.column]) + s.Paint(color, textOf(c.text[c.column:])) + "\n")
	}
	caret := func(c cut) {
		s.b.WriteString(s.indent(edge) + strings.Repeat(" ", labels+2+c.cells()) + s.Paint("31;1", "^") + "\n")
	}
	row(c.ExpectedLabel, expected, "32")
	if expected.cells() != actual.cells() {
		caret(expected)
	}
	row(c.ActualLabel, actual, "31")
	caret(actual)
}

func (s *screen) ellipsis() glyph {
	if s.Unicode {
		return glyph{"…", 1}
	}
	return glyph{"...", 3}
}

// cut is a string, or a part of it, and the character that it is about.
type cut struct {
	text   []glyph
	column int
}

// cells is where the character begins.
func (c cut) cells() int { return cellsOf(c.text[:c.column]) }

// told is the cut with a character that differs, and does not look like it, as
// its code: a blank, or a letter of another script where the other string has a
// plain one or ends.
func (c cut) told(other cut) cut {
	if c.column >= len(c.text) {
		return c
	}
	at, size := utf8.DecodeRuneInString(c.text[c.column].text)
	strange := at > unicode.MaxASCII && size == len(c.text[c.column].text) &&
		(other.column >= len(other.text) || other.text[other.column].text[0] <= unicode.MaxASCII)
	code := ""
	switch {
	case at == ' ':
		code = `\x20`
	case strange:
		code = strings.Trim(strconv.QuoteRuneToASCII(at), "'")
	default:
		return c
	}
	text := slices.Clone(c.text)
	text[c.column] = glyph{code, len(code)}
	return cut{text, c.column}
}

// window is the part around the character that fits into room columns; longest
// is the width of the longer of two strings, so that both are cut alike.
func (c cut) window(longest, room int, dots glyph) cut {
	if longest <= room {
		return c
	}
	start, from := 0, c.cells()-room*2/3
	if from > 0 {
		from = min(from, longest-room)
		start = min(columns(c.text, from), c.column)
	}
	end := start + columns(c.text[start:], room)
	if end < len(c.text) && cellsOf(c.text[start:end]) > room {
		end--
	}
	part, column := c.text[start:end:end], c.column-start
	if start > 0 {
		n := min(columns(part, dots.cells), column)
		lead := glyph{dots.text + strings.Repeat(" ", max(cellsOf(part[:n])-dots.cells, 0)), max(cellsOf(part[:n]), dots.cells)}
		part, column = append([]glyph{lead}, part[n:]...), column-n+1
	}
	if end < len(c.text) {
		keep := max(columns(part, room-dots.cells), column)
		for keep > column && cellsOf(part[:keep]) > room-dots.cells {
			keep--
		}
		part = append(part[:keep:keep], dots)
	}
	return cut{part, column}
}

// columns is how many glyphs it takes to fill a number of columns.
func columns(text []glyph, cells int) int {
	filled := 0
	for i, g := range text {
		if filled >= cells {
			return i
		}
		filled += g.cells
	}
	return len(text)
}
