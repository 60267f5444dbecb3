package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
)

// Every check has something to say, also one that has no cause of its own: what it
// stands for, and a command that runs it.
func TestEveryCheckIsExplained(t *testing.T) {
	run := map[string][]string{
		"kubectl irsa inspect sa NAME -n NAMESPACE": check.IDs(doctor.ServiceAccountChecks()),
		"kubectl irsa inspect issuer":               check.IDs(doctor.IssuerChecks()),
		"kubectl irsa inspect provider":             check.IDs(doctor.ProviderChecks()),
		"kubectl irsa inspect role NAME":            check.IDs(doctor.RoleChecks()),
		"kubectl irsa verify NAME -n NAMESPACE":     check.IDs(doctor.VerifyChecks(doctor.Facts{})),
		"kubectl irsa doctor":                       check.IDs(doctor.SurveyChecks()),
	}
	without := 0
	for id, title := range checkTitles() {
		t.Run(id, func(t *testing.T) {
			text := explained(t, id)
			if !strings.HasPrefix(text, id+"  "+title+"\n") {
				t.Errorf("it says not what holds: %s", text)
			}
			causes := explain.ByCheck(id)
			if len(causes) == 0 {
				without++
			}
			if strings.Contains(text, "Where that does not hold:") != (len(causes) > 0) {
				t.Errorf("it has %d causes:\n%s", len(causes), text)
			}
			for _, c := range causes {
				if !strings.Contains(text, "\n  "+c.Code+" ") {
					t.Errorf("%s is missing:\n%s", c.Code, text)
				}
			}
			lines := strings.Split(strings.TrimSpace(text), "\n")
			last := strings.TrimSpace(lines[len(lines)-1])
			command, only, _ := strings.Cut(last, " --only ")
			if only != id || !slices.Contains(run[command], id) {
				t.Errorf("this does not run it: %s", last)
			}
			for range 5 {
				if again := explained(t, id); again != text {
					t.Fatalf("asked again it says\n%s", again)
				}
			}
		})
	}
	if without == 0 {
		t.Error("no check is without a cause: this test looks at nothing")
	}
}

// Every code that a check gives can be explained.
func TestEveryCodeIsExplained(t *testing.T) {
	for code, title := range explain.Codes() {
		text := explained(t, code)
		if !strings.HasPrefix(text, code+"  "+title+"\n\n  ") {
			t.Errorf("%s says not what it means: %s", code, text)
		}
	}
}

// explained is what "explain WORD" prints.
func explained(t *testing.T, word string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	code := Main(t.Context(), Process{
		Args: []string{"kubectl-irsa", "explain", word}, In: strings.NewReader(""), Out: &out, ErrOut: &errOut, Now: time.Now,
		Getenv: func(string) string { return "" }, Environ: func() []string { return nil },
		Setenv: func(string, string) error { return nil }, Unsetenv: func(string) error { return nil },
	})
	if code != 0 || errOut.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	return out.String()
}
