package awsconfig

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// SplitCommand splits the value of credential_process into its arguments as
// botocore does on the operating system goos: Python's shlex, or on Windows the
// rules of the C runtime.
func SplitCommand(goos, value string) ([]string, error) {
	if goos == "windows" {
		return splitWindows(value)
	}
	return splitPOSIX(value)
}

var errQuote = errors.New("splitting a command line: a quote is not closed")

// splitPOSIX is shlex.split(s) of Python.
// https://docs.python.org/3/library/shlex.html#parsing-rules
func splitPOSIX(s string) ([]string, error) {
	var (
		words  []string
		word   strings.Builder
		inWord bool
		quote  rune // the quote that is open, or 0
		escape bool
	)
	for _, r := range s {
		switch {
		case escape:
			if quote != 0 && r != '\\' && r != quote {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escape = false
		case r == '\\' && quote != '\'':
			escape, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if escape {
		return nil, errors.New("splitting a command line: nothing follows the last backslash")
	}
	if quote != 0 {
		return nil, errQuote
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// splitWindows is botocore's splitter: spaces and tabs separate, double quotes
// are the only quotes, and backslashes mean something before one only.
// https://learn.microsoft.com/cpp/cpp/main-function-command-line-args
func splitWindows(s string) ([]string, error) {
	var (
		words       []string
		word        strings.Builder
		inWord      bool
		quoted      bool
		backslashes int
	)
	flush := func(n int) {
		if n > 0 {
			word.WriteString(strings.Repeat(`\`, n))
			inWord = true
		}
		backslashes = 0
	}
	for _, r := range s {
		switch {
		case r == '\\':
			backslashes++
		case r == '"':
			odd := backslashes%2 == 1
			flush(backslashes / 2)
			inWord = true
			if odd {
				word.WriteByte('"')
			} else {
				quoted = !quoted
			}
		case (r == ' ' || r == '\t') && !quoted:
			flush(backslashes)
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			flush(backslashes)
			word.WriteRune(r)
			inWord = true
		}
	}
	if quoted {
		return nil, errQuote
	}
	flush(backslashes)
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// CommandLine joins argv into a value of credential_process that botocore,
// which starts it without a shell, and the AWS SDKs, which give it to sh -c or
// to cmd.exe /C, split back into exactly argv on the operating system goos. The
// error names the argument for which there is no such value.
//
// The Go SDK strips the quotes of a value that starts and ends with the same
// one, and cuts a value at " #" and " ;" even inside quotes; the result has
// neither.
func CommandLine(goos string, argv []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", errors.New("joining a command line: there is no program to start")
	}
	words := make([]string, len(argv))
	for i, arg := range argv {
		if err := checkArgument(goos, i, arg); err != nil {
			return "", fmt.Errorf("joining a command line: argument %d (%s): %w", i, printable(arg), err)
		}
		words[i] = arg
		if goos != "windows" {
			words[i] = quotePOSIX(arg, i == 0)
		}
	}
	if last := argv[len(argv)-1]; goos == "windows" && strings.HasSuffix(last, `\`) {
		return "", fmt.Errorf("joining a command line: argument %d (%s): the last one ends with a backslash, which cmd.exe doubles", len(argv)-1, printable(last))
	}
	line := strings.Join(words, " ")
	if err := CheckValue("credential_process", line); err != nil {
		return "", fmt.Errorf("joining a command line: %w", err)
	}
	return line, nil
}

func checkArgument(goos string, i int, arg string) error {
	for _, r := range arg {
		switch {
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return errors.New("it holds a character that does not print")
		case r == '`':
			return errors.New("it holds a backtick, which tools built on ini.v1 take for a quote")
		}
	}
	if goos != "windows" {
		return nil
	}
	// The Go SDK hands the whole value to cmd.exe as one argument, with
	// backslashes before its quotes: what needs quotes cannot be written.
	if arg == "" {
		return errors.New("an empty argument needs quotes, which cmd.exe does not pass on")
	}
	allowed := `-_.:\~`
	if i > 0 {
		allowed += "/@+,;="
	}
	for _, r := range arg {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(allowed, r) {
			return fmt.Errorf("it holds %q, which needs quotes that cmd.exe does not pass on", r)
		}
	}
	return nil
}

const plainPOSIX = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@+:,./_-"

// quotePOSIX writes arg so that the shell and shlex read it alike. The program
// name keeps its first letters outside the quotes, so that the line does not
// start with a single quote.
func quotePOSIX(arg string, program bool) string {
	plain := plainPOSIX
	if !program {
		plain += "=" // before the program it would be an assignment
	}
	rest := strings.TrimLeft(arg, plain)
	if rest == "" && arg != "" {
		return arg
	}
	before := ""
	switch {
	case !program:
		rest = arg
	case rest == arg:
		before = `""`
	default:
		before = arg[:len(arg)-len(rest)]
	}
	quoted := strings.ReplaceAll(rest, `'`, `'"'"'`)
	// Closing and opening the quote keeps the space and the comment sign apart.
	quoted = strings.ReplaceAll(quoted, " #", " ''#")
	quoted = strings.ReplaceAll(quoted, " ;", " '';")
	return before + "'" + quoted + "'"
}
