package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestAFailedCredentialProcessSaysItInOneLine gives every flag that the command
// takes values that cannot be meant, and a kubeconfig that is not there.
func TestAFailedCredentialProcessSaysItInOneLine(t *testing.T) {
	home := t.TempDir()
	base := []string{
		"credential-process", "--kubeconfig=" + filepath.Join(home, "none"), "--context=c", "--namespace=n", "--service-account=s",
		"--role-arn=arn:aws:iam::111122223333:role/r", "--audience=a", "--cache-dir=" + home,
	}
	lines := map[string][]string{
		"the kubeconfig is not there": base,
		"nothing is given":            base[:1],
		"a word too many":             append(base[:len(base):len(base)], "word", "with\na line"),
		"a flag that there is not":    append(base[:len(base):len(base)], "--no-such"),
		"a letter that is no flag":    append(base[:len(base):len(base)], "-Z\nx"),
		"a list of kubeconfigs":       append(base[:len(base):len(base)], "--kubeconfig="+filepath.Join(home, "none")+string(filepath.ListSeparator)+home),
	}
	find, _, err := newRootCommand(newFactory(Process{Getenv: func(string) string { return "" }})).Find(base[:1])
	if err != nil {
		t.Fatal(err)
	}
	find.InheritedFlags() // which puts the root's flags among its own
	find.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" || flag.Name == "v" {
			return // one is no failure, the other asks for more lines
		}
		for _, value := range []string{"", "x", "a\nb", "-1", "%s\t%d"} {
			lines["--"+flag.Name+"="+value] = append(base[:len(base):len(base)], "--"+flag.Name+"="+value)
		}
		lines["--"+flag.Name+" at the end"] = append(base[:len(base):len(base)], "--"+flag.Name)
	})
	for name, args := range lines {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			environ := map[string]string{"HOME": home, "USERPROFILE": home}
			code := Main(t.Context(), Process{
				Args: append([]string{"kubectl-irsa"}, args...), In: &bytes.Buffer{}, Out: &out, ErrOut: &errOut, Now: time.Now,
				Getenv: func(name string) string { return environ[name] },
				Setenv: func(string, string) error { return nil }, Unsetenv: func(string) error { return nil },
			})
			if code != exitFailed && code != exitUsage {
				t.Errorf("exit code %d", code)
			}
			if text := errOut.String(); out.Len() > 0 || !strings.HasPrefix(text, "error: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
				t.Errorf("stdout %q, stderr %q", out.String(), text)
			}
		})
	}
}
