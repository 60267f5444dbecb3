package inject

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// splicer adds to the text of one document. It trusts the positions that the
// parser gives and the usual layout; whoever calls it reads the outcome again.
type splicer struct {
	text    []byte
	starts  []int // where each line begins
	block   block
	flow    flow
	edits   []edit
	failed  bool
	content int // left by closing
}

// edit puts text in place of text[start:end]. Of two at one place, what belongs
// deeper comes first.
type edit struct {
	start, end int
	text       string
	depth      int
}

func newSplicer(text []byte, root *yaml.Node) *splicer {
	s := &splicer{text: text, starts: []int{0}, block: block{step: 2, dash: 0, newline: "\n"}}
	for i, c := range text {
		if c == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	if bytes.Contains(text, []byte("\r\n")) {
		s.block.newline = "\r\n"
	}
	s.flow = flow{indent: "  ", newline: s.block.newline, comma: ", ", colon: ": "}
	if !bytes.Contains(text, []byte(`": `)) && bytes.Contains(text, []byte(`":`)) {
		s.flow.comma, s.flow.colon = ",", ":"
	}
	if len(root.Content) > 0 {
		s.measure(root.Content[0])
	}
	return s
}

// measure finds out how far this document indents.
func (s *splicer) measure(top *yaml.Node) {
	if top.Kind != yaml.MappingNode || len(top.Content) == 0 {
		return
	}
	if top.Style&yaml.FlowStyle != 0 {
		if first := top.Content[0]; first.Line > top.Line {
			s.flow.indent = s.indentOf(first.Line - 1)
		}
		return
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		if key, value := top.Content[i], top.Content[i+1]; value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle == 0 && value.Line > key.Line {
			s.block.step = max(1, value.Column-key.Column)
			return
		}
	}
}

func (s *splicer) indentOf(line int) string {
	text := s.line(line)
	return string(text[:len(text)-len(bytes.TrimLeft(text, " \t"))])
}

// line is a line of the text without its end; the first is 0.
func (s *splicer) line(i int) []byte {
	end := len(s.text)
	if i+1 < len(s.starts) {
		end = s.starts[i+1]
	}
	return bytes.TrimRight(s.text[s.starts[i]:end], "\r\n")
}

// offset is where a node begins. The parser counts characters.
func (s *splicer) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.starts) {
		s.failed = true
		return 0
	}
	at := s.starts[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return min(at, len(s.text))
}

func (s *splicer) splice(all []additions) ([]byte, bool) {
	for _, a := range all {
		s.dashOf(a.spec)
		for _, l := range a.containers {
			if len(l.env) > 0 {
				s.extend(l.container, "env", envNodes(l.env), false)
			}
			if l.mount {
				s.extend(l.container, "volumeMounts", []*yaml.Node{mountNode()}, false)
			}
		}
		if a.volume != nil {
			s.extend(a.spec, "volumes", []*yaml.Node{volumeNode(*a.volume)}, true)
		}
	}
	if s.failed {
		return nil, false
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.depth - a.depth
	})
	var out []byte
	last := 0
	for _, e := range s.edits {
		if e.start < last {
			return nil, false
		}
		out = append(append(out, s.text[last:e.start]...), e.text...)
		last = e.end
	}
	return append(out, s.text[last:]...), true
}

// dashOf takes over how far a pod's own lists are indented.
func (s *splicer) dashOf(spec *yaml.Node) {
	key, i := find(spec, "containers")
	if i >= 0 && spec.Content[i+1].Style&yaml.FlowStyle == 0 && len(spec.Content[i+1].Content) > 0 && spec.Style&yaml.FlowStyle == 0 {
		s.block.dash = max(0, spec.Content[i+1].Column-key.Column)
	}
}

// extend adds nodes to the list under a key of a mapping, or makes the list.
func (s *splicer) extend(mapping *yaml.Node, key string, nodes []*yaml.Node, front bool) {
	keyNode, i := find(mapping, key)
	if mapping.Style&yaml.FlowStyle != 0 || len(mapping.Content) == 0 {
		s.extendFlow(mapping, i, key, nodes, front)
		return
	}
	if i < 0 {
		column := mapping.Content[0].Column - 1
		lines := s.block.mapping(pairs(str(key), sequence(nodes...)), column)
		s.insertAfter(s.lastLine(mapping.Content[len(mapping.Content)-2], column, false), lines, 2*column)
		return
	}
	list := mapping.Content[i+1]
	switch {
	case list.Kind == yaml.ScalarNode || list.Kind == yaml.SequenceNode && len(list.Content) == 0:
		s.fill(keyNode, list, nodes)
	case list.Style&yaml.FlowStyle != 0:
		s.addFlow(list, nodes, front)
	case front:
		s.insertAfter(keyNode.Line-1, s.block.sequence(nodes, list.Column-1), 2*list.Column+1)
	default:
		column := list.Column - 1
		s.insertAfter(s.lastLine(list.Content[len(list.Content)-1], column, true), s.block.sequence(nodes, column), 2*column+1)
	}
}

// fill puts a list where a key has none: nothing, null or [].
func (s *splicer) fill(key, value *yaml.Node, nodes []*yaml.Node) {
	start := s.offset(value)
	end := start + len(value.Value)
	if value.Kind == yaml.SequenceNode {
		if end = s.closing(start) + 1; end <= 0 {
			s.failed = true
			return
		}
	}
	if end > start {
		for start > 0 && s.text[start-1] == ' ' {
			start--
		}
		s.edits = append(s.edits, edit{start: start, end: end})
	}
	s.insertAfter(key.Line-1, s.block.sequence(nodes, key.Column-1+s.block.dash), 2*key.Column+1)
}

// insertAfter puts lines after a line.
func (s *splicer) insertAfter(line int, lines []string, depth int) {
	if line+1 < len(s.starts) {
		at := s.starts[line+1]
		s.edits = append(s.edits, edit{at, at, strings.Join(lines, s.block.newline) + s.block.newline, depth})
		return
	}
	at := len(s.text) // the last line has no end, and gets none
	s.edits = append(s.edits, edit{at, at, s.block.newline + strings.Join(lines, s.block.newline), depth})
}

// lastLine is the last line of a block collection whose last key or element is
// last, and whose keys or dashes stand at a column.
func (s *splicer) lastLine(last *yaml.Node, column int, list bool) int {
	found := last.Line - 1
	for i := found + 1; i < len(s.starts); i++ {
		text := s.line(i)
		bare := bytes.TrimLeft(text, " ")
		if len(bytes.TrimSpace(bare)) == 0 {
			continue
		}
		indent, comment := len(text)-len(bare), bare[0] == '#'
		inside := indent > column || indent == column && (!list || bytes.HasPrefix(bare, []byte("- ")) || string(bare) == "-")
		if indent == 0 && column == 0 && (separates(text) || bytes.HasPrefix(text, []byte("..."))) {
			inside = false
		}
		switch {
		case inside && !(comment && list && indent == column):
			found = i
		case !comment:
			return found
		}
	}
	return found
}
