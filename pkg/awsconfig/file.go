package awsconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// File is a configuration file as the AWS CLI reads it. It is a snapshot and
// never changes.
type File struct {
	path     string
	data     []byte
	lines    []textLine
	sections []*rawSection
	defaults []*rawOption         // the keys of [DEFAULT]
	goSDK    func() []readSection // how the Go SDK reads it, found out once
}

// Setting is a key, in lower case, and its value.
type Setting struct{ Key, Value string }

// Profile is a section and what the AWS CLI finds in it. Keys of [DEFAULT],
// which the CLI adds to every section and the SDKs ignore, come last.
type Profile struct {
	Name     string
	Settings []Setting
	Line     int // of the header, counted from 1
}

// Get returns the value of key (lower case), and whether it is set. The value
// of a key with nested settings starts with a newline; see [Profile.Nested].
func (p Profile) Get(key string) (string, bool) {
	for _, s := range p.Settings {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}

// Nested returns the settings that stand indented below key, as in
//
//	[services local]
//	sts =
//	  endpoint_url = http://127.0.0.1:4567
//
// and nothing when key has a plain value or is not set.
// Sub-keys keep their case, as they do in botocore.
func (p Profile) Nested(key string) []Setting {
	value, _ := p.Get(key)
	if !strings.HasPrefix(value, "\n") {
		return nil
	}
	var nested []Setting
	for _, line := range pySplitLines(value) {
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		set := Setting{pyStrip(k), pyStrip(v)}
		if i := slices.IndexFunc(nested, func(s Setting) bool { return s.Key == set.Key }); i >= 0 {
			nested[i] = set // the last one counts
		} else {
			nested = append(nested, set)
		}
	}
	return nested
}

// Parse reads data as the AWS CLI does. Its error is a [*SyntaxError].
func Parse(data []byte) (*File, error) { return parse("", data) }

// Read is [Parse] of the file at path. A file that does not exist is empty.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*File, error) {
	lines, problem := splitLines(data)
	var sections []*rawSection
	if problem == nil {
		sections, problem = parseLines(lines)
	}
	if problem != nil {
		problem.Path = path
		return nil, problem
	}
	f := &File{path: path, data: data, lines: lines, sections: sections}
	f.goSDK = sync.OnceValue(func() []readSection { return readLikeGoSDK(data) })
	for _, s := range sections {
		if s.header == defaultHeader {
			f.defaults = append(f.defaults, s.options...)
		}
	}
	return f, nil
}

// Profiles returns the profiles in the order of the file; [default] is the
// profile "default". Where several sections give one profile (as [default] and
// [profile default] do), it is the last of them, which is the one that counts.
func (f *File) Profiles() []Profile {
	var profiles []Profile
	last := map[string]int{}
	for _, s := range f.sections {
		name, ok := profileName(s.header)
		if !ok {
			continue
		}
		p := f.settings(name, s)
		if i, twice := last[name]; twice {
			profiles[i] = p
			continue
		}
		last[name] = len(profiles)
		profiles = append(profiles, p)
	}
	return profiles
}

// Profile returns the profile called name, and whether there is one.
func (f *File) Profile(name string) (Profile, bool) {
	var found *rawSection
	for _, s := range f.sections {
		if read, ok := profileName(s.header); ok && read == name {
			found = s
		}
	}
	if found == nil {
		return Profile{}, false
	}
	return f.settings(name, found), true
}

// Section returns the section [kind name], such as [services local] or
// [sso-session corp]. With an empty kind it is [name], as the sections of
// ~/.aws/credentials are.
func (f *File) Section(kind, name string) (Profile, bool) {
	found, ok := Profile{}, false
	for _, s := range f.sections {
		if s.header == defaultHeader {
			continue
		}
		if kind == "" {
			if s.header == name {
				return f.settings(name, s), true
			}
			continue
		}
		if words, err := splitPOSIX(s.header); err == nil && len(words) == 2 && words[0] == kind && words[1] == name {
			found, ok = f.settings(name, s), true
		}
	}
	return found, ok
}

// Bare returns the names of the sections as they stand, in the order of the
// file: those of ~/.aws/credentials are its profiles.
func (f *File) Bare() []string {
	var names []string
	for _, s := range f.sections {
		if s.header != defaultHeader {
			names = append(names, s.header)
		}
	}
	return names
}

// settings returns the keys of s, then those of [DEFAULT] that it does not set.
func (f *File) settings(name string, s *rawSection) Profile {
	p := Profile{Name: name, Line: s.line + 1}
	for _, o := range s.options {
		p.Settings = append(p.Settings, Setting{o.key, o.value})
	}
	for _, o := range f.defaults {
		if s.option(o.key) == nil {
			p.Settings = append(p.Settings, Setting{o.key, o.value})
		}
	}
	return p
}

// profileName returns the profile that botocore reads the section as
// (botocore/configloader.py, build_profile_map).
func profileName(header string) (string, bool) {
	if header == "default" {
		return header, true
	}
	if !strings.HasPrefix(header, "profile") {
		return "", false
	}
	words, err := splitPOSIX(header)
	if err != nil || len(words) != 2 {
		return "", false
	}
	return words[1], true
}
