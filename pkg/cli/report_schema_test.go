package cli

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
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
	root := check.Root(findings, check.Fail)
	for name, tc := range map[string]struct {
		file   string
		report any
	}{
		"a chain with every field": {"chain.json", chainReport{
			TypeMeta: typeMeta("Chain"), Subject: chainSubject{"ServiceAccount", "shop", "cart"}, Context: "c", RoleARN: "r", Audience: "a",
			Issuer: "i", Session: "s", Checks: findings, RootCause: root, Summary: check.Count(findings),
		}},
		"a chain that holds": {"chain.json", chainReport{
			TypeMeta: typeMeta("Chain"), Subject: chainSubject{Kind: "Issuer", Name: "i"}, Checks: findings[:1], Summary: check.Count(findings),
		}},
		"a report": {"report.json", findingsReport{
			TypeMeta: typeMeta("Report"), Subject: "s", Context: "c", Checks: findings, RootCause: root, Summary: check.Count(findings),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := os.ReadFile("../../docs/schema/" + tc.file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(tc.report)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(rules, text); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}
