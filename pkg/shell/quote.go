package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

var lines = map[Kind]func(Change) (string, error){
	Bash: posix, Zsh: posix, Fish: fish, PowerShell: powerShell, Cmd: cmd, Dotenv: dotenv,
}

// posix quotes with single quotes, in which nothing is special but their end:
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02.
// That holds in zsh too, with any of its options.
func posix(c Change) (string, error) {
	if c.Unset {
		return "unset " + c.Name + "\n", nil
	}
	return "export " + c.Name + "='" + strings.ReplaceAll(c.Value, "'", `'\''`) + "'\n", nil
}

// fish knows two escapes within single quotes:
// https://fishshell.com/docs/current/language.html#quotes. The semicolons are for
// eval (kubectl irsa env SA), which joins lines with blanks. "set -e" alone would
// erase a universal variable, which is every session's and those of tomorrow, where
// there is no global one: what is universal stays, and is named. A variable that is
// not there makes both commands fail, which is no failure here.
func fish(c Change) (string, error) {
	if c.Unset {
		return "set -eg " + c.Name + "; set -qU " + c.Name + "; and echo '" + c.Name + " is universal and stays: set -eU " + c.Name + "' >&2; or true;\n", nil
	}
	return "set -gx " + c.Name + " '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(c.Value) + "';\n", nil
}

// powerShell takes five characters for a single quote, and two in a row for
// the latter of them:
// https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules.
func powerShell(c Change) (string, error) {
	if c.Unset {
		return "$Env:" + c.Name + " = $null\n", nil
	}
	var b strings.Builder
	for _, r := range c.Value {
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	return "$Env:" + c.Name + " = '" + b.String() + "'\n", nil
}

// cmd has no quoting that holds both in a batch file and at the prompt: a
// percent sign is doubled in one and not in the other, an exclamation mark goes
// where delayed expansion is on, and a quote ends the quoting. Within quotes the
// rest is literal: https://learn.microsoft.com/windows-server/administration/windows-commands/set_1.
func cmd(c Change) (string, error) {
	if strings.ContainsAny(c.Value, "%!\"\r\n") {
		return "", fmt.Errorf("cmd has no exact way to write the value of %s, which holds a quote, a percent sign, an exclamation mark or a new line: use powershell", c.Name)
	}
	return `set "` + c.Name + "=" + c.Value + "\"\r\n", nil
}

// plain is what every reader of dotenv files takes literally without quotes.
var plain = lazyregexp.New(`^[A-Za-z0-9_/+=.:@,-]*$`)

// dotenv files have no one standard: what needs no quotes gets none, since
// docker --env-file takes quotes literally, and what single quotes do not keep
// in every reader is refused.
func dotenv(c Change) (string, error) {
	switch {
	case c.Unset:
		return "", fmt.Errorf("a dotenv file cannot take %s away", c.Name)
	case plain().MatchString(c.Value):
		return c.Name + "=" + c.Value + "\n", nil
	case strings.ContainsAny(c.Value, "'\\$`\r\n"):
		return "", fmt.Errorf("readers of dotenv files disagree about the value of %s, which holds a quote, a backslash, a dollar sign or a new line: use json", c.Name)
	}
	return c.Name + "='" + c.Value + "'\n", nil
}

// document is an object in the order of the changes; null takes a variable away.
func document(changes []Change) (string, error) {
	if len(changes) == 0 {
		return "{}\n", nil
	}
	var members []string
	for _, c := range changes {
		value, err := jsonValue(c)
		if err != nil {
			return "", fmt.Errorf("writing the value of %s: %w", c.Name, err)
		}
		members = append(members, `  "`+c.Name+`": `+value)
	}
	return "{\n" + strings.Join(members, ",\n") + "\n}\n", nil
}

func jsonValue(c Change) (string, error) {
	if c.Unset {
		return "null", nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.Value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
