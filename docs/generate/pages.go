package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/cli"
)

// index is the page that lists the others.
const index = "README.md"

// pages are the files of docs/cli by name: one for each command below the root,
// with the commands below that one, and the index.
func pages() map[string]string {
	root := cli.Tree(cli.Process{Getenv: func(string) string { return "" }, Environ: func() []string { return nil }})
	files := map[string]string{index: indexPage(root)}
	for _, cmd := range root.Commands {
		files[fileName(cmd)] = commandPage(cmd)
	}
	return files
}

func indexPage(root cli.Page) string {
	var b strings.Builder
	b.WriteString("# Every command\n\nGenerated from the program's help: `make generate`.\n")
	for _, group := range groups(root) {
		fmt.Fprintf(&b, "\n## %s\n\n| command | |\n|---|---|\n", group)
		for _, cmd := range root.Commands {
			if cmd.Group == group {
				fmt.Fprintf(&b, "| [%s](%s) | %s |\n", strings.TrimPrefix(cmd.Path, root.Path+" "), fileName(cmd), cell(cmd.Short))
			}
		}
	}
	fmt.Fprintf(&b, "\n## Flags that work with every command\n\n%s", block(home(root.Flags)))
	return b.String()
}

// groups are the groups of the root's help. They are named in its order: the
// commands themselves come by the alphabet.
func groups(root cli.Page) []string {
	named := map[string]bool{}
	for _, cmd := range root.Commands {
		named[cmd.Group] = true
	}
	var known []string
	for _, group := range []string{"Use an identity", "See why", "Build the chain", "Other"} {
		if named[group] {
			known = append(known, group)
			delete(named, group)
		}
	}
	for group := range named {
		known = append(known, group)
	}
	return known
}

func commandPage(cmd cli.Page) string {
	var b strings.Builder
	section(&b, cmd, "#")
	b.WriteString("\n[Every command](" + index + ")\n")
	return b.String()
}

func section(b *strings.Builder, cmd cli.Page, level string) {
	fmt.Fprintf(b, "%s %s\n\n%s.\n", level, cmd.Path, cmd.Short)
	if about := strings.TrimSpace(strings.TrimPrefix(cmd.Long, cmd.Short+".")); about != "" {
		fmt.Fprintf(b, "\n%s", block(about))
	}
	if cmd.Usage != "" {
		fmt.Fprintf(b, "\n%s", block(cmd.Usage))
	}
	if cmd.Examples != "" {
		fmt.Fprintf(b, "\nExamples:\n\n%s", block(cmd.Examples))
	}
	if cmd.Flags != "" {
		fmt.Fprintf(b, "\nFlags:\n\n%s", block(home(cmd.Flags)))
	}
	for _, sub := range cmd.Commands {
		b.WriteByte('\n')
		section(b, sub, level+"#")
	}
}

// block is text as it stands. The help is laid out for a terminal.
func block(text string) string {
	return "```text\n" + strings.TrimRight(text, "\n") + "\n```\n"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func fileName(cmd cli.Page) string {
	return strings.ReplaceAll(strings.TrimPrefix(cmd.Path, "kubectl irsa "), " ", "_") + ".md"
}

var cacheDir = regexp.MustCompile(`(--cache-dir .*\(default ")[^"]*"`)

// home takes the home of whoever runs this out of the one default that names it.
func home(flags string) string { return cacheDir.ReplaceAllString(flags, `${1}~/.kube/cache"`) }
