package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// markdown are README.md, CONTRIBUTING.md and every page below docs.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	top := filepath.Join("..", "..", "..")
	paths := []string{filepath.Join(top, "README.md"), filepath.Join(top, "CONTRIBUTING.md")}
	err := filepath.WalkDir(filepath.Join(top, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages[path] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return pages
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInAnID = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments that a page's headings have on GitHub.
func anchors(page string) (ids []string) {
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		ids = append(ids, strings.ReplaceAll(notInAnID.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return ids
}

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	pages := markdown(t)
	links := 0
	for path, text := range pages {
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			file, fragment, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
				continue
			}
			if fragment != "" && !slices.Contains(anchors(pages[target]), fragment) {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
	}
	if links == 0 {
		t.Error("no page has a link")
	}
}

// spoken are the languages of blocks that nobody would type into a shell.
var spoken = []string{"text", "go", "json", "yaml", "mermaid", "ini", "hcl", "toml"}

var opening = regexp.MustCompile("^ *```(.+)$")

// TestEveryBlockIsPlayedOrSaysThatItIsNot keeps commands out of blocks that no
// test looks at.
func TestEveryBlockIsPlayedOrSaysThatItIsNot(t *testing.T) {
	for path, text := range markdown(t) {
		for _, block := range codeBlock.FindAllString(text, -1) {
			first, rest, _ := strings.Cut(block, "\n")
			language := ""
			if m := opening.FindStringSubmatch(first); m != nil {
				language = m[1]
			}
			switch {
			case language == "console" || language == "console norun":
				if !strings.HasPrefix(rest, "$ ") {
					t.Errorf("%s: a console block begins with %q, not with a command", path, strings.SplitN(rest, "\n", 2)[0])
				}
			case !slices.Contains(spoken, language):
				t.Errorf("%s: a block of language %q is neither console, console norun nor one of %q", path, language, spoken)
			case strings.Contains(rest, "\n$ ") || strings.HasPrefix(rest, "$ "):
				t.Errorf("%s: a block of language %q shows a command, which no test runs", path, language)
			}
		}
	}
}
