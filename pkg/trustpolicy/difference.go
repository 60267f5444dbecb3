package trustpolicy

import (
	"strings"
	"unicode/utf8"
)

// A Difference is the first place where two values part, for a caret under
// either. Columns count characters from 0, bytes count from 0. Where the
// expected value has wildcards the two columns need not be the same.
type Difference struct {
	Expected, Actual             string
	ExpectedColumn, ActualColumn int
	ExpectedByte, ActualByte     int
}

// FirstDifference compares two values character by character. Values that are
// equal have none.
func FirstDifference(expected, actual string) (Difference, bool) {
	return difference(expected, actual, stringEquals)
}

// FirstMismatch compares a value to a pattern with * and ?: it is the furthest
// place up to which the pattern can be made to fit.
func FirstMismatch(pattern, actual string) (Difference, bool) {
	return difference(pattern, actual, stringLike)
}

func difference(expected, actual string, f family) (Difference, bool) {
	var e, a int
	if f == stringLike || f == arnLike {
		if like(expected, actual) {
			return Difference{}, false
		}
		e, a = furthest(expected, actual)
	} else {
		if expected == actual || f == stringFold && strings.EqualFold(expected, actual) {
			return Difference{}, false
		}
		e, a = commonPrefix(expected, actual, f == stringFold)
	}
	return Difference{
		Expected: expected, Actual: actual,
		ExpectedByte: e, ActualByte: a,
		ExpectedColumn: utf8.RuneCountInString(expected[:e]),
		ActualColumn:   utf8.RuneCountInString(actual[:a]),
	}, true
}

// commonPrefix is the length in bytes, in either, of the characters that a and
// b begin with alike.
func commonPrefix(a, b string, fold bool) (i, j int) {
	for i < len(a) && j < len(b) {
		_, n := utf8.DecodeRuneInString(a[i:])
		_, m := utf8.DecodeRuneInString(b[j:])
		x, y := a[i:i+n], b[j:j+m]
		if x != y && (!fold || !strings.EqualFold(x, y)) {
			break
		}
		i += n
		j += m
	}
	return i, j
}

// furthest walks as like does and keeps the place up to which characters of the
// pattern, not its stars alone, got into text.
func furthest(pattern, text string) (bestP, bestT int) {
	p, t := 0, 0
	star, resume := -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, resume = p, t
			p++
			continue
		}
		if n, m, ok := likeOne(pattern[p:], text[t:]); ok {
			p += n
			t += m
			if t > bestT {
				bestP, bestT = p, t
			}
			continue
		}
		if star < 0 {
			break
		}
		_, width := utf8.DecodeRuneInString(text[resume:])
		resume += width
		p, t = star+1, resume
	}
	for bestP < len(pattern) && pattern[bestP] == '*' {
		bestP++ // what is missed is what stands behind the star
	}
	return runeStart(pattern, bestP), runeStart(text, bestT)
}

// runeStart moves an offset inside a character to its beginning: like compares
// bytes, and two characters may share their first.
func runeStart(s string, i int) int {
	for i > 0 && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}
