package krew

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// release is what a template may ask for. Version is the tag without its v.
type release struct{ TagName, Version string }

// Render fills in a .krew.yaml as krew-release-bot does, with its functions
// addURIAndSha and indent. digest gives the SHA-256 of the archive at a URI, in
// hexadecimal digits.
func Render(text []byte, tag string, digest func(uri string) (string, error)) ([]byte, error) {
	functions := template.FuncMap{
		"indent": indent,
		"addURIAndSha": func(uri, tag string) (string, error) {
			address, err := execute("uri", uri, nil, tag)
			if err != nil {
				return "", err
			}
			sum, err := digest(string(address))
			if err != nil {
				return "", err
			}
			return "uri: " + string(address) + "\n    sha256: " + sum, nil
		},
	}
	rendered, err := execute(".krew.yaml", string(text), functions, tag)
	if err != nil {
		return nil, fmt.Errorf("rendering the krew template: %w", err)
	}
	return rendered, nil
}

func execute(name, text string, functions template.FuncMap, tag string) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, release{TagName: tag, Version: number(tag)})
	return out.Bytes(), err
}

var numbers = regexp.MustCompile(`\d+(\.\d+)+`)

// number is a tag's first run of numbers with dots, the tag where it has none.
func number(tag string) string {
	if found := numbers.FindString(tag); found != "" {
		return found
	}
	return tag
}

// indent moves all lines but the first by so many spaces, in place of the four
// that addURIAndSha gives.
func indent(spaces int, text string) string {
	return strings.ReplaceAll(text, "\n    sha256:", "\n"+strings.Repeat(" ", spaces)+"sha256:")
}
