package cli

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// TestACycleIsSeenWhateverAContextIsCalled enters an identity twice, as a plugin
// that runs the AWS CLI with the profile of that identity does.
func TestACycleIsSeenWhateverAContextIsCalled(t *testing.T) {
	for _, context := range []string{"world", "a,b", "a\nb", "", "x/shop/cart,world"} {
		environ := map[string]string{}
		f := &Factory{
			Getenv:  func(name string) string { return environ[name] },
			process: Process{Setenv: func(name, value string) error { environ[name] = value; return nil }},
		}
		c := cluster{context: context, namespace: "shop", config: &rest.Config{Host: "https://192.0.2.1"}}
		if _, err := f.enter(&c, "card"); err != nil {
			t.Fatal(err)
		}
		leave, err := f.enter(&c, "cart")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.enter(&c, "cart"); err == nil || !strings.Contains(err.Error(), context+"/shop/cart") {
			t.Errorf("%q: error %v", context, err)
		}
		other := c
		other.config = &rest.Config{Host: "https://192.0.2.2"} // of a kubeconfig with a context of the same name
		if _, err := f.enter(&other, "cart"); err != nil {
			t.Errorf("%q: %v", context, err)
		}
		leave()
		if _, err := f.enter(&c, "cart"); err != nil {
			t.Errorf("%q: %v after it was left", context, err)
		}
	}
}

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
		for _, value := range []string{"", "x", "a\nb", "-1", "%s\t%d", strings.Repeat("long\a", 100)} {
			lines["--"+flag.Name+"="+value[:min(len(value), 9)]] = append(base[:len(base):len(base)], "--"+flag.Name+"="+value)
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
			if text := errOut.String(); out.Len() > 0 || !strings.HasPrefix(text, "error: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") || utf8.RuneCountInString(text) > 301 {
				t.Errorf("stdout %q, stderr %q", out.String(), text)
			}
		})
	}
}

func TestAnErrorInOneLineHasItsAdviceWhereThereIsRoom(t *testing.T) {
	long := strings.Repeat("ж", 400)
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"an error and its advice":     {hint.Wrap(errors.New("no\nway"), "try:", "this"), "no way (try: this)"},
		"advice that does not fit":    {hint.Wrap(errors.New("no way"), long), "no way"},
		"an error that does not fit":  {hint.Wrap(errors.New(long), "try this"), strings.Repeat("ж", 292) + "…"},
		"what is escaped counts, too": {errors.New(strings.Repeat("\a", 292) + "b"), strings.Repeat(`\a`, 146) + "…"},
		"a usage error":               {usageError{errors.New("no")}, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			got := oneLine(tc.err)
			if diff := cmp.Diff(tc.want, got.Error()); diff != "" {
				t.Error(diff)
			}
			if isUsage(got) != isUsage(tc.err) {
				t.Error("its exit code is another's")
			}
		})
	}
}
