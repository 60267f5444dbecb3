// Package terraform holds generated Terraform to Terraform's own parser.
package terraform

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func blocks(t *testing.T) hclsyntax.Blocks {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "pkg", "generate", "testdata", "chain.tf"))
	if err != nil {
		t.Fatal(err)
	}
	file, problems := hclsyntax.ParseConfig(text, "chain.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return file.Body.(*hclsyntax.Body).Blocks
}

// TestItIsFormatted holds it to what terraform fmt writes.
func TestItIsFormatted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "pkg", "generate", "testdata", "chain.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(hclwrite.Format(text)), string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestItParsesAndNamesWhatTheScriptMakes(t *testing.T) {
	var got []string
	for _, b := range blocks(t) {
		got = append(got, strings.Join(append([]string{b.Type}, b.Labels...), " "))
	}
	want := []string{
		"terraform", "provider aws",
		"resource aws_s3_bucket issuer", "resource aws_s3_bucket_ownership_controls issuer",
		"resource aws_s3_bucket_public_access_block issuer", "resource aws_s3_bucket_policy issuer",
		"resource aws_s3_object keys", "resource aws_s3_object discovery",
		"resource aws_iam_openid_connect_provider issuer", "resource aws_iam_role role",
		"resource aws_iam_role_policy_attachment policy_1", "resource aws_iam_role_policy inline",
		"output role_arn", "output annotate",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	script, err := os.ReadFile(filepath.Join("..", "..", "pkg", "generate", "testdata", "chain.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks(t) {
		for _, name := range []string{"bucket", "key", "url", "policy_arn", "name", "path", "permissions_boundary"} {
			if attribute := b.Body.Attributes[name]; attribute != nil {
				if value, ok := constant(t, attribute); ok && !strings.Contains(string(script), value) {
					t.Errorf("%v: the script does not know the %s %s", b.Labels, name, value)
				}
			}
		}
	}
}

// constant is what an attribute says where it depends on nothing.
func constant(t *testing.T, a *hclsyntax.Attribute) (string, bool) {
	t.Helper()
	if len(a.Expr.Variables()) > 0 {
		return "", false
	}
	value, problems := a.Expr.Value(nil)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return value.AsString(), value.Type() == cty.String
}

// TestTextsComeThrough evaluates what had characters of Terraform's own in it.
func TestTextsComeThrough(t *testing.T) {
	context := &hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}, Variables: map[string]cty.Value{
		"aws_iam_openid_connect_provider": cty.ObjectVal(map[string]cty.Value{
			"issuer": cty.ObjectVal(map[string]cty.Value{"arn": cty.StringVal("arn:aws:iam::111122223333:oidc-provider/x")}),
		}),
		"aws_iam_role": cty.ObjectVal(map[string]cty.Value{
			"role": cty.ObjectVal(map[string]cty.Value{"arn": cty.StringVal("arn:aws:iam::111122223333:role/team/shop-cart")}),
		}),
	}}
	value := func(label, name string) string {
		for _, b := range blocks(t) {
			if slices.Contains(b.Labels, label) && b.Body.Attributes[name] != nil {
				v, problems := b.Body.Attributes[name].Expr.Value(context)
				if problems.HasErrors() {
					t.Fatal(problems)
				}
				return v.AsString()
			}
		}
		t.Fatalf("no %s in %s", name, label)
		return ""
	}
	if got, want := value("discovery", "content"), `{"a":"it's ${HOME} %{b}"}`; got != want {
		t.Errorf("content %s, want %s", got, want)
	}
	if got := value("inline", "policy"); !strings.Contains(got, "arn:aws:s3:::${aws:PrincipalTag/team}/*") {
		t.Errorf("inline policy %s", got)
	}
	if got := value("aws_iam_role", "assume_role_policy"); !strings.Contains(got, `"Federated":"arn:aws:iam::111122223333:oidc-provider/x"`) {
		t.Errorf("trust policy %s", got)
	}
	want := "kubectl --context 'kind-a b' -n shop annotate serviceaccount cart eks.amazonaws.com/audience=vault " +
		"eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/team/shop-cart --overwrite"
	if got := value("annotate", "value"); got != want {
		t.Errorf("annotate %s\nwant     %s", got, want)
	}
}
