package inject

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// extendFlow is extend for a mapping in braces. i is the index of the key, -1
// where the mapping has none.
func (s *splicer) extendFlow(mapping *yaml.Node, i int, key string, nodes []*yaml.Node, front bool) {
	if i < 0 {
		s.add(mapping, func(at string, wide bool) string {
			return quoted(key) + s.flow.colon + s.flow.text(sequence(nodes...), at, wide)
		}, false)
		return
	}
	list := mapping.Content[i+1]
	if list.Kind == yaml.SequenceNode && len(list.Content) > 0 {
		s.addFlow(list, nodes, front)
		return
	}
	start := s.offset(list)
	end := start + len(list.Value)
	if list.Kind == yaml.SequenceNode {
		end = s.closing(start) + 1
	}
	if end <= start { // a key without a value
		s.failed = true
		return
	}
	at, wide := s.layout(mapping)
	s.edits = append(s.edits, edit{start: start, end: end, text: s.flow.text(sequence(nodes...), at, wide)})
}

// addFlow adds elements to a list in brackets that has some.
func (s *splicer) addFlow(list *yaml.Node, nodes []*yaml.Node, front bool) {
	for _, n := range nodes {
		s.add(list, func(at string, wide bool) string { return s.flow.text(n, at, wide) }, front)
	}
}

// add puts one element at an end of a flow collection.
func (s *splicer) add(collection *yaml.Node, element func(at string, wide bool) string, front bool) {
	open := s.offset(collection)
	at, wide := s.layout(collection)
	end := s.closing(open)
	if end < 0 {
		s.failed = true
		return
	}
	between := s.flow.comma
	if wide {
		between = "," + s.flow.newline + at
	}
	if between == "" {
		between = ", "
	}
	last := s.content
	e := edit{start: last, end: last}
	switch {
	case front && len(collection.Content) > 0:
		first := len(s.text) - len(bytes.TrimLeft(s.text[open+1:], " \t\r\n"))
		e = edit{start: first, end: first, text: element(at, wide) + between}
	case len(collection.Content) == 0:
		e.text = element(at, wide)
	case s.text[last-1] == ',':
		e.text = strings.TrimPrefix(between, ",") + element(at, wide) + ","
	default:
		e.text = between + element(at, wide)
	}
	s.edits = append(s.edits, e)
}

// layout is how the elements of a flow collection are indented, and whether
// each has lines of its own.
func (s *splicer) layout(collection *yaml.Node) (at string, wide bool) {
	open := s.offset(collection)
	end := s.closing(open)
	if end < 0 {
		return "", false
	}
	rest := s.text[open+1 : end]
	if first := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n")); !bytes.ContainsRune(rest[:first], '\n') {
		return "", false
	}
	return s.indentOf(collection.Content[0].Line - 1), true
}

// closing is where the bracket or brace at open ends, -1 where it does not. It
// leaves in s.content where the last thing before that ends, comments aside.
func (s *splicer) closing(open int) int {
	depth := 0
	var before byte // the last character that is no blank
	for i := open; i < len(s.text); i++ {
		c, comment := s.text[i], false
		switch {
		case c == '"', c == '\'' && bytes.IndexByte([]byte("[{,:"), before) >= 0:
			if i = skipQuoted(s.text, i); i < 0 {
				return -1
			}
		case c == '#' && i > 0 && bytes.IndexByte([]byte(" \t\n"), s.text[i-1]) >= 0:
			comment = true
			for i+1 < len(s.text) && s.text[i+1] != '\n' {
				i++
			}
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
		if !comment && bytes.IndexByte([]byte(" \t\r\n"), c) < 0 {
			before, s.content = c, i+1
		}
	}
	return -1
}

// skipQuoted is where the string that begins at i ends, -1 where it does not.
func skipQuoted(text []byte, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i
		}
	}
	return -1
}
