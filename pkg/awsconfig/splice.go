package awsconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check refuses a change that could not be written so that every reader agrees.
func (c Change) check() error {
	if err := CheckName(c.Profile); err != nil {
		return err
	}
	if c.Remove && len(c.Set)+len(c.Drop) > 0 {
		return fmt.Errorf("changing profile %s: it cannot be removed and changed at once", c.Profile)
	}
	keys := map[string]bool{}
	for _, s := range c.Set {
		if err := CheckValue(s.Key, s.Value); err != nil {
			return fmt.Errorf("changing profile %s: %w", c.Profile, err)
		}
		if keys[s.Key] || slices.Contains(c.Drop, s.Key) {
			return fmt.Errorf("changing profile %s: %s is named twice", c.Profile, s.Key)
		}
		keys[s.Key] = true
	}
	return nil
}

// header is how the section of a new profile starts.
func (c Change) header() string {
	if c.Profile == "default" {
		return "default"
	}
	return "profile " + c.Profile
}

// find returns the section of the profile, or nil when no reader knows one. It
// refuses a profile with two sections, in whatever spelling, and one that only
// some of the readers see.
func (f *File) find(profile string) (*rawSection, error) {
	var found []*rawSection
	var cli, sdk []int
	for _, s := range f.sections {
		if name, ok := profileName(s.header); ok && name == profile {
			found = append(found, s)
			cli = append(cli, f.lines[s.line].offset)
		}
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("%s: profile %s is defined twice, by [%s] on line %d and [%s] on line %d; make one of the two",
			f.name(), profile, printable(found[0].header), found[0].line+1, printable(found[1].header), found[1].line+1)
	}
	for _, s := range f.goSDK() {
		if s.name == "profile "+profile || s.name == profile && profile == "default" {
			sdk = append(sdk, s.headers...)
		}
	}
	if !slices.Equal(cli, sdk) {
		return nil, fmt.Errorf("%s: line %d: the AWS CLI and the AWS SDKs do not agree whether this is the header of profile %s; write it as [%s], not indented, without quotes, and once",
			f.name(), f.lineAt(firstDifference(cli, sdk)), profile, Change{Profile: profile}.header())
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

func firstDifference(a, b []int) int {
	for _, offset := range a {
		if !slices.Contains(b, offset) {
			return offset
		}
	}
	for _, offset := range b {
		if !slices.Contains(a, offset) {
			return offset
		}
	}
	return 0
}

func (f *File) lineAt(offset int) int {
	n := 0
	for n < len(f.lines) && f.lines[n].offset <= offset {
		n++
	}
	return n
}

func (f *File) name() string {
	if f.path == "" {
		return "the AWS configuration"
	}
	return f.path
}

// splice returns the bytes of f after the change. It touches the lines of the
// profile's section, and the blank line before it when the section comes or
// goes.
func splice(f *File, c Change) ([]byte, error) {
	section, err := f.find(c.Profile)
	if err != nil {
		return nil, err
	}
	if section == nil && (c.Remove || len(c.Set) == 0) {
		return f.data, nil
	}
	if section == nil {
		return f.append(c)
	}
	if c.Remove {
		return f.remove(section), nil
	}
	return f.rewrite(section, c)
}

// append puts a new section at the end, behind one blank line.
func (f *File) append(c Change) ([]byte, error) {
	lines, err := renderSection(c.header(), c.Set)
	if err != nil {
		return nil, err
	}
	eol := f.eol()
	out := slices.Clone(f.data)
	if len(f.lines) > 0 {
		if f.lines[len(f.lines)-1].eol == "" {
			out = append(out, eol...)
		}
		out = append(out, eol...)
	}
	for _, line := range lines {
		out = append(append(out, line...), eol...)
	}
	return out, nil
}

// remove takes the section out from its header to its last key, and the blank
// line that append put before it. Comments behind the last key stay: they may
// belong to what follows.
func (f *File) remove(s *rawSection) []byte {
	first, end := s.line, s.lastLine()+1
	if first > 0 && f.lines[first-1].text == "" {
		first--
	}
	return slices.Concat(f.data[:f.lines[first].offset], f.data[f.offset(end):])
}

// rewrite changes the lines of keys whose value differs, removes those of
// dropped keys, and puts new keys behind the last one.
func (f *File) rewrite(s *rawSection, c Change) ([]byte, error) {
	lines, err := renderSection(s.header, c.Set)
	if err != nil {
		return nil, err
	}
	rendered := map[string]string{}
	for i, set := range c.Set {
		rendered[set.Key] = lines[i+1]
	}
	var out strings.Builder
	out.Write(f.data[:f.offset(s.line+1)])
	next, indent := s.line+1, ""
	for _, o := range s.options {
		keep := !slices.Contains(c.Drop, o.key)
		line, set := rendered[o.key]
		delete(rendered, o.key)
		if keep {
			indent = f.indent(o.first)
		}
		if keep && (!set || slices.Contains(c.Set, Setting{o.key, o.value})) {
			continue
		}
		out.Write(f.data[f.offset(next):f.offset(o.first)])
		if keep {
			out.WriteString(indent + line + f.lines[o.last].eol)
		}
		next = o.last + 1
	}
	end := s.lastLine() + 1
	out.Write(f.data[f.offset(next):f.offset(end)])
	for _, set := range c.Set {
		line, missing := rendered[set.Key]
		if !missing {
			continue
		}
		if text := out.String(); !strings.HasSuffix(text, "\n") && !strings.HasSuffix(text, "\r") {
			out.WriteString(f.eol())
		}
		out.WriteString(indent + line + f.eol())
	}
	out.Write(f.data[f.offset(end):])
	return []byte(out.String()), nil
}

// offset of the first byte of line i, or of the end of the file.
func (f *File) offset(i int) int {
	if i >= len(f.lines) {
		return len(f.data)
	}
	return f.lines[i].offset
}

// indent is the white space that line i starts with. A key that is indented
// more than the one above it would be read as part of that one's value.
func (f *File) indent(i int) string {
	text := f.lines[i].text
	return text[:len(text)-len(strings.TrimLeftFunc(text, isPySpace))]
}

// eol is the line end of most lines.
func (f *File) eol() string {
	crlf := 0
	for _, line := range f.lines {
		if line.eol == "\r\n" {
			crlf++
		}
	}
	if 2*crlf > len(f.lines) {
		return "\r\n"
	}
	return "\n"
}

// edited returns the file after the changes, verified.
func edited(before *File, changes []Change) ([]byte, error) {
	names := map[string]bool{}
	after := before
	for _, c := range changes {
		if err := c.check(); err != nil {
			return nil, err
		}
		if names[c.Profile] {
			return nil, fmt.Errorf("changing profile %s: it is named twice", c.Profile)
		}
		names[c.Profile] = true
		data, err := splice(after, c)
		if err != nil {
			return nil, err
		}
		if after, err = parse(before.path, data); err != nil {
			return nil, errUnsafe{c.Profile, "the AWS CLI", err}
		}
	}
	if err := verify(before, after, changes); err != nil {
		return nil, err
	}
	return after.data, nil
}

// errUnsafe says that a reader would not see the change and nothing else.
type errUnsafe struct {
	profile, reader string
	cause           error
}

func (e errUnsafe) Error() string {
	return fmt.Sprintf("changing profile %s is not safe in this file: afterwards %s would misread it (%v); simplify the lines around the profile by hand", e.profile, e.reader, e.cause)
}

func (e errUnsafe) Unwrap() error { return e.cause }

var errOthers = errors.New("another section would change")
