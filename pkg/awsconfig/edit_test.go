package awsconfig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEditTouchesOnlyTheLinesOfItsKeys(t *testing.T) {
	const touch = "[default]\n\n[profile p]\n# managed by me\nregion = us-east-1\nrole_session_name = hand-made   ; keep\ns3 =\n  addressing_style = path\noutput=json\n\n# of the next\n[profile next]\nregion : x\n"
	tests := map[string]struct {
		before string
		change Change
		after  string
	}{
		"an empty file becomes one section": {
			before: "",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}, {"output", "json"}}},
			after:  "[profile p]\nregion = x\noutput = json\n",
		},
		"the default profile has no prefix": {
			before: "",
			change: Change{Profile: "default", Set: []Setting{{"region", "x"}}},
			after:  "[default]\nregion = x\n",
		},
		"a new section follows one blank line": {
			before: "[default]\na = 1\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}}},
			after:  "[default]\na = 1\n\n[profile p]\nregion = x\n",
		},
		"a file without a last line end gets one": {
			before: "[default]\na = 1",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}}},
			after:  "[default]\na = 1\n\n[profile p]\nregion = x\n",
		},
		"line ends stay those of Windows": {
			before: "[default]\r\na = 1\r\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}}},
			after:  "[default]\r\na = 1\r\n\r\n[profile p]\r\nregion = x\r\n",
		},
		"a changed key keeps the line end of its line": {
			before: "[profile p]\r\nregion=x\r\noutput = json\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "y"}, {"output", "text"}}},
			after:  "[profile p]\r\nregion = y\r\noutput = text\n",
		},
		"an unchanged key keeps its spelling, its spaces and its case": {
			before: "[profile p]\nRegion   :   x\nkeep=1\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}}},
			after:  "[profile p]\nRegion   :   x\nkeep=1\n",
		},
		"a new key goes behind the last one and before the comment of the next section": {
			before: touch,
			change: Change{Profile: "p", Set: []Setting{{"region", "us-east-1"}, {"duration_seconds", "900"}}},
			after:  strings.Replace(touch, "output=json\n", "output=json\nduration_seconds = 900\n", 1),
		},
		"a dropped key takes its nested settings along": {
			before: touch,
			change: Change{Profile: "p", Drop: []string{"s3", "not_there"}},
			after:  strings.Replace(touch, "s3 =\n  addressing_style = path\n", "", 1),
		},
		"a plain value takes the place of a nested one": {
			before: touch,
			change: Change{Profile: "p", Set: []Setting{{"s3", "x"}}},
			after:  strings.Replace(touch, "s3 =\n  addressing_style = path\n", "s3 = x\n", 1),
		},
		"a removed profile leaves the comment of the next section": {
			before: touch,
			change: Change{Profile: "p", Remove: true},
			after:  "[default]\n\n# of the next\n[profile next]\nregion : x\n",
		},
		"the last key is replaced in a file without a last line end": {
			before: "[profile p]\nregion = x",
			change: Change{Profile: "p", Set: []Setting{{"region", "y"}, {"output", "json"}}},
			after:  "[profile p]\nregion = y\noutput = json\n",
		},
		"an empty section is filled": {
			before: "[profile p]\n\n[profile q]\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "y"}}},
			after:  "[profile p]\nregion = y\n\n[profile q]\n",
		},
		"indented keys get indented company": {
			before: "[profile p]\n  region = x\n  output = json\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "y"}, {"role_arn", "z"}}},
			after:  "[profile p]\n  region = y\n  output = json\n  role_arn = z\n",
		},
		"a profile with a dot does not inherit from the one before the dot": {
			before: "[profile a]\nregion = x\n",
			change: Change{Profile: "a.b", Set: []Setting{{"output", "json"}}},
			after:  "[profile a]\nregion = x\n\n[profile a.b]\noutput = json\n",
		},
		"keys of [DEFAULT] are not ours": {
			before: "[DEFAULT]\nregion = x\n",
			change: Change{Profile: "p", Set: []Setting{{"region", "x"}}, Drop: []string{"output"}},
			after:  "[DEFAULT]\nregion = x\n\n[profile p]\nregion = x\n",
		},
		"all keys are exchanged": {
			before: "[profile p]\na = 1\nb = 2\n# end\n",
			change: Change{Profile: "p", Set: []Setting{{"c", "3"}}, Drop: []string{"a", "b"}},
			after:  "[profile p]\nc = 3\n# end\n",
		},
		"a profile that is not there is removed without a trace": {
			before: "[profile pp]\na = 1\n",
			change: Change{Profile: "p", Remove: true},
			after:  "[profile pp]\na = 1\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			writeFile(t, path, []byte(tc.before))
			for _, round := range []string{"once", "twice"} {
				err := Edit(t.Context(), path, func(*File) ([]Change, error) { return []Change{tc.change}, nil })
				if err != nil {
					t.Fatalf("%s: %v", round, err)
				}
				if diff := cmp.Diff(tc.after, string(readFile(t, path))); diff != "" {
					t.Errorf("%s: %s", round, diff)
				}
			}
		})
	}
}

func TestEditRefusesWhatNotEveryReaderWouldUnderstand(t *testing.T) {
	const secret = "wJalrXUtnFEMI"
	set := Change{Profile: "dev", Set: []Setting{{"region", "x"}}}
	tests := map[string]struct {
		before string
		change Change
		want   string // of the error, %s being the path
	}{
		"a profile in two spellings": {
			before: "[profile dev]\na = 1\n[profile  dev]\nb = 2\n", change: set,
			want: "%s: profile dev is defined twice, by [profile dev] on line 1 and [profile  dev] on line 3; make one of the two",
		},
		"a default profile in two spellings": {
			before: "[default]\na = 1\n[profile default]\nb = 2\n", change: Change{Profile: "default", Remove: true},
			want: "%s: profile default is defined twice, by [default] on line 1 and [profile default] on line 3; make one of the two",
		},
		"a name in quotes": {
			before: "\n[profile \"dev\"]\na = 1\n", change: set,
			want: "%s: line 2: the AWS CLI and the AWS SDKs do not agree whether this is the header of profile dev; write it as [profile dev], not indented, without quotes, and once",
		},
		"a header that only the SDKs see": {
			before: "[ profile dev ]\na = 1\n", change: set,
			want: "%s: line 1: the AWS CLI and the AWS SDKs do not agree whether this is the header of profile dev; write it as [profile dev], not indented, without quotes, and once",
		},
		"an indented header below a key": {
			before: "[default]\na = 1\n [profile dev]\nb = 2\n", change: set,
			want: "%s: line 3: the AWS CLI and the AWS SDKs do not agree whether this is the header of profile dev; write it as [profile dev], not indented, without quotes, and once",
		},
		"a removal that would hang the next header on the value before": {
			before: "[profile a]\nx = " + secret + "\n[profile dev]\n  y = 1\n  [profile b]\n z = 1\n", change: Change{Profile: "dev", Remove: true},
			want: "changing profile dev is not safe in this file: afterwards the AWS CLI would misread it (it would see 1 sections, not 2); simplify the lines around the profile by hand",
		},
		"a key in the wrong place, which may be a secret": {
			before: "[default]\n" + secret + "/= = 1\n" + secret + "/= = 1\n", change: set,
			want: "the AWS CLI cannot read %s: line 3: a key is set twice in section [default] (first on line 2); remove one of the two",
		},
		"a name": {
			change: Change{Profile: "a b", Remove: true},
			want:   `profile name "a b": the AWS CLI and the SDKs both read a name of letters, digits and _ . @ : + - that starts with a letter or digit`,
		},
		"a value": {
			change: Change{Profile: "p", Set: []Setting{{"aws_secret_access_key", secret + "\n"}}},
			want:   "changing profile p: the value of aws_secret_access_key cannot be written: it holds a character that does not print, such as a line end or a tab",
		},
		"a key that is set and dropped": {
			change: Change{Profile: "p", Set: []Setting{{"a", "1"}}, Drop: []string{"a"}},
			want:   "changing profile p: a is named twice",
		},
		"a profile that is removed and changed": {
			change: Change{Profile: "p", Remove: true, Drop: []string{"a"}},
			want:   "changing profile p: it cannot be removed and changed at once",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			writeFile(t, path, []byte(tc.before))
			err := Edit(t.Context(), path, func(*File) ([]Change, error) { return []Change{tc.change}, nil })
			if err == nil {
				t.Fatalf("no error; the file is now %q", readFile(t, path))
			}
			if diff := cmp.Diff(strings.Replace(tc.want, "%s", path, 1), err.Error()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error shows a secret")
			}
			if diff := cmp.Diff(tc.before, string(readFile(t, path))); diff != "" {
				t.Errorf("the file was changed: %s", diff)
			}
		})
	}
}

func TestEditCreatesWhatIsMissingForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".aws")
	path := filepath.Join(dir, "config")
	if err := Edit(t.Context(), path, func(*File) ([]Change, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no change was asked for and the directory was created: %v", err)
	}
	if err := Edit(t.Context(), path, setProfile("p", Setting{"region", "x"})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"config"}, entries(t, dir)); diff != "" {
		t.Error(diff)
	}
	if runtime.GOOS == "windows" {
		return // modes are not what keeps others out
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s is %#o, want %#o", path, got, want)
		}
	}
}

func TestEditKeepsLinksAndModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need a right of their own on Windows")
	}
	tests := map[string]struct {
		content string // of the file behind the link; none when empty
		link    string
		mode    os.FileMode
	}{
		"a link to a file elsewhere":                {content: "[default]\n", link: "../dotfiles/aws", mode: 0o640},
		"a link to a link":                          {content: "[default]\n", link: "other", mode: 0o644},
		"a dangling link":                           {link: "../dotfiles/aws", mode: 0o600},
		"a link into a directory that is not there": {link: "../elsewhere/aws", mode: 0o600},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range []string{".aws", "dotfiles"} {
				if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			path, other := filepath.Join(root, ".aws/config"), filepath.Join(root, ".aws/other")
			for from, to := range map[string]string{path: tc.link, other: "../dotfiles/aws"} {
				if err := os.Symlink(to, from); err != nil {
					t.Fatal(err)
				}
			}
			target := filepath.Join(root, "dotfiles/aws")
			if strings.Contains(tc.link, "elsewhere") {
				target = filepath.Join(root, "elsewhere/aws")
			}
			want := "[profile p]\nregion = x\n"
			if tc.content != "" {
				writeFile(t, target, []byte(tc.content))
				if err := os.Chmod(target, tc.mode); err != nil {
					t.Fatal(err)
				}
				want = tc.content + "\n" + want
			}
			if err := Edit(t.Context(), path, setProfile("p", Setting{"region", "x"})); err != nil {
				t.Fatal(err)
			}
			if got, err := os.Readlink(path); got != tc.link {
				t.Errorf("the link is now %q, %v; want %q", got, err, tc.link)
			}
			if diff := cmp.Diff(want, string(readFile(t, target))); diff != "" {
				t.Error(diff)
			}
			if info, err := os.Stat(target); err != nil || info.Mode().Perm() != tc.mode {
				t.Errorf("%v, %v; want mode %#o", info.Mode(), err, tc.mode)
			}
			for dir, want := range map[string][]string{filepath.Dir(target): {"aws"}, filepath.Dir(path): {"config", "other"}} {
				if diff := cmp.Diff(want, entries(t, dir)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestEditReturnsWhatItsCallerSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, []byte("[default]\n"))
	unowned := errors.New("profile p is not ours")
	if err := Edit(t.Context(), path, func(*File) ([]Change, error) { return nil, unowned }); err != unowned { //nolint:errorlint // that very error
		t.Errorf("error %v, want %v", err, unowned)
	}
	if diff := cmp.Diff([]string{"config"}, entries(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
}

// AWS tools do not know our lock: what one of them writes between our reading
// and our replacing must not be lost.
func TestEditStartsAgainWhenAnotherProgramWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, []byte("[default]\na = 1\n"))
	asked := 0
	err := Edit(t.Context(), path, func(*File) ([]Change, error) {
		if asked++; asked == 1 {
			writeFile(t, path, []byte("[default]\na = 2\n"))
		}
		return setProfile("p", Setting{"region", "x"})(nil)
	})
	if err != nil || asked != 2 {
		t.Errorf("asked %d times, %v; want 2 and no error", asked, err)
	}
	if diff := cmp.Diff("[default]\na = 2\n\n[profile p]\nregion = x\n", string(readFile(t, path))); diff != "" {
		t.Error(diff)
	}
}

func TestEditGivesUpWaitingWhenTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err := Edit(t.Context(), path, func(*File) ([]Change, error) {
		return nil, Edit(ctx, path, setProfile("p", Setting{"region", "x"}))
	})
	want := "changing " + path + ": waiting for another login to finish with it: context deadline exceeded"
	if err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestEditSweepsWhatKilledRunsLeft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	for _, name := range []string{".config.kubectl-irsa-1234.tmp", ".config.kubectl-irsa.lock", ".config.swp", ".credentials.kubectl-irsa-1.tmp"} {
		writeFile(t, filepath.Join(dir, name), nil)
	}
	if err := Edit(t.Context(), path, setProfile("p", Setting{"region", "x"})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{".config.swp", ".credentials.kubectl-irsa-1.tmp", "config"}, entries(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// A file that is mounted cannot be renamed over; see also the test with a real
// mount.
func TestEditWritesInPlaceWhereTheFileIsAMount(t *testing.T) {
	tests := map[string]struct{ before, after string }{
		"a longer file":  {"[default]\na = 1\n", "[default]\na = 1\n\n[profile p]\nregion = x\n"},
		"a shorter file": {"[default]\na = 1\n\n[profile p]\nregion = xxxxxxxxx\noutput = json\n", "[default]\na = 1\n\n[profile p]\nregion = x\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			writeFile(t, path, []byte(tc.before))
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			err = editor{rename: func(string, string) error { return mountError }}.edit(t.Context(), path, func(*File) ([]Change, error) {
				return []Change{{Profile: "p", Set: []Setting{{"region", "x"}}, Drop: []string{"output"}}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.after, string(readFile(t, path))); diff != "" {
				t.Error(diff)
			}
			if now, err := os.Stat(path); err != nil || !os.SameFile(info, now) {
				t.Errorf("the file is another one now (%v)", err)
			}
			if diff := cmp.Diff([]string{"config"}, entries(t, filepath.Dir(path))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEditLeavesNothingWhenTheRenameFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	writeFile(t, path, []byte("[default]\n"))
	err := editor{rename: func(string, string) error { return os.ErrPermission }}.edit(t.Context(), path, setProfile("p", Setting{"region", "x"}))
	want := "changing " + path + ": permission denied; the directory " + filepath.Dir(path) + " must be writable for you, because the file is replaced as a whole"
	want = strings.ReplaceAll(want, "permission denied", os.ErrPermission.Error())
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{"config"}, entries(t, filepath.Dir(path))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("[default]\n", string(readFile(t, path))); diff != "" {
		t.Error(diff)
	}
}
