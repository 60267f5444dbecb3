package cli

import (
	"fmt"
	"path/filepath"
	"strings"
)

// isBatch reports whether Windows has cmd.exe run a file. pip installs the AWS CLI
// as aws.cmd.
func isBatch(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".bat" || extension == ".cmd"
}

// batchLine is the command line by which cmd.exe, at interpreter, runs a batch file
// with exactly these arguments. cmd.exe reads the line before the batch file does, by
// rules of its own, and an argument must not become a command of it:
// https://learn.microsoft.com/windows-server/administration/windows-commands/cmd.
// A line's end has no form there.
func batchLine(interpreter, path string, args []string) (string, error) {
	var b strings.Builder
	// /e:on for what batchWord writes, /v:off against exclamation marks, /d against
	// commands of the registry. /c takes the outermost quotes away.
	b.WriteString(batchWord(interpreter) + ` /e:on /v:off /d /c "` + batchWord(path))
	for _, arg := range args {
		if strings.ContainsAny(arg, "\r\n\x00") {
			return "", fmt.Errorf("the argument %q has a line's end in it, which no batch file can be given", arg)
		}
		b.WriteString(" " + batchWord(arg))
	}
	b.WriteString(`"`)
	return b.String(), nil
}

// batchWord is an argument in quotes, in which cmd.exe has a meaning for two
// characters only. A quote is doubled, with the backslashes in front of it, which
// programs that the batch file calls would take for its escape. A percent sign begins
// the name of a variable, whatever stands around it: behind each is put what expands
// to nothing, the first no characters of the variable CD.
func batchWord(arg string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range arg {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes) + `"`)
			slashes = 0
		case '%':
			b.WriteString(`%%cd:~,`)
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}
