package inject

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// block writes nodes as YAML in block style.
type block struct {
	step, dash int // columns that a mapping, and the dashes of a list, stand in
	newline    string
}

// mapping are the lines of a mapping at a column.
func (s block) mapping(n *yaml.Node, column int) []string {
	var lines []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		line, value := strings.Repeat(" ", column)+plain(n.Content[i])+":", n.Content[i+1]
		switch value.Kind {
		case yaml.MappingNode:
			lines = append(append(lines, line), s.mapping(value, column+s.step)...)
		case yaml.SequenceNode:
			lines = append(append(lines, line), s.sequence(value.Content, column+s.dash)...)
		default:
			lines = append(lines, line+" "+plain(value))
		}
	}
	return lines
}

// sequence are the lines of a list of mappings whose dashes stand at a column.
func (s block) sequence(items []*yaml.Node, column int) []string {
	var lines []string
	for _, item := range items {
		own := s.mapping(item, column+2)
		own[0] = own[0][:column] + "- " + own[0][column+2:]
		lines = append(lines, own...)
	}
	return lines
}

// plain is a scalar without quotes where every reader takes it for the same.
func plain(n *yaml.Node) string {
	if n.ShortTag() != "!!str" || isPlain(n.Value) {
		return n.Value
	}
	return quoted(n.Value)
}

// isPlain knows ARNs, names, URLs and paths, and nothing that might be a number,
// a date or a truth: these begin with no letter or are listed.
func isPlain(s string) bool {
	if s == "" || strings.HasSuffix(s, ":") || strings.Contains(s, ": ") {
		return false
	}
	first := s[0]
	if !(first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z' || first == '/') {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:+=,@-") == ""
}

// quoted is a string in double quotes: what JSON writes, YAML reads as well.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// flow writes nodes as JSON, which is YAML in flow style too.
type flow struct {
	indent, newline string
	comma, colon    string // between elements of one line; after a key
}

// write writes a node whose own line is indented so; wide spreads it over lines.
func (f flow) write(b *strings.Builder, n *yaml.Node, at string, wide bool) {
	open, closing := "{", "}"
	switch n.Kind {
	case yaml.SequenceNode:
		open, closing = "[", "]"
	case yaml.MappingNode:
	default:
		if n.ShortTag() == "!!str" {
			b.WriteString(quoted(n.Value))
		} else {
			b.WriteString(n.Value)
		}
		return
	}
	b.WriteString(open)
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i < len(n.Content); i += step {
		switch {
		case wide && i > 0:
			b.WriteString("," + f.newline + at + f.indent)
		case wide:
			b.WriteString(f.newline + at + f.indent)
		case i > 0:
			b.WriteString(f.comma)
		}
		if step == 2 {
			b.WriteString(quoted(n.Content[i].Value) + f.colon)
		}
		f.write(b, n.Content[i+step-1], at+f.indent, wide)
	}
	if wide && len(n.Content) > 0 {
		b.WriteString(f.newline + at)
	}
	b.WriteString(closing)
}

func (f flow) text(n *yaml.Node, at string, wide bool) string {
	var b strings.Builder
	f.write(&b, n, at, wide)
	return b.String()
}
