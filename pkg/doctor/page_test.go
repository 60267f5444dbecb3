package doctor_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
)

// titles are those of every check there is, by ID.
func titles() map[string]string {
	all := map[string]string{}
	for _, list := range [][]doctor.Check{doctor.ServiceAccountChecks(), doctor.IssuerChecks(), doctor.ProviderChecks(), doctor.RoleChecks()} {
		for _, c := range list {
			all[c.ID] = c.Title
		}
	}
	for _, c := range doctor.SurveyChecks() {
		all[c.ID] = c.Title
	}
	for _, c := range doctor.VerifyChecks(doctor.Facts{}) {
		all[c.ID] = c.Title
	}
	return all
}

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePageHasASectionForEveryCheckAndNoOther(t *testing.T) {
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^## ([a-z0-9-]+)\n\n> (.+)$`).FindAllStringSubmatch(page(t), -1) {
		got[m[1]] = m[2]
	}
	if diff := cmp.Diff(titles(), got); diff != "" {
		t.Errorf("docs/checks.md (-checks +page):\n%s", diff)
	}
}

// rows are the causes of the page and what finds each.
func rows(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]+[0-9]*) \| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(page(t), -1) {
		found[m[1]] = m[2]
	}
	return found
}

func TestEveryCauseOfThePageIsFoundByAKnownCheckOrSaysWhyNot(t *testing.T) {
	known := titles()
	for code, by := range rows(t) {
		if strings.HasPrefix(by, "not detected: ") {
			continue
		}
		for _, id := range strings.Split(by, ", ") {
			if known[id] == "" {
				t.Errorf("%s is found by %q, which is no check", code, id)
			}
		}
	}
}

func TestEveryCauseThatTheCodeNamesIsOnThePage(t *testing.T) {
	onPage := rows(t)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"((?:ISS|PUB|ALG|PROV|ROLE|TOK|RBAC|SA|POD|WS|STS)(?:[0-9]+|X))"`).FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
	}
	if len(named) < 40 {
		t.Fatalf("the code names %d causes: the pattern has come loose", len(named))
	}
	for code := range named {
		if by, listed := onPage[code]; !listed || strings.HasPrefix(by, "not detected") {
			t.Errorf("%s is found by the code; the page says %q", code, by)
		}
	}
}

func TestEveryCauseOfThePageIsExplained(t *testing.T) {
	known := titles()
	for code := range rows(t) {
		cause, explained := explain.ByCode(code)
		if !explained {
			t.Errorf("kubectl irsa explain %s knows nothing", code)
		}
		for _, id := range cause.Checks {
			if known[id] == "" {
				t.Errorf("%s is told apart by %q, which is no check", code, id)
			}
		}
	}
}

func TestNoListJudgesACheckTwice(t *testing.T) {
	for name, ids := range map[string][]string{
		"inspect sa": ids(doctor.ServiceAccountChecks()), "inspect issuer": ids(doctor.IssuerChecks()),
		"inspect provider": ids(doctor.ProviderChecks()), "inspect role": ids(doctor.RoleChecks()),
	} {
		sorted := slices.Sorted(slices.Values(ids))
		if compact := slices.Compact(slices.Clone(sorted)); len(compact) != len(sorted) {
			t.Errorf("%s: %v", name, sorted)
		}
	}
}

func ids(checks []doctor.Check) []string {
	var all []string
	for _, c := range checks {
		all = append(all, c.ID)
	}
	return all
}
