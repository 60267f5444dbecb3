package awsconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitCommandSplitsAsBotocoreDoes(t *testing.T) {
	for goos, lines := range readGolden(t).Commands {
		for line, want := range lines {
			t.Run(goos+" "+line, func(t *testing.T) {
				got, err := SplitCommand(goos, line)
				if (err != nil) != (want == nil) {
					t.Fatalf("error %v, want words %q", err, want)
				}
				if want != nil && got == nil {
					got = []string{}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestCommandLine(t *testing.T) {
	tests := map[string]struct {
		goos string
		argv []string
		want string
		err  string
	}{
		"plain words stay plain": {
			goos: "linux", argv: []string{"/opt/bin/kubectl-irsa", "--context=kind-dev", "-n", "shop", "arn:aws:iam::111122223333:role/a+b,c@d_e"},
			want: "/opt/bin/kubectl-irsa --context=kind-dev -n shop arn:aws:iam::111122223333:role/a+b,c@d_e",
		},
		"a program in a directory with a space does not start with a quote": {
			goos: "darwin", argv: []string{"/Users/John Doe/bin/kubectl-irsa", "a b"},
			want: "/Users/John' Doe/bin/kubectl-irsa' 'a b'",
		},
		"a program that starts with an odd letter gets other quotes first": {
			goos: "linux", argv: []string{"$x", "$y"},
			want: `""'$x' '$y'`,
		},
		"a program with = is no assignment": {
			goos: "linux", argv: []string{"a=b"},
			want: "a'=b'",
		},
		"what looks like a comment is taken apart": {
			goos: "linux", argv: []string{"x", "a #b ;c", "#", ";"},
			want: "x 'a ''#b '';c' '#' ';'",
		},
		"an apostrophe changes quotes": {
			goos: "linux", argv: []string{"x", "it's"},
			want: `x 'it'"'"'s'`,
		},
		"an empty argument is two quotes": {
			goos: "linux", argv: []string{"x", "", "y"},
			want: "x '' y",
		},
		"a list of kubeconfigs is one argument": {
			goos: "linux", argv: []string{"x", "--kubeconfig", "/a:/b"},
			want: "x --kubeconfig /a:/b",
		},
		"Windows paths stay as they are": {
			goos: "windows", argv: []string{`C:\Users\me\.krew\bin\kubectl-irsa.exe`, "--kubeconfig", `C:\a;D:\b`, "--context", "arn:aws:eks:us-east-1:1:cluster/x", "--duration=1h"},
			want: `C:\Users\me\.krew\bin\kubectl-irsa.exe --kubeconfig C:\a;D:\b --context arn:aws:eks:us-east-1:1:cluster/x --duration=1h`,
		},
		"a short name stands for one with a blank": {
			goos: "windows", argv: []string{`C:\Users\ANNSMI~1\.krew\bin\kubectl-irsa.exe`, `--kubeconfig=C:\Users\ANNSMI~1\.kube\config`},
			want: `C:\Users\ANNSMI~1\.krew\bin\kubectl-irsa.exe --kubeconfig=C:\Users\ANNSMI~1\.kube\config`,
		},
		"no program": {
			goos: "linux", err: "joining a command line: there is no program to start",
		},
		"a newline": {
			goos: "linux", argv: []string{"x", "a\nb"},
			err: `joining a command line: argument 1 (a\nb): it holds a character that does not print`,
		},
		"bytes that are not UTF-8": {
			goos: "linux", argv: []string{"x", "a\xff"},
			err: `joining a command line: argument 1 (a\xff): it holds a character that does not print`,
		},
		"a backtick": {
			goos: "linux", argv: []string{"x", "y", "a`b"},
			err: "joining a command line: argument 2 (a`b): it holds a backtick, which tools built on ini.v1 take for a quote",
		},
		"a space on Windows": {
			goos: "windows", argv: []string{`C:\Program Files\x.exe`},
			err: `joining a command line: argument 0 (C:\\Program Files\\x.exe): it holds ' ', which needs quotes that cmd.exe does not pass on`,
		},
		"a variable on Windows": {
			goos: "windows", argv: []string{"x", "%PATH%"},
			err: `joining a command line: argument 1 (%PATH%): it holds '%', which needs quotes that cmd.exe does not pass on`,
		},
		"a slash in the program on Windows": {
			goos: "windows", argv: []string{"bin/x"},
			err: `joining a command line: argument 0 (bin/x): it holds '/', which needs quotes that cmd.exe does not pass on`,
		},
		"an empty argument on Windows": {
			goos: "windows", argv: []string{"x", ""},
			err: `joining a command line: argument 1 (): an empty argument needs quotes, which cmd.exe does not pass on`,
		},
		"a backslash at the end on Windows": {
			goos: "windows", argv: []string{"x", `C:\`},
			err: `joining a command line: argument 1 (C:\\): the last one ends with a backslash, which cmd.exe doubles`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := CommandLine(tc.goos, tc.argv)
			if (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if err != nil {
				return
			}
			checkCommandLine(t, tc.goos, tc.argv, got)
		})
	}
}

// checkCommandLine holds a value against what both readers make of it.
func checkCommandLine(t *testing.T, goos string, argv []string, line string) {
	t.Helper()
	words, err := SplitCommand(goos, line)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(argv, words); diff != "" {
		t.Errorf("botocore starts something else: %s", diff)
	}
	if _, value, _ := goSetting(cutComment("credential_process = " + line)); value != line {
		t.Errorf("the Go SDK reads %q instead of %q", value, line)
	}
	if strings.ContainsAny(line, "\n\r\x00`") {
		t.Errorf("%q does not fit into one line", line)
	}
}

// Properties: the result of CommandLine splits back into exactly its arguments,
// and the Go SDK reads it from the file as it was written.
func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{"/bin/x\x00a b\x00it's", "x\x00 #\x00 ;'", "'\x00'", `"` + "\x00" + `"`, "a=b\x00$HOME\x00~", `\` + "\x00" + `\\`, "\u00e9\x00\u65e5", "x\x00' #", "x\x00 '#'"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, joined string, windows bool) {
		goos := "linux"
		if windows {
			goos = "windows"
		}
		argv := strings.Split(joined, "\x00")
		line, err := CommandLine(goos, argv)
		if err != nil {
			return
		}
		checkCommandLine(t, goos, argv, line)
	})
}
