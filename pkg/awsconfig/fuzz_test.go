package awsconfig

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
)

// Properties, for any file that the AWS CLI can read and any edit that is not
// refused: bytes outside our section come out as they went in, the same edit
// again changes nothing, and adding and removing a profile restores the bytes
// up to one final line end.
func FuzzEdit(f *testing.F) {
	for _, pattern := range []string{"testdata/corpus/*", "testdata/corners/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			data, err := readState(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data.data, "dev", "region", "x y", "output")
			f.Add(data.data, "default", "s3", "it's", "region")
			f.Add(data.data, "p.q", "region", "a#b", "s3")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, profile, key, value, drop string) {
		before, err := Parse(data)
		if err != nil {
			return
		}
		for _, change := range []Change{
			{Profile: profile, Set: []Setting{{key, value}}, Drop: []string{drop}},
			{Profile: profile, Set: []Setting{{"credential_process", "x -y"}, {key, value}}},
			{Profile: profile, Drop: []string{drop, key}},
			{Profile: profile, Remove: true},
		} {
			if key != drop {
				checkEdit(t, before, change)
			}
		}
	})
}

func checkEdit(t *testing.T, before *File, change Change) {
	t.Helper()
	data, err := before.Apply(change)
	if err != nil {
		return
	}
	after, err := Parse(data)
	if err != nil {
		t.Fatalf("%v\n%q\n%q", err, before.data, data)
	}
	if again, err := after.Apply(change); err != nil || !bytes.Equal(again, data) {
		t.Fatalf("the same edit again: %v\n%q\n%q\n%q", err, before.data, data, again)
	}
	was, err := before.find(change.Profile)
	if err != nil {
		t.Fatal(err)
	}
	now, err := after.find(change.Profile)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case was == nil && now == nil:
		if !bytes.Equal(data, before.data) {
			t.Fatalf("a file without the profile changed\n%q\n%q", before.data, data)
		}
	case now == nil:
		head, tail := before.around(was)
		if head = bytes.TrimSuffix(bytes.TrimSuffix(head, []byte("\n")), []byte("\r")); !bytes.HasPrefix(data, head) || !bytes.HasSuffix(data, tail) || len(data)-len(head)-len(tail) > 2 {
			t.Fatalf("more than the profile was removed\n%q\n%q", before.data, data)
		}
	case was == nil:
		if !bytes.HasPrefix(data, before.data) {
			t.Fatalf("bytes before the profile changed\n%q\n%q", before.data, data)
		}
		removed, err := after.Apply(Change{Profile: change.Profile, Remove: true})
		if err != nil || !sameUpToOneLineEnd(before.data, removed) {
			t.Fatalf("added and removed: %v\n%q\n%q\n%q", err, before.data, data, removed)
		}
	default:
		headWas, tailWas := before.around(was)
		headNow, tailNow := after.around(now) // longer when the last key was dropped
		if !bytes.Equal(headWas, headNow) || !bytes.HasSuffix(tailNow, tailWas) {
			t.Fatalf("bytes around the profile changed\n%q\n%q", before.data, data)
		}
	}
	checkValues(t, before, after, change)
}

// around returns the bytes before the header and after the last key's line. The
// line end of the last key is not ours, for it may be missing.
func (f *File) around(s *rawSection) (head, tail []byte) {
	tail = f.data[f.offset(s.lastLine()+1):]
	return f.data[:f.offset(s.line)], tail
}

// checkValues holds what the AWS CLI reads against what was asked for.
func checkValues(t *testing.T, before, after *File, change Change) {
	t.Helper()
	others := func(f *File) []Profile {
		profiles := slices.DeleteFunc(f.Profiles(), func(p Profile) bool { return p.Name == change.Profile })
		for i := range profiles {
			profiles[i].Line = 0
		}
		return profiles
	}
	if !slices.EqualFunc(others(before), others(after), func(a, b Profile) bool {
		return a.Name == b.Name && slices.Equal(a.Settings, b.Settings)
	}) {
		t.Fatalf("other profiles read differently\n%q\n%q", before.data, after.data)
	}
	profile, ok := after.Profile(change.Profile)
	if ok && change.Remove {
		t.Fatalf("the profile is still there\n%q", after.data)
	}
	for _, s := range change.Set {
		if value, _ := profile.Get(s.Key); value != s.Value {
			t.Fatalf("%s is %q, want %q\n%q", s.Key, value, s.Value, after.data)
		}
	}
}
