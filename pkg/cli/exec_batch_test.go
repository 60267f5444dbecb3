package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestABatchFileGetsItsArguments(t *testing.T) {
	const begin = `"C:\Windows\System32\cmd.exe" /e:on /v:off /d /c ""C:\Program Files\aws.cmd"`
	tests := map[string]struct {
		args []string
		want string
	}{
		"none":                                      {nil, begin + `"`},
		"words, blanks and nothing":                 {[]string{"s3", "a b", ""}, begin + ` "s3" "a b" """`},
		"what cmd would take for a command":         {[]string{"a&calc", "b|c>d<e^f", "(g)", "!h!"}, begin + ` "a&calc" "b|c>d<e^f" "(g)" "!h!""`},
		"a quote, which would let a command out":    {[]string{`a" & calc & "`}, begin + ` "a"" & calc & """"`},
		"backslashes before a quote and at the end": {[]string{`a\"b`, `c\d\`, `\\`}, begin + ` "a\\""b" "c\d\\" "\\\\""`},
		"a variable, which stays unexpanded":        {[]string{"%PATH%", "100%"}, begin + ` "%%cd:~,%PATH%%cd:~,%" "100%%cd:~,%""`},
		"JSON, as the AWS CLI is given it":          {[]string{`{"a":"b"}`}, begin + ` "{""a"":""b""}""`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := batchLine(`C:\Windows\System32\cmd.exe`, `C:\Program Files\aws.cmd`, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, end := range []string{"a\nb", "a\rb", "a\x00b"} {
		if line, err := batchLine("cmd.exe", "x.bat", []string{end}); err == nil {
			t.Errorf("%q became %s", end, line)
		}
	}
}

func TestIsBatch(t *testing.T) {
	for path, want := range map[string]bool{`x\aws.cmd`: true, "X.BAT": true, "aws.exe": false, "cmd": false, "x.cmd.exe": false} {
		if got := isBatch(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
