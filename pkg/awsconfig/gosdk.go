package awsconfig

import (
	"maps"
	"slices"
	"strings"
)

// readSection is a section in the eyes of one reader. Keys are lower case; a
// nested setting is part of its key's value.
type readSection struct {
	name    string
	headers []int // offsets of its header lines; only the Go SDK's reader fills it in
	values  map[string]string
}

// goParser reads a file as aws-sdk-go-v2's config package does: line by line,
// without an error for anything, inline comments cut off, an indented line a
// nested setting, a plain one or a continuation depending on the key above it.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
type goParser struct {
	sections []*goSection
	named    map[string]*goSection
	section  *goSection
	key      string
}

type goSection struct {
	name    string
	headers []int
	values  map[string]goValue
}

type goValue struct {
	text   string
	nested map[string]string
}

// readLikeGoSDK returns the sections in the order of their first header.
func readLikeGoSDK(data []byte) []readSection {
	p := goParser{named: map[string]*goSection{}}
	offset := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		p.line(line, offset)
		offset += len(line) + 1
	}
	read := make([]readSection, len(p.sections))
	for i, s := range p.sections {
		read[i] = readSection{name: s.name, headers: s.headers, values: map[string]string{}}
		for key, value := range s.values {
			text := value.text
			for _, sub := range slices.Sorted(maps.Keys(value.nested)) {
				text += "\n" + sub + "\x00" + value.nested[sub]
			}
			read[i].values[key] = text
		}
	}
	return read
}

func (p *goParser) line(line string, offset int) {
	bare := strings.TrimLeft(line, " \t")
	if strings.TrimSpace(line) == "" || bare[0] == '#' || bare[0] == ';' {
		return
	}
	if name, ok := goHeader(line); ok {
		p.header(name, offset)
		return
	}
	if p.section == nil || p.section.name == "" {
		return // no error: keys before the first section and below [] are skipped
	}
	if bare == line {
		if key, value, ok := goSetting(strings.TrimRight(cutComment(line), " \t")); ok {
			p.set(key, value)
		}
		return
	}
	current := p.section.values[p.key]
	key, value, ok := goSetting(bare)
	switch {
	case !ok && p.key != "" && current.text != "":
		current.text += "\n" + bare
		p.section.values[p.key] = current
	case !ok:
	case p.key == "" || current.text != "":
		p.set(key, strings.TrimSpace(cutComment(value)))
	default:
		if current.nested == nil {
			current.nested = map[string]string{}
		}
		current.nested[key] = value
		p.section.values[p.key] = current
	}
}

func (p *goParser) header(name string, offset int) {
	p.key = ""
	if p.section = p.named[name]; p.section == nil {
		p.section = &goSection{name: name, values: map[string]goValue{}}
		p.sections, p.named[name] = append(p.sections, p.section), p.section
	}
	p.section.headers = append(p.section.headers, offset)
}

func (p *goParser) set(key, value string) {
	p.key = key
	p.section.values[key] = goValue{text: value}
}

// goHeader returns "type name" of [type name], with one space, or "name".
func goHeader(line string) (string, bool) {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSpace(line)
	if len(line) < 2 || line[0] != '[' || line[len(line)-1] != ']' {
		return "", false
	}
	line = strings.TrimSpace(line[1 : len(line)-1])
	if i := strings.IndexAny(line, " \t"); i > 0 {
		return line[:i] + " " + strings.TrimLeft(line[i:], " \t"), true
	}
	return line, true
}

func cutComment(line string) string {
	for _, mark := range []string{" #", " ;", "\t#", "\t;"} {
		line, _, _ = strings.Cut(line, mark)
	}
	return line
}

func goSetting(line string) (key, value string, ok bool) {
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		return "", "", false
	}
	value = strings.TrimSpace(line[i+1:])
	if n := len(value); n > 1 && (value[0] == '\'' || value[0] == '"') && value[0] == value[n-1] {
		value = value[1 : n-1]
	}
	return strings.ToLower(strings.TrimSpace(line[:i])), value, true
}
