package generate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
)

// Terraform is the chain as Terraform of the AWS provider. The ServiceAccount's
// annotation is an output: a command to paste.
func (c *Chain) Terraform() (string, error) {
	if err := c.Check(); err != nil {
		return "", err
	}
	t := &hcl{}
	t.line("# Makes %s become the role %s.", irsa.Subject(c.Namespace, c.ServiceAccount), c.Role.Name)
	t.line("# Written by kubectl irsa generate terraform.")
	// thumbprint_list can be left out from 5.81.0 on:
	// https://github.com/hashicorp/terraform-provider-aws/pull/37255
	t.line("terraform {\n  required_providers {\n    aws = {\n      source  = \"hashicorp/aws\"\n      version = \">= 5.81.0\"\n    }\n  }\n}")
	if c.Bucket != nil {
		t.block("provider", []string{"aws"}, attribute{"region", text(c.Bucket.Location.Region)})
		c.bucketHCL(t)
	}
	t.block("resource", []string{"aws_iam_openid_connect_provider", "issuer"},
		attribute{"url", text(c.Issuer)}, attribute{"client_id_list", list(c.Audience)}, attribute{"tags", t.object(c.tags())})
	c.roleHCL(t)
	annotate := append(c.kubectl(), "annotate", "serviceaccount", c.ServiceAccount)
	line := template(words(append(annotate, c.annotations()...))) + " " + irsa.AnnotationRoleARN + "=${aws_iam_role.role.arn} --overwrite"
	t.block("output", []string{"role_arn"}, attribute{"value", "aws_iam_role.role.arn"})
	t.block("output", []string{"annotate"}, attribute{"value", `"` + line + `"`})
	return t.String(), t.err
}

func (c *Chain) bucketHCL(t *hcl) {
	const bucket = "aws_s3_bucket.issuer.id"
	t.block("resource", []string{"aws_s3_bucket", "issuer"},
		attribute{"bucket", text(c.Bucket.Location.Bucket)}, attribute{"tags", t.object(c.bucketTags())})
	t.block("resource", []string{"aws_s3_bucket_ownership_controls", "issuer"},
		attribute{"bucket", bucket}, attribute{"", "rule {\n    object_ownership = \"BucketOwnerEnforced\"\n  }"})
	var open []string
	if c.Bucket.Direct {
		t.block("resource", []string{"aws_s3_bucket_public_access_block", "issuer"},
			attribute{"bucket", bucket}, attribute{"block_public_acls", "true"}, attribute{"ignore_public_acls", "true"},
			attribute{"block_public_policy", "false"}, attribute{"restrict_public_buckets", "false"})
		policy, err := c.Bucket.policy()
		t.keep(err)
		t.block("resource", []string{"aws_s3_bucket_policy", "issuer"},
			attribute{"bucket", bucket}, attribute{"policy", t.policy(policy)},
			attribute{"depends_on", "[aws_s3_bucket_public_access_block.issuer]"})
	}
	for i, document := range c.Bucket.Documents {
		name := []string{"keys", "discovery"}[i]
		attributes := []attribute{
			{"bucket", bucket}, {"key", text(document.Key)}, {"content", text(string(document.Text))},
			{"content_type", text(issuer.ContentType)}, {"cache_control", text(issuer.CacheControl)},
		}
		if len(open) > 0 {
			attributes = append(attributes, attribute{"depends_on", "[" + strings.Join(open, ", ") + "]"})
		}
		t.block("resource", []string{"aws_s3_object", name}, attributes...)
		open = []string{"aws_s3_object.keys"} // the document that leads to the keys goes last
	}
}

func (c *Chain) roleHCL(t *hcl) {
	const mark = "PROVIDER_ARN"
	trust, err := c.trust(mark)
	t.keep(err)
	attributes := []attribute{
		{"name", text(c.Role.Name)},
		{"assume_role_policy", strings.ReplaceAll(t.policy(trust), text(mark), "aws_iam_openid_connect_provider.issuer.arn")},
	}
	for _, option := range []struct{ name, value string }{
		{"path", c.Role.Path}, {"description", c.Role.Description}, {"permissions_boundary", c.Role.Boundary},
	} {
		if option.value != "" {
			attributes = append(attributes, attribute{option.name, text(option.value)})
		}
	}
	if c.Role.MaxSession != 0 {
		attributes = append(attributes, attribute{"max_session_duration", fmt.Sprint(int64(c.Role.MaxSession / time.Second))})
	}
	t.block("resource", []string{"aws_iam_role", "role"}, append(attributes, attribute{"tags", t.object(c.tags())})...)
	for i, arn := range c.Role.PolicyARNs {
		t.block("resource", []string{"aws_iam_role_policy_attachment", fmt.Sprintf("policy_%d", i+1)},
			attribute{"role", "aws_iam_role.role.name"}, attribute{"policy_arn", text(arn)})
	}
	if c.Role.Inline != nil {
		t.block("resource", []string{"aws_iam_role_policy", "inline"},
			attribute{"name", text(c.inlineName())}, attribute{"role", "aws_iam_role.role.id"}, attribute{"policy", t.policy(string(c.Role.Inline))})
	}
}

// hcl collects blocks and remembers the first error.
type hcl struct {
	strings.Builder
	err error
}

// attribute is a name and an expression; without a name, a block in the block.
type attribute struct{ name, value string }

func (h *hcl) keep(err error) {
	if h.err == nil {
		h.err = err
	}
}

func (h *hcl) line(format string, args ...any) { fmt.Fprintf(h, format+"\n", args...) }

func (h *hcl) block(kind string, labels []string, attributes ...attribute) {
	h.WriteString("\n" + kind)
	for _, label := range labels {
		h.WriteString(" " + text(label))
	}
	h.WriteString(" {\n")
	h.WriteString(lines(attributes, "  ", func(name string) string { return name }))
	h.WriteString("}\n")
}

// lines are attributes as terraform fmt writes them: the equals signs of those that
// follow each other and are one line long stand below each other.
func lines(attributes []attribute, indent string, name func(string) string) string {
	var b strings.Builder
	for len(attributes) > 0 {
		run := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == "" || strings.Contains(a.value, "\n") })
		if run < 0 {
			run = len(attributes)
		}
		width := 0
		for _, a := range attributes[:run] {
			width = max(width, len(name(a.name)))
		}
		for _, a := range attributes[:run] {
			fmt.Fprintf(&b, "%s%-*s = %s\n", indent, width, name(a.name), a.value)
		}
		if attributes = attributes[run:]; len(attributes) == 0 {
			break
		}
		b.WriteString(indent)
		if a := attributes[0]; a.name != "" {
			b.WriteString(name(a.name) + " = ")
		}
		b.WriteString(attributes[0].value + "\n")
		attributes = attributes[1:]
	}
	return b.String()
}

// text is a string as HCL reads it: its escapes are JSON's, and a template
// begins with ${ or %{.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func text(s string) string { return `"` + template(s) + `"` }

// template is text without its quotes.
func template(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return "" // a string always encodes
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted[1 : len(quoted)-1])
}

func list(items ...string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = text(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (h *hcl) object(m map[string]string) string {
	document, err := json.Marshal(m)
	h.keep(err)
	return h.value(string(document))
}

// policy is a policy for jsonencode, so that it can be read and changed.
func (h *hcl) policy(document string) string { return "jsonencode(" + h.value(document) + ")" }

// value is JSON as an expression of an attribute, its keys in their order.
func (h *hcl) value(document string) string {
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	expression, err := value(d, "  ")
	h.keep(err)
	return expression
}

// value reads one value; indent is that of the line on which it begins.
func value(d *json.Decoder, indent string) (string, error) {
	token, err := d.Token()
	if err != nil {
		return "", fmt.Errorf("reading a document of JSON: %w", err)
	}
	switch token := token.(type) {
	case string:
		return text(token), nil
	case nil:
		return "null", nil
	case json.Delim:
		return composite(d, token, indent)
	}
	return fmt.Sprint(token), nil
}

// composite reads the rest of an object or a list, and its closing bracket.
func composite(d *json.Decoder, open json.Delim, indent string) (string, error) {
	var members []attribute
	for d.More() {
		var member attribute
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return "", fmt.Errorf("reading a document of JSON: %w", err)
			}
			member.name = fmt.Sprint(key)
		}
		expression, err := value(d, indent+"  ")
		if err != nil {
			return "", err
		}
		member.value = expression
		members = append(members, member)
	}
	if _, err := d.Token(); err != nil {
		return "", fmt.Errorf("reading a document of JSON: %w", err)
	}
	switch {
	case open == '{' && len(members) > 0:
		return "{\n" + lines(members, indent+"  ", key) + indent + "}", nil
	case open == '{':
		return "{}", nil
	}
	return listed(members, indent), nil
}

// listed is a list on one line where its members are.
func listed(members []attribute, indent string) string {
	several := len(members) > 1
	var items []string
	for _, m := range members {
		items = append(items, m.value)
		several = several || strings.Contains(m.value, "\n")
	}
	if !several {
		return "[" + strings.Join(items, ", ") + "]"
	}
	inner := indent + "  "
	return "[\n" + inner + strings.Join(items, ",\n"+inner) + ",\n" + indent + "]"
}

// key is the key of an object, which is quoted unless it is a name.
func key(s string) string {
	if isName(s) {
		return s
	}
	return text(s)
}

// isName reports whether a key is a name in HCL and no word of its own.
func isName(s string) bool {
	letters := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	return s != "" && letters && !slices.Contains([]string{"null", "true", "false", "for", "if", "in"}, s)
}
