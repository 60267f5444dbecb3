package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/test/story"
)

// logEntry is the beginning of a line of klog.
var logEntry = regexp.MustCompile(`^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ `)

// Plain is text with placeholders for what differs from run to run, and for
// whatever is secret.
func (w *world) Plain(text string) string {
	for _, secret := range w.aws.Secrets() {
		text = strings.ReplaceAll(text, secret, "<SECRET>")
	}
	return story.Plain(text, w.dir, "$WORK", w.kube.URL, "$KUBE", w.aws.TLSURL, "$AWS_TLS", w.aws.URL, "$AWS",
		strings.TrimPrefix(w.kube.URL, "https://"), "$KUBE", strings.TrimPrefix(w.aws.TLSURL, "https://"), "$AWS_TLS")
}

// Ran says which secret the program gave away where it had no business to. Its
// stdout counts too, but for the commands whose purpose a secret is.
func (w *world) Ran(argv []string, stdout, stderr string) error {
	w.count(argv)
	texts := map[string]string{"stderr": stderr}
	if !story.PrintsSecrets(argv) {
		texts["stdout"] = stdout
	}
	if w.verbose {
		logs, err := filepath.Glob(filepath.Join(w.dir, ".logs", "*"))
		if err != nil {
			return err
		}
		for _, log := range logs {
			text, err := os.ReadFile(log)
			if err != nil {
				return err
			}
			texts["the log of -v=10"] += string(text)
			_ = os.Remove(log)
		}
	}
	for where, text := range texts {
		if found := story.Leak(text, append(w.aws.Secrets(), kubeTokens...)); found != "" {
			return fmt.Errorf("%s gives away a secret: %s", where, found)
		}
	}
	return nil
}
