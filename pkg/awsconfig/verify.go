package awsconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// verify reads both states of a file in the three ways there are, and lets the
// new one pass when the sections of other profiles read the same and those of
// the changed ones exactly as asked.
func verify(before, after *File, changes []Change) error {
	iniBefore, ok := readLikeINI(before.data)
	iniAfter, okAfter := readLikeINI(after.data)
	if !ok {
		iniBefore, iniAfter, okAfter = readSectionsLikeINI(before), readSectionsLikeINI(after), true
	}
	if !okAfter {
		return errUnsafe{changes[0].Profile, "ini.v1", errors.New("it could not read the file")}
	}
	readers := []struct {
		name          string
		before, after []readSection
	}{
		{"the AWS CLI", before.read(), after.read()},
		{"the Go SDK", before.goSDK(), after.goSDK()},
		{"ini.v1", iniBefore, iniAfter},
	}
	for _, r := range readers {
		if err := compare(r.before, r.after, changes); err != nil {
			return errUnsafe{changes[0].Profile, r.name, err}
		}
	}
	for _, c := range changes {
		if _, err := after.find(c.Profile); err != nil {
			return errUnsafe{c.Profile, "one of the readers", err}
		}
	}
	return nil
}

// read returns the sections as the AWS CLI reads them, [DEFAULT] among them.
func (f *File) read() []readSection {
	read := make([]readSection, len(f.sections))
	for i, s := range f.sections {
		read[i] = readSection{name: s.header, values: map[string]string{}}
		for _, o := range s.options {
			read[i].values[o.key] = o.value
		}
	}
	return read
}

// compare works on lists because order counts: a later section wins over an
// earlier one in some readers.
func compare(before, after []readSection, changes []Change) error {
	want := slices.Clone(before)
	for _, c := range changes {
		i := slices.IndexFunc(want, func(s readSection) bool { return isProfile(s.name, c.Profile) })
		switch {
		case c.Remove && i >= 0:
			want = slices.Delete(want, i, i+1)
		case c.Remove, i < 0 && len(c.Set) == 0:
		case i < 0:
			want = append(want, readSection{name: c.header(), values: c.applied(nil)})
		default:
			want[i].values = c.applied(want[i].values)
		}
	}
	if len(want) != len(after) {
		return fmt.Errorf("it would see %d sections, not %d", len(after), len(want))
	}
	for i := range want {
		if want[i].name != after[i].name || !maps.Equal(want[i].values, after[i].values) {
			if isChanged(want[i].name, changes) {
				return fmt.Errorf("section [%s] would not read as asked", printable(want[i].name))
			}
			return fmt.Errorf("%w: [%s]", errOthers, printable(want[i].name))
		}
	}
	return nil
}

// applied returns what the profile's keys should be after the change.
func (c Change) applied(values map[string]string) map[string]string {
	applied := map[string]string{}
	for key, value := range values {
		if !slices.Contains(c.Drop, key) {
			applied[key] = value
		}
	}
	for _, s := range c.Set {
		applied[s.Key] = s.Value
	}
	return applied
}

// isProfile tells whether a header stands for the profile. Spellings that not
// every reader takes for it have been refused before (see find).
func isProfile(header, profile string) bool {
	if words := strings.Fields(header); len(words) == 2 && words[0] == "profile" {
		return words[1] == profile
	}
	return header == "default" && profile == "default"
}

func isChanged(header string, changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return isProfile(header, c.Profile) })
}
