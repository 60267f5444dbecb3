package story

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// placeholders stand for what differs from run to run.
var placeholders = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`), "<TOKEN>"},
	{regexp.MustCompile(`\b(ASIA|AKIA)[A-Z2-7]{16}\b`), "<$1>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "<TIME>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "<TIME>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "<UUID>"},
	{regexp.MustCompile(`tokens/[0-9a-f]{16}\.token`), "tokens/<HEX>.token"},
	{regexp.MustCompile(`127\.0\.0\.1:\d{4,5}`), "127.0.0.1:<PORT>"},
	{regexp.MustCompile(`\b1[789]\d{8}\b`), "<EPOCH>"},
	{regexp.MustCompile(`([ "])[\w-]{43}([ "\n])`), "$1<KEY-ID>$2"},
}

var sessionName = regexp.MustCompile(`\b` + regexp.QuoteMeta(osUser()) + `-([\w+=,.@-]+)-[0-9a-f]{8}\b`)

func osUser() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:]
}

// Plain is text with placeholders for what differs from run to run: times, ids,
// ports and tokens. Pairs of old and new, as of strings.NewReplacer, come first.
func Plain(text string, oldnew ...string) string {
	text = strings.NewReplacer(append(oldnew,
		pluginDir(), "$BIN", runtime.Version(), "<GO>", runtime.GOOS+"/"+runtime.GOARCH, "<PLATFORM>")...).Replace(text)
	for _, p := range placeholders {
		text = p.pattern.ReplaceAllString(text, p.by)
	}
	return sessionName.ReplaceAllString(text, "<USER>-$1-<HEX>")
}

// pluginDir is the folder on PATH that the test put the plugin in.
func pluginDir() string {
	path, err := exec.LookPath("kubectl-irsa")
	if err != nil {
		return "(no plugin on PATH)"
	}
	return filepath.Dir(path)
}

var (
	webToken  = regexp.MustCompile(`eyJ[\w-]{8,}\.eyJ[\w-]{8,}`)
	dumpLine  = regexp.MustCompile(`(?m)^.*?[0-9a-f]{8}  ((?:[0-9a-f]{2} +){1,16})(?:\|.*\|)?$`)
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}={0,2}`)
	hexRun    = regexp.MustCompile(`(?:[0-9a-fA-F]{2}){16,}`)
)

// Leak finds a secret or a token in text: as it is, in base64, in hexadecimal
// digits or in a hex dump. It gives a few characters of its surroundings.
func Leak(text string, secrets []string) string {
	forms := []string{text, undumped(text)}
	for _, run := range base64Run.FindAllString(text, -1) {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for cut := range 4 {
				plain, _ := encoding.DecodeString(strings.TrimRight(run, "=")[cut:])
				forms = append(forms, string(plain))
			}
		}
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		plain, _ := hex.DecodeString(run)
		forms = append(forms, string(plain))
	}
	for _, form := range forms {
		if at := webToken.FindStringIndex(form); at != nil {
			return around(form, at[0])
		}
		for _, secret := range secrets {
			if at := strings.Index(form, secret); at >= 0 {
				return around(form, at)
			}
		}
	}
	return ""
}

func around(text string, at int) string {
	return fmt.Sprintf("%q", text[max(0, at-60):min(len(text), at+12)])
}

// undumped is the bytes of every hex dump in text, one after the other.
func undumped(text string) string {
	var all []byte
	for _, line := range dumpLine.FindAllStringSubmatch(text, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err == nil {
			all = append(all, b...)
		}
	}
	return string(all)
}

// PrintsSecrets are the commands whose standard output is a secret on purpose.
func PrintsSecrets(argv []string) bool {
	if filepath.Base(argv[0]) != "kubectl-irsa" {
		return true
	}
	return slices.Contains(argv, "credential-process") || slices.Contains(argv, "--raw") ||
		slices.Contains(argv, "env") || slices.Contains(argv, "exec") || slices.Contains(argv, "console")
}
