package docs

import (
	"regexp"
	"strings"
)

// page is a Markdown file taken apart into lines that stay and commands with
// what they print.
type page struct {
	worlds [][]string // options of its worlds, in the order of the page
	parts  []part
}

// part is either text, or one command of a console block.
type part struct {
	text    string // with its line ends
	command string // "" for text
	output  string // what the page shows below the command
	world   int    // which of the page's worlds it is run in
}

var (
	worldComment = regexp.MustCompile(`^<!-- world: (.*) -->$`)
	fence        = regexp.MustCompile("^( *)```(.*)$")
)

// parse takes a page apart; put together again, its parts are the page.
func parse(markdown string) page {
	p := page{worlds: [][]string{nil}}
	inside := false
	for _, line := range strings.SplitAfter(markdown, "\n") {
		bare := strings.TrimRight(line, "\n")
		if m := worldComment.FindStringSubmatch(bare); m != nil {
			p.enter(strings.Fields(m[1]))
		}
		if m := fence.FindStringSubmatch(bare); m != nil {
			inside = !inside && m[2] == "console"
			p.text(line)
			continue
		}
		if !inside {
			p.text(line)
			continue
		}
		p.console(line)
	}
	return p
}

// enter begins another world. A comment before the first command is about the first.
func (p *page) enter(options []string) {
	if len(p.commands()) == 0 {
		p.worlds[0] = options
		return
	}
	p.worlds = append(p.worlds, options)
}

func (p *page) text(line string) {
	if n := len(p.parts); n > 0 && p.parts[n-1].command == "" {
		p.parts[n-1].text += line
		return
	}
	p.parts = append(p.parts, part{text: line})
}

// console takes a line of a block: a command behind "$ ", which a backslash or a
// here-document continues, or what a command prints.
func (p *page) console(line string) {
	last := len(p.parts) - 1
	switch {
	case strings.HasPrefix(line, "$ "):
		p.parts = append(p.parts, part{text: line, command: strings.TrimPrefix(line, "$ "), world: len(p.worlds) - 1})
	case p.parts[last].output == "" && unfinished(p.parts[last].command):
		p.parts[last].text += line
		p.parts[last].command += line
	default:
		p.parts[last].output += line
	}
}

var hereDocument = regexp.MustCompile(`<<'?(\w+)'?`)

// unfinished reports whether a command goes on in the next line.
func unfinished(command string) bool {
	if m := hereDocument.FindStringSubmatch(command); m != nil {
		return !strings.HasSuffix(command, "\n"+m[1]+"\n")
	}
	return strings.HasSuffix(command, "\\\n")
}

// commands are the indexes of the parts that are commands.
func (p page) commands() (at []int) {
	for i, part := range p.parts {
		if part.command != "" {
			at = append(at, i)
		}
	}
	return at
}

// with is the page with other outputs, by the index of the command's part.
func (p page) with(outputs map[int]string) string {
	var b strings.Builder
	for i, part := range p.parts {
		b.WriteString(part.text)
		output, other := outputs[i]
		if !other {
			output = part.output
		}
		b.WriteString(output)
	}
	return b.String()
}

// changing are what differs from run to run: times, durations, ids.
var changing = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?`), "<TIME>"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "<UUID>"},
	{regexp.MustCompile(`\b(AROA|AKIA|ASIA)[A-Z0-9]+`), "<ID>"},
	{regexp.MustCompile(`\b[A-Za-z0-9_-]{43}\b`), "<KID>"},
	{regexp.MustCompile(`\b[0-9a-f]{16,}\b`), "<DIGEST>"},
	{regexp.MustCompile(`-[0-9a-f]{8}\b`), "-<HEX>"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs|s|m|h)(\d+(\.\d+)?(s|m))?\b`), "<DURATION>"},
	{regexp.MustCompile(`\b\d+(\.\d+)? (seconds|milliseconds|minutes)\b`), "<DURATION>"},
	{regexp.MustCompile(` +\n`), "\n"},
	{regexp.MustCompile(`[ \t]{2,}`), "  "},
}

// alike is output with what changes replaced by its name.
func alike(output string) string {
	for _, c := range changing {
		output = c.pattern.ReplaceAllString(output, c.name)
	}
	return strings.TrimSpace(output)
}
