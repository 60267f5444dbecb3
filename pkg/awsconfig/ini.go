package awsconfig

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/ini.v1"
)

// iniOptions make ini.v1 take values as they stand. They do not make it write a
// file back without loss (nothing does), which is why it renders only what is
// new. A "." in a section's name would otherwise inherit keys from the section
// named by what is before it.
var iniOptions = ini.LoadOptions{
	IgnoreInlineComment:     true,
	IgnoreContinuation:      true,
	PreserveSurroundedQuote: true,
	AllowNestedValues:       true,
	AllowBooleanKeys:        true,
	AllowNonUniqueSections:  true,
	ChildSectionDelimiter:   "\x00",
}

// ini.v1 has its format in variables of the process; no other package uses it.
// LineBreak would be \r\n on Windows, where the file's own line ends count.
func init() {
	ini.PrettyFormat = false
	ini.PrettyEqual = true
	ini.PrettySection = false
	ini.LineBreak = "\n"
}

// renderSection returns the header line and one line for each setting, without
// line ends.
func renderSection(header string, settings []Setting) ([]string, error) {
	file := ini.Empty(iniOptions)
	section, err := file.NewSection(header)
	if err != nil {
		return nil, fmt.Errorf("rendering section [%s]: %w", header, err)
	}
	for _, s := range settings {
		if _, err := section.NewKey(s.Key, s.Value); err != nil {
			return nil, fmt.Errorf("rendering %s: %w", s.Key, err)
		}
	}
	var out bytes.Buffer
	if _, err := file.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("rendering section [%s]: %w", header, err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 1+len(settings) {
		return nil, fmt.Errorf("rendering section [%s]: %d lines for %d settings", header, len(lines), len(settings))
	}
	return lines, nil
}

// readLikeINI returns what ini.v1 reads, or that it cannot read the file.
func readLikeINI(data []byte) ([]readSection, bool) {
	file, err := ini.LoadSources(iniOptions, data)
	if err != nil {
		return nil, false
	}
	var read []readSection
	for _, s := range file.Sections() {
		section := readSection{name: s.Name(), values: map[string]string{}}
		for _, key := range s.Keys() {
			text := key.Value()
			for _, nested := range key.NestedValues() {
				text += "\n" + nested
			}
			section.values[strings.ToLower(key.Name())] = text
		}
		read = append(read, section)
	}
	return read, true
}

// readSectionsLikeINI is for files that ini.v1 cannot read as a whole: it reads
// each section alone, and takes one it cannot read as a block of bytes.
func readSectionsLikeINI(f *File) []readSection {
	var read []readSection
	for i, s := range f.sections {
		end := len(f.data)
		if i+1 < len(f.sections) {
			end = f.lines[f.sections[i+1].line].offset
		}
		text := f.data[f.lines[s.line].offset:end]
		section := readSection{name: s.header, values: map[string]string{"": string(text)}}
		if alone, ok := readLikeINI(text); ok && len(alone) == 2 && alone[1].name == s.header {
			section = alone[1]
		}
		read = append(read, section)
	}
	return read
}
