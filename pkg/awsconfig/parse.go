package awsconfig

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// SyntaxError says why the AWS CLI cannot read a configuration file, and where.
// It never holds a value of the file.
type SyntaxError struct {
	Path   string // empty when the bytes did not come from a file
	Line   int    // counted from 1
	Reason string // what is wrong, and what to do about it
}

// Error returns "the AWS CLI cannot read PATH: line N: reason".
func (e *SyntaxError) Error() string {
	path := e.Path
	if path == "" {
		path = "this file"
	}
	return fmt.Sprintf("the AWS CLI cannot read %s: line %d: %s", path, e.Line, e.Reason)
}

// textLine is a line as Python's text files have them: ended by \n, \r\n or \r.
type textLine struct {
	text, eol string
	offset    int // of its first byte
}

// rawOption is a key of a section with everything that belongs to its value.
type rawOption struct {
	key         string // lower case
	value       string // continuation lines joined with \n
	parts       []valuePart
	first, last int // the lines it takes, without blank lines behind it
}

type valuePart struct {
	text string
	line int
}

// rawSection is a section as RawConfigParser finds it. [DEFAULT] is one, too,
// and the only one that may appear more than once.
type rawSection struct {
	header  string // what stands between the brackets
	line    int    // index of the header line
	options []*rawOption
}

func (s *rawSection) option(key string) *rawOption {
	for _, o := range s.options {
		if o.key == key {
			return o
		}
	}
	return nil
}

// lastLine is the last line that belongs to the section for certain: that of
// its last key, or the header. Comments behind it may belong to the next one.
func (s *rawSection) lastLine() int {
	last := s.line
	for _, o := range s.options {
		last = max(last, o.last)
	}
	return last
}

// defaultHeader names the section whose keys RawConfigParser adds to every
// other section. The SDKs do not know it.
const defaultHeader = "DEFAULT"

// cliParser is the state of configparser.RawConfigParser._read (Python 3.11 to
// 3.14 agree for the options botocore uses) while it goes through the lines.
// https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
type cliParser struct {
	sections []*rawSection
	section  *rawSection
	option   *rawOption
	indent   int
	seen     map[string]int // section or section and key to line index
}

// splitLines cuts data into lines and refuses what no text file may hold.
func splitLines(data []byte) ([]textLine, *SyntaxError) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, &SyntaxError{Line: 1, Reason: "it starts with a byte order mark; save it as UTF-8 without one"}
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, &SyntaxError{Line: 1, Reason: "it is UTF-16; save it as UTF-8"}
	}
	var lines []textLine
	for rest, offset := string(data), 0; rest != ""; {
		end := strings.IndexAny(rest, "\r\n")
		line := textLine{text: rest, offset: offset}
		if end >= 0 {
			line.text, line.eol = rest[:end], rest[end:end+1]
			if strings.HasPrefix(rest[end:], "\r\n") {
				line.eol = "\r\n"
			}
		}
		lines = append(lines, line)
		length := len(line.text) + len(line.eol)
		rest, offset = rest[length:], offset+length
		if !utf8.ValidString(line.text) {
			return nil, &SyntaxError{Line: len(lines), Reason: "it holds bytes that are not UTF-8; save the file as UTF-8"}
		}
		if strings.ContainsRune(line.text, 0) {
			return nil, &SyntaxError{Line: len(lines), Reason: "it holds a NUL byte; remove it"}
		}
	}
	return lines, nil
}

// parseLines reads lines as the AWS CLI does, and stops at the first line that
// it would refuse the file for.
func parseLines(lines []textLine) ([]*rawSection, *SyntaxError) {
	p := cliParser{seen: map[string]int{}}
	for i, line := range lines {
		if err := p.line(i, line.text); err != nil {
			return nil, err
		}
	}
	for _, s := range p.sections {
		for _, o := range s.options {
			o.join()
			if err := o.checkNested(); err != nil && p.counts(s, o) {
				return nil, err
			}
		}
	}
	return p.sections, nil
}

// counts tells whether botocore looks at the key at all. It asks for a key of
// [DEFAULT] only on behalf of a section that does not set it.
func (p *cliParser) counts(s *rawSection, o *rawOption) bool {
	return s.header != defaultHeader || slices.ContainsFunc(p.sections, func(other *rawSection) bool {
		return other.header != defaultHeader && other.option(o.key) == nil
	})
}

func (p *cliParser) line(i int, text string) *SyntaxError {
	value := pyStrip(text)
	switch {
	case strings.HasPrefix(value, "#") || strings.HasPrefix(value, ";"):
		return nil
	case value == "":
		if p.option != nil {
			p.option.parts = append(p.option.parts, valuePart{"", i})
		}
		return nil
	}
	indent := pyIndent(text)
	if p.option != nil && indent > p.indent {
		p.option.parts = append(p.option.parts, valuePart{value, i})
		p.option.last = i
		return nil
	}
	p.indent = indent
	// The pattern is \[(.+)\]: greedy, and text behind the bracket is ignored.
	if end := strings.LastIndexByte(value, ']'); value[0] == '[' && end >= 2 {
		return p.header(i, value[1:end])
	}
	if p.section == nil {
		return &SyntaxError{Line: i + 1, Reason: "there is text before the first section; put a line such as [default] above it, or remove it"}
	}
	return p.key(i, value)
}

func (p *cliParser) header(i int, header string) *SyntaxError {
	if header != defaultHeader {
		if first, twice := p.seen["["+header]; twice {
			return &SyntaxError{Line: i + 1, Reason: fmt.Sprintf("section [%s] is defined twice (first on line %d); make one of the two", printable(header), first+1)}
		}
		p.seen["["+header] = i
	}
	p.section = &rawSection{header: header, line: i}
	p.sections = append(p.sections, p.section)
	p.option = nil
	return nil
}

func (p *cliParser) key(i int, value string) *SyntaxError {
	delimiter := strings.IndexAny(value, "=:")
	if delimiter < 0 {
		return &SyntaxError{Line: i + 1, Reason: "a key without a value; write KEY = VALUE, or put # before it"}
	}
	key := pyLower(pyStrip(value[:delimiter]))
	if key == "" {
		return &SyntaxError{Line: i + 1, Reason: "a value without a key; write KEY = VALUE, or put # before it"}
	}
	id := "=" + p.section.header + "\x00" + key
	if first, twice := p.seen[id]; twice {
		return &SyntaxError{Line: i + 1, Reason: fmt.Sprintf("%s is set twice in section [%s] (first on line %d); remove one of the two", keyName(key), printable(p.section.header), first+1)}
	}
	p.seen[id] = i
	p.option = &rawOption{key: key, first: i, last: i, parts: []valuePart{{pyStrip(value[delimiter+1:]), i}}}
	p.section.options = append(p.section.options, p.option)
	return nil
}

func (o *rawOption) join() {
	texts := make([]string, len(o.parts))
	for i, part := range o.parts {
		texts[i] = part.text
	}
	o.value = strings.TrimRightFunc(strings.Join(texts, "\n"), isPySpace)
}

// checkNested refuses what botocore's _parse_nested refuses: under a key with
// an empty value every line must be KEY = VALUE.
func (o *rawOption) checkNested() *SyntaxError {
	if !strings.HasPrefix(o.value, "\n") {
		return nil
	}
	for _, part := range o.parts {
		for _, line := range pySplitLines(part.text) {
			if pyStrip(line) != "" && !strings.Contains(line, "=") {
				return &SyntaxError{Line: part.line + 1, Reason: fmt.Sprintf("a line without = below %s; write KEY = VALUE", keyName(o.key))}
			}
		}
	}
	return nil
}

// keyName returns key for an error, unless it does not look like a key: a
// secret that lost its place must not end up in a message.
func keyName(key string) string {
	if len(key) > 64 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return "a key"
	}
	return key
}

// printable returns a section header for an error.
func printable(header string) string {
	const most = 100
	quoted := fmt.Sprintf("%q", header)
	quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	if len(quoted) > most {
		return quoted[:most] + "..."
	}
	return quoted
}
