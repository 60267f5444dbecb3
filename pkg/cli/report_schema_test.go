package cli

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/bindings"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
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
		"bindings": {"bindings.json", bindingsReport{TypeMeta: typeMeta("Bindings"), Issuer: "i", Items: []bindingItem{
			{"shop", "cart", "r", "a", 2, bindings.Bound, "d"}, {Namespace: "shop", ServiceAccount: "till", RoleARN: "r", Status: bindings.NotAnnotated},
			{Status: bindings.NotTrusted}, {Status: bindings.RoleMissing}, {Status: bindings.AccountGone}, {Status: bindings.BadARN}, {Status: bindings.Unknown},
		}}},
		"roles": {"roles.json", rolesReport{TypeMeta: typeMeta("Roles"), Items: []roleItem{
			{RoleARN: "r", Issuer: "i", Audiences: []string{"a"}, Subjects: []string{"s"}, MoreConditions: true}, {RoleARN: "r", Issuer: "i", Subjects: []string{}},
		}}},
		"providers": {"providers.json", providersReport{TypeMeta: typeMeta("Providers"), Items: []providerItem{
			{ARN: "p", Issuer: "i", Audiences: []string{"a"}, Issuing: issuerAnswers}, {ARN: "p", Issuer: "i", Issuing: issuerGone, Detail: "d"}, {Issuing: issuerRefuses},
		}}},
		"an answer of IAM": {"access.json", canIAnswer{TypeMeta: typeMeta("Access"), RoleARN: "r", Action: "s3:GetObject", Resource: "*", Decision: "implicitDeny", Policies: []string{}, Detail: "d"}},
		"an explanation":   {"explanation.json", explanation{TypeMeta: typeMeta("Explanation"), Causes: []explainedCause{{"PROV1", "t", "m", []string{"c"}, []string{"n"}}, {Code: "STSX", Next: []string{}}}}},
		"a login": {"login.json", loginReport{
			TypeMeta: typeMeta("Login"), Mode: login.TokenFile, Issuer: "i", RoleARN: "r", RoleSource: creds.FromFlag, AudienceSource: creds.FromDefault,
			Region: "x", RoleSessionARN: "s", AccountID: "1", Expiration: &now, TokenExpiration: &now, Warnings: []string{"w"},
		}},
		"a login that was not made": {"login.json", loginReport{TypeMeta: typeMeta("Login"), Mode: login.Process, AudienceSource: creds.FromAnnotation, DryRun: dryRunServer}},
		"profiles": {"profiles.json", profilesReport{TypeMeta: typeMeta("Profiles"), Items: []profileItem{
			{Name: "p", Mode: login.Static, RoleARN: "r", Expiration: &now, Binary: "b", BinaryMissing: true}, {Mode: login.Process},
		}}},
		"a token": {"token.json", tokenReport{
			TypeMeta: typeMeta("Token"), Header: tokenHeader{"RS256", "k"}, Verified: tokenVerified{Detail: "d"},
			Claims: tokenClaims{Audience: []string{"a"}, ID: "j", Kubernetes: &oidc.KubernetesClaims{Namespace: "n", Pod: &oidc.ObjectRef{Name: "p", UID: "u"}, WarnAfter: 1}},
		}},
		"a plan": {"plan.json", planReport{TypeMeta: typeMeta("Plan"), DryRun: dryRunClient, Report: plan.Report{Steps: []plan.StepReport{{ID: "i", Title: "t", State: plan.Needed, Detail: "d", Error: "e"}}}}},
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
