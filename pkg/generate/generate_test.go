package generate_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/generate"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/role"
)

// chain has something of everything, and characters that shells and templates
// take for their own.
func chain() *generate.Chain {
	return &generate.Chain{
		Issuer: "https://shop-issuer.s3.eu-west-1.amazonaws.com",
		Bucket: &generate.Bucket{
			Location: issuer.Location{Bucket: "shop-issuer", Region: "eu-west-1"}, Direct: true,
			Documents: []generate.Document{{"openid/v1/jwks", []byte(`{"keys":[]}`)}, {".well-known/openid-configuration", []byte(`{"a":"it's ${HOME} %{b}"}`)}},
		},
		Audience: "vault",
		Role: role.Spec{
			Name: "shop-cart", Path: "/team/", PolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
			Inline:   []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}/*"}]}`),
			Boundary: "arn:aws:iam::111122223333:policy/bound", MaxSession: 2 * time.Hour, Tags: map[string]string{"team": "o'brien $(id) \"x\""},
		},
		Namespace: "shop", ServiceAccount: "cart", Context: "kind-a b",
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestAWSCLI(t *testing.T) {
	text, err := chain().AWSCLI()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "chain.sh", text)
	if bash, err := exec.LookPath("bash"); err == nil {
		cmd := exec.CommandContext(t.Context(), bash, "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("bash -n: %v\n%s", err, out)
		}
	}
}

// TestTerraform compares with a file that test/terraform reads as HCL.
func TestTerraform(t *testing.T) {
	text, err := chain().Terraform()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "chain.tf", text)
}

func TestAChainThatCannotBeWrittenDown(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*generate.Chain)
		want  string
	}{
		"an issuer with a quote":    {func(c *generate.Chain) { c.Issuer += "/a'b" }, "characters that no script should carry"},
		"a bucket without a region": {func(c *generate.Chain) { c.Bucket.Location.Region = "" }, "the bucket's region is not known"},
		"a role without a name":     {func(c *generate.Chain) { c.Role.Name = "" }, "the role's name is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			c := chain()
			tc.spoil(c)
			for _, write := range []func() (string, error){c.AWSCLI, c.Terraform} {
				if _, err := write(); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
			}
		})
	}
}

// TestPoliciesCoverTheSource looks for the permissions that the packages name
// when AWS refuses a call, and for each in the policies of what calls it.
func TestPoliciesCoverTheSource(t *testing.T) {
	permission := regexp.MustCompile(`\b(?:iam|s3):[A-Z][A-Za-z]+`)
	for folder, commands := range map[string][]string{
		"issuer": {"publish", "cleanup"}, "provider": {"provider"}, "role": {"role", "unbind", "cleanup"},
	} {
		allowed := map[string]bool{}
		for _, command := range commands {
			for _, action := range actions(t, command) {
				allowed[action] = true
			}
		}
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				for _, name := range permission.FindAllString(line, -1) {
					if strings.Contains(line, "enied(") && !allowed[name] {
						t.Errorf("%s names %s, which no policy of %v allows", file, name, commands)
					}
				}
			}
		}
	}
}

// TestSetupMayDoWhatItsPartsMay holds setup to what publish, provider create and
// bind take.
func TestSetupMayDoWhatItsPartsMay(t *testing.T) {
	setup := actions(t, "setup")
	for _, part := range []string{"publish", "bind"} {
		for _, action := range actions(t, part) {
			if !slices.Contains(setup, action) {
				t.Errorf("%s may %s and setup may not", part, action)
			}
		}
	}
}

func actions(t *testing.T, command string) (all []string) {
	t.Helper()
	text, err := generate.PolicyFor(command, generate.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Statement []struct{ Action, Resource []string }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, s := range document.Statement {
		all = append(all, s.Action...)
	}
	return all
}

func TestEveryCommandHasAPolicyOrNeedsNone(t *testing.T) {
	for _, command := range generate.Commands() {
		if _, err := generate.PolicyFor(command, generate.Scope{}); (err == nil) != generate.Needs(command) {
			t.Errorf("%s: %v", command, err)
		}
	}
	if _, err := generate.PolicyFor("everything", generate.Scope{}); err == nil {
		t.Error("a policy for no command")
	}
}
