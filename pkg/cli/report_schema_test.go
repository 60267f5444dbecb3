package cli

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/bindings"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/test/schema"
)

func TestReportsFitTheirSchema(t *testing.T) {
	findings := []check.Finding{
		{ID: "serviceaccount-exists", Link: "ServiceAccount", Title: "the ServiceAccount exists", Status: check.Pass},
		{
			ID: "role-trusts", Link: "role", Title: "it trusts this ServiceAccount", Status: check.Fail, Cause: "ROLE1", Detail: "d",
			Compare: check.Compare("policy", "a", "token", "b"), Fix: []string{"kubectl irsa role trust add"},
		},
	}
	now := time.Unix(0, 0)
	root := check.Root(findings, check.Fail)
	schemas, held := readSchemas(t), map[string]bool{}
	for name, tc := range map[string]struct {
		kind   string
		report any
	}{
		"a chain with every field": {"Chain", chainReport{
			TypeMeta: typeMeta("Chain"), Subject: chainSubject{"ServiceAccount", "shop", "cart"}, Context: "c", RoleARN: "r", Audience: "a",
			Issuer: "i", Session: "s", Checks: findings, RootCause: root, Summary: check.Count(findings),
		}},
		"a chain that holds": {"Chain", chainReport{
			TypeMeta: typeMeta("Chain"), Subject: chainSubject{Kind: "Issuer", Name: "i"}, Checks: findings[:1], Summary: check.Count(findings),
		}},
		"a report": {"Report", findingsReport{
			TypeMeta: typeMeta("Report"), Subject: "s", Context: "c", Checks: findings, RootCause: root, Summary: check.Count(findings),
		}},
		"bindings": {"Bindings", bindingsReport{TypeMeta: typeMeta("Bindings"), Issuer: "i", Items: []bindingItem{
			{"shop", "cart", "r", "a", 2, bindings.Bound, "d"}, {Namespace: "shop", ServiceAccount: "till", RoleARN: "r", Status: bindings.NotAnnotated},
			{Status: bindings.NotTrusted}, {Status: bindings.RoleMissing}, {Status: bindings.AccountGone}, {Status: bindings.BadARN}, {Status: bindings.Unknown},
		}}},
		"roles": {"Roles", rolesReport{TypeMeta: typeMeta("Roles"), Items: []roleItem{
			{RoleARN: "r", Issuer: "i", Audiences: []string{"a"}, Subjects: []string{"s"}, MoreConditions: true}, {RoleARN: "r", Issuer: "i", Subjects: []string{}},
		}}},
		"providers": {"Providers", providersReport{TypeMeta: typeMeta("Providers"), Items: []providerItem{
			{ARN: "p", Issuer: "i", Audiences: []string{"a"}, Issuing: issuerAnswers}, {ARN: "p", Issuer: "i", Issuing: issuerGone, Detail: "d"}, {Issuing: issuerRefuses}, {Issuing: issuerUnresolved}, {Issuing: issuerUnreachable},
		}}},
		"an answer of IAM": {"Access", canIAnswer{TypeMeta: typeMeta("Access"), RoleARN: "r", Action: "s3:GetObject", Resource: "*", Decision: "implicitDeny", Policies: []string{}, Detail: "d"}},
		"an explanation":   {"Explanation", explanation{TypeMeta: typeMeta("Explanation"), Causes: []explainedCause{{"PROV1", "t", "m", []string{"c"}, []string{"n"}}, {Code: "STSX", Next: []string{}}}}},
		"a login": {"Login", loginReport{
			TypeMeta: typeMeta("Login"), Mode: login.TokenFile, Issuer: "i", RoleARN: "r", RoleSource: creds.FromFlag, AudienceSource: creds.FromDefault,
			Region: "x", RoleSessionARN: "s", AccountID: "1", Expiration: &now, TokenExpiration: &now, Warnings: []string{"w"},
		}},
		"a login that was not made": {"Login", loginReport{TypeMeta: typeMeta("Login"), Mode: login.Process, AudienceSource: creds.FromAnnotation, DryRun: dryRunServer}},
		"profiles": {"Profiles", profilesReport{TypeMeta: typeMeta("Profiles"), Items: []profileItem{
			{Name: "p", Mode: login.Static, RoleARN: "r", Expiration: &now, Binary: "b", BinaryMissing: true}, {Mode: login.Process},
		}}},
		"a token": {"Token", tokenReport{
			TypeMeta: typeMeta("Token"), Header: tokenHeader{"RS256", "k"}, Verified: tokenVerified{Detail: "d"},
			Claims: tokenClaims{Audience: []string{"a"}, ID: "j", Kubernetes: &oidc.KubernetesClaims{Namespace: "n", Pod: &oidc.ObjectRef{Name: "p", UID: "u"}, WarnAfter: 1}},
		}},
		"a plan": {"Plan", planReport{TypeMeta: typeMeta("Plan"), DryRun: dryRunClient, Report: plan.Report{Steps: []plan.StepReport{{ID: "i", Title: "t", State: plan.Needed, Detail: "d", Error: "e"}}}}},
		"an identity in use": {"Identity", identityReport{
			TypeMeta: typeMeta("Identity"), ClusterUser: &clusterUser{Name: "u", Groups: []string{"g"}}, Context: "c", Namespace: "shop", ServiceAccount: "cart",
			Source: sourceProfile, Profile: "p", RoleARN: "r", RoleSessionARN: "s", AccountID: "1", Expiration: &now,
		}},
		"no identity in use": {"Identity", identityReport{TypeMeta: typeMeta("Identity"), Profiles: []profileItem{{Name: "p", Mode: login.Process, Binary: "b"}}}},
		"an issuer": {"Issuer", issuerReport{typeMeta("Issuer"), issuer.Comparison{
			Issuer: "i", Private: "w", Service: "EKS", Bucket: "s3://b", InStep: true, Documents: []issuer.Comparable{{Member: "m"}},
			Keys: []issuer.KeyState{{ID: "k"}}, Differences: []string{"d"}, Unreachable: []string{"u"},
		}}},
		"a plan for an issuer": {"IssuerPlan", issuerPlanReport{TypeMeta: typeMeta("IssuerPlan"), Recipe: issuer.Recipe{
			Distribution: issuer.K3s, Issuer: "i", Old: "o", Phases: []issuer.Phase{{Title: "t"}, {Notes: []string{"n"}, Files: []issuer.File{{Path: "p"}}, Commands: []string{"c"}}},
		}}},
		"an issuer that is fixed": {"IssuerPlan", issuerPlanReport{TypeMeta: typeMeta("IssuerPlan"), Service: "EKS", Recipe: issuer.Recipe{Issuer: "i", Phases: []issuer.Phase{}}}},
		"a role": {"Role", roleReport{
			TypeMeta: typeMeta("Role"), ARN: "r", Created: now, Owned: true, Boundary: "b", Policies: []string{"p"}, Tags: map[string]string{"a": "b"},
			InlinePolicies: map[string]json.RawMessage{"n": json.RawMessage(`{}`)}, TrustPolicy: json.RawMessage(`{}`),
			Trusts: []roleTrust{{Provider: "p", Audiences: []string{"a"}, Subjects: []string{}, MoreConditions: true}},
		}},
		"a provider": {"Provider", providerReport{TypeMeta: typeMeta("Provider"), ARN: "p", Audiences: []string{"a"}, Thumbprints: []string{"t"}, Created: now, Tags: map[string]string{"a": "b"}}},
		"a version":  {"Version", versionReport{TypeMeta: typeMeta("Version"), Version: "v", Commit: "c", Date: "d", Go: "go", Platform: "linux/amd64"}},
	} {
		held[tc.kind] = true
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(tc.report)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(schemas[tc.kind], text); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
	printed := kindsPrinted(t)
	if diff := cmp.Diff(printed, slices.Sorted(maps.Keys(held))); diff != "" {
		t.Errorf("kinds that commands print, and those that this test holds (-printed +held):\n%s", diff)
	}
	if diff := cmp.Diff(printed, slices.Sorted(maps.Keys(schemas))); diff != "" {
		t.Errorf("kinds that commands print, and those of docs/schema (-printed +schema):\n%s", diff)
	}
}

// readSchemas is every schema of docs/schema by the kind that it is for.
func readSchemas(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../docs/schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var of struct {
			Properties struct {
				Kind struct{ Const string }
			}
		}
		if err := json.Unmarshal(text, &of); err != nil {
			t.Fatal(err)
		}
		schemas[of.Properties.Kind.Const] = text
	}
	return schemas
}

// kindsPrinted are those that this package's code gives to typeMeta, sorted.
func kindsPrinted(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			if name, is := call.Fun.(*ast.Ident); is && name.Name == "typeMeta" {
				kind, err := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				kinds[kind] = true
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(kinds))
}
