//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/test/world/inside"
)

// TestEveryConfigurationFileSurvivesALogin logs in and out in each file of the
// corpus. One that can be read comes back byte for byte, up to a final newline,
// and the AWS CLI reads of every other profile what it read before. One that the
// AWS CLI cannot read is refused with a line number and stays as it is.
//
// The AWS CLI takes half a second for a value: it is asked for one value of each
// file, and for every one with FULL=1.
func TestEveryConfigurationFileSurvivesALogin(t *testing.T) {
	inside.Here(t)
	var files []string
	for _, folder := range []string{"corpus", "corners"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "pkg", "awsconfig", "testdata", folder, "*.ini"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".ini"), func(t *testing.T) {
			t.Parallel()
			survive(t, file)
		})
	}
}

// Files with which the AWS CLI itself cannot be used as it should.
const (
	pluginless = "11-plugins-preview.ini"       // it names plugins that are not installed: every command fails
	trap       = "DEFAULT-bad-nested-alone.ini" // readable only as long as there is no profile in it
)

var lineNumber = regexp.MustCompile(`: line \d+: `)

func survive(t *testing.T, file string) {
	t.Helper()
	original, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := household{t.TempDir()}
	if err := os.MkdirAll(filepath.Dir(h.config()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.config(), original, 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := awsconfig.Read(h.config())
	if err != nil || filepath.Base(file) == trap {
		h.refused(t, original)
		if out, err := h.run("aws", "configure", "get", "region", "--profile", "default"); err == nil {
			t.Errorf("the AWS CLI reads it: %s", out)
		}
		return
	}
	before := h.values(parsed)
	if out, err := h.run("kubectl-irsa", "login", "cart", "--profile", "ours-for-now", "--region", "us-east-1"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(before, h.values(parsed)); diff != "" {
		t.Errorf("the AWS CLI reads otherwise (-before +after):\n%s", diff)
	}
	out, err := h.run("aws", "configure", "get", "region", "--profile", "ours-for-now")
	if (err != nil || out != "us-east-1\n") && filepath.Base(file) != pluginless {
		t.Errorf("the AWS CLI reads our region as %q, %v", out, err)
	}
	if out, err := h.run("kubectl-irsa", "logout", "--profile", "ours-for-now"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.same(t, original)
}

// household is a HOME of its own.
type household struct{ home string }

func (h household) config() string { return filepath.Join(h.home, ".aws", "config") }

func (h household) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "HOME=") }), "HOME="+h.home)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// values are what the AWS CLI reads of the profiles in file: of the last key of
// the last profile, or of all with FULL=1.
func (h household) values(file *awsconfig.File) map[string]string {
	values := map[string]string{}
	profiles := file.Profiles()
	if os.Getenv("FULL") == "" && len(profiles) > 1 {
		profiles = profiles[len(profiles)-1:]
	}
	for _, p := range profiles {
		settings := p.Settings
		if os.Getenv("FULL") == "" && len(settings) > 1 {
			settings = settings[len(settings)-1:]
		}
		for _, s := range settings {
			out, err := h.run("aws", "configure", "get", s.Key, "--profile", p.Name)
			if err != nil {
				out += err.Error()
			}
			values[p.Name+" "+s.Key] = out
		}
	}
	return values
}

// refused logs in, which must not work.
func (h household) refused(t *testing.T, original []byte) {
	t.Helper()
	out, err := h.run("kubectl-irsa", "login", "cart")
	if err == nil || !lineNumber.MatchString(out) {
		t.Errorf("not refused with a line number: %v\n%s", err, out)
	}
	h.same(t, original)
}

func (h household) same(t *testing.T, original []byte) {
	t.Helper()
	now, err := os.ReadFile(h.config())
	if err != nil {
		t.Fatal(err)
	}
	trim := func(text []byte) []byte { return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")) }
	if !bytes.Equal(trim(now), trim(original)) {
		t.Errorf("the file changed (-original +now):\n%s", cmp.Diff(string(original), string(now)))
	}
}
