package generate

import (
	"fmt"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/issuer"
)

// AWSCLI is the chain as a bash script of AWS CLI and kubectl calls. It can be
// run again: what is there is left as it is. ARNs are taken from AWS's answers.
func (c *Chain) AWSCLI() (string, error) {
	if err := c.Check(); err != nil {
		return "", err
	}
	s := &script{}
	s.line("#!/usr/bin/env bash")
	s.line("# Makes %s become the role %s, for tokens of", irsa.Subject(c.Namespace, c.ServiceAccount), c.Role.Name)
	s.line("# %s", c.Issuer)
	s.line("# Written by kubectl irsa generate aws-cli. Running it again changes nothing more.")
	s.line("set -euo pipefail")
	s.line("export AWS_PAGER=")
	s.line("say() { printf '%%s\\n' \"$*\" >&2; }")
	s.line("account=$(aws sts get-caller-identity --query Account --output text)")
	if c.Account != "" {
		s.line("[[ $account == %s ]] || { say \"these credentials are of account $account, and the role is to be in\" %s; exit 1; }", quote(c.Account), quote(c.Account))
	}
	if c.Bucket != nil {
		c.bucketScript(s)
	}
	c.providerScript(s)
	c.roleScript(s)
	c.accountScript(s)
	return s.String(), s.err
}

// script collects lines and remembers the first error.
type script struct {
	strings.Builder
	err error
}

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

func (s *script) text(text string, err error) string {
	if s.err == nil {
		s.err = err
	}
	return quote(text)
}

// quote is a word as a POSIX shell reads it back exactly.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@%+-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func words(list []string) string {
	quoted := make([]string, len(list))
	for i, word := range list {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

func (c *Chain) bucketScript(s *script) {
	at := c.Bucket.Location
	s.line("\n# The bucket of the issuer's documents.")
	s.line("# Servers other than AWS may know owners by other names: BUCKET_OWNER says which.")
	s.line("bucket_refused() {")
	s.line("  say \"$1\"")
	s.line("  case ${BUCKET_OWNER:-none}$1 in none*403* | none*AccessDenied*)")
	s.line("    say \"if this server knows owners by other names than $account, as servers other than AWS may, set BUCKET_OWNER to the bucket's\" ;;")
	s.line("  esac")
	s.line("  exit 1")
	s.line("}")
	s.line("bucket=(--bucket %s --region %s --expected-bucket-owner \"${BUCKET_OWNER:-$account}\")", quote(at.Bucket), quote(at.Region))
	s.line("made=")
	s.line("if ! found=$(aws s3api head-bucket \"${bucket[@]}\" 2>&1); then")
	s.line("  case $found in *404* | *'Not Found'*) ;; *) bucket_refused \"$found\" ;; esac")
	constraint := ""
	if at.Region != "us-east-1" { // which S3 refuses as a constraint
		constraint = " --create-bucket-configuration LocationConstraint=" + quote(at.Region)
	}
	if at.Reserved() {
		constraint += " --bucket-namespace account-regional"
	}
	s.line("  aws s3api create-bucket --bucket %s --region %s --object-ownership BucketOwnerEnforced%s >/dev/null", quote(at.Bucket), quote(at.Region), constraint)
	s.line("  made=yes")
	s.line("elif ! tags=$(aws s3api get-bucket-tagging \"${bucket[@]}\" 2>&1) && [[ $tags = *NoSuchTagSet* ]] &&")
	s.line("  [ \"$(aws s3api list-objects-v2 \"${bucket[@]}\" --max-keys 1 --query 'length(Contents || `[]`)')\" = 0 ]; then")
	s.line("  made=yes # by a run that was interrupted")
	s.line("fi")
	tags, err := tagList(c.bucketTags())
	s.line("if [ -n \"$made\" ]; then")
	s.line("  refused=$(aws s3api put-bucket-tagging \"${bucket[@]}\" --tagging %s 2>&1 >/dev/null) || bucket_refused \"$refused\"", s.text(`{"TagSet":`+tags+`}`, err))
	s.line("fi")
	if c.Bucket.Direct {
		c.openScript(s)
	}
	s.line("\n# The two documents, the key set first. What is public already stays: tokens are in")
	s.line("# use that need keys which this script, written before a rotation, does not know.")
	for _, document := range c.Bucket.Documents {
		s.line("document=$(mktemp)")
		s.line("printf %%s %s >\"$document\"", quote(string(document.Text)))
		s.line("if ! refused=$(aws s3api put-object \"${bucket[@]}\" --key %s --body \"$document\" --if-none-match '*' \\", quote(document.Key))
		s.line("  --content-type %s --cache-control %s 2>&1 >/dev/null); then", quote(issuer.ContentType), quote(issuer.CacheControl))
		s.line("  case $refused in")
		s.line("  *PreconditionFailed*) say %s ;;", quote(document.Key+" is there already, and left as it is; kubectl irsa publish merges keys"))
		s.line("  *) bucket_refused \"$refused\" ;;")
		s.line("  esac")
		s.line("fi")
		s.line("rm -f \"$document\"")
	}
}

// openScript lets anybody read the two documents. A server without Block Public
// Access is no obstacle, and neither is one that takes a while to believe it.
func (c *Chain) openScript(s *script) {
	s.line("\n# Block Public Access is relaxed as far as a policy for two objects needs.")
	s.line("acls=true ignore=true policy=true restrict=true")
	s.line("if [ -z \"$made\" ]; then")
	s.line("  read -r acls ignore policy restrict < <(aws s3api get-public-access-block \"${bucket[@]}\" --output text \\")
	s.line("    --query 'PublicAccessBlockConfiguration.[BlockPublicAcls,IgnorePublicAcls,BlockPublicPolicy,RestrictPublicBuckets]' 2>/dev/null) ||")
	s.line("    policy=false restrict=false")
	s.line("fi")
	s.line("case $policy$restrict in *[Tt]rue*)")
	s.line("  if ! refused=$(aws s3api put-public-access-block \"${bucket[@]}\" --public-access-block-configuration \\")
	s.line("    \"BlockPublicAcls=$acls,IgnorePublicAcls=$ignore,BlockPublicPolicy=false,RestrictPublicBuckets=false\" 2>&1); then")
	s.line("    case $refused in *NotImplemented*) ;; *) bucket_refused \"$refused\" ;; esac")
	s.line("  fi ;;")
	s.line("esac")
	policy, err := c.Bucket.policy()
	s.line("policy=%s", s.text(policy, err))
	s.line("if there=$(aws s3api get-bucket-policy \"${bucket[@]}\" --query Policy --output text 2>&1); then")
	s.line("  [ \"$there\" = \"$policy\" ] || say %s", quote("the bucket has a policy already, which is left as it is; it has to hold: "+policy))
	s.line("elif [[ $there != *NoSuchBucketPolicy* ]]; then")
	s.line("  bucket_refused \"$there\"")
	s.line("else")
	s.line("  for attempt in 1 2 3 4 5 6 7 8; do")
	s.line("    aws s3api put-bucket-policy \"${bucket[@]}\" --policy \"$policy\" && break")
	s.line("    [ \"$attempt\" -lt 8 ] || exit 1")
	s.line("    sleep \"$attempt\"")
	s.line("  done")
	s.line("fi")
}

func (c *Chain) providerScript(s *script) {
	name := strings.TrimPrefix(c.Issuer, "https://")
	tags, err := tagList(c.tags())
	s.line("\n# The OIDC provider.")
	s.line("provider=$(aws iam list-open-id-connect-providers --output text \\")
	s.line("  --query %s)", quote("OpenIDConnectProviderList[?ends_with(Arn, ':oidc-provider/"+name+"')].Arn | [0]"))
	s.line("if [ \"$provider\" = None ]; then")
	s.line("  provider=$(aws iam create-open-id-connect-provider --url %s --client-id-list %s \\", quote(c.Issuer), quote(c.Audience))
	s.line("    --tags %s --query OpenIDConnectProviderArn --output text)", s.text(tags, err))
	s.line("elif ! aws iam get-open-id-connect-provider --open-id-connect-provider-arn \"$provider\" --query ClientIDList --output text |")
	s.line("  tr '\\t' '\\n' | grep -Fx -- %s >/dev/null; then", quote(c.Audience))
	s.line("  aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn \"$provider\" --client-id %s", quote(c.Audience))
	s.line("fi")
}

func (c *Chain) roleScript(s *script) {
	r := c.Role
	tags, err := tagList(c.tags())
	create := "  role=$(aws iam create-role --role-name " + quote(r.Name) + " --assume-role-policy-document \"$trust\" --tags " + s.text(tags, err)
	for _, option := range [][2]string{{"--path", r.Path}, {"--description", r.Description}, {"--permissions-boundary", r.Boundary}} {
		if option[1] != "" {
			create += " " + option[0] + " " + quote(option[1])
		}
	}
	if r.MaxSession != 0 {
		create += fmt.Sprintf(" --max-session-duration %d", r.MaxSession/time.Second)
	}
	const mark = "PROVIDER_ARN"
	trust, err := c.trust(mark)
	s.line("\n# The role, and whom it trusts.")
	s.line("trust=%s", s.text(trust, err))
	s.line("trust=${trust//%s/$provider}", mark)
	s.line("if role=$(aws iam get-role --role-name %s --query Role.Arn --output text 2>&1); then", quote(r.Name))
	s.line("  say \"the role $role is there already, and its trust policy is left as it is; it has to hold: $trust\"")
	s.line("elif [[ $role != *NoSuchEntity* ]]; then")
	s.line("  say \"$role\"; exit 1")
	s.line("else")
	s.line("%s --query Role.Arn --output text)", create)
	s.line("fi")
	for _, arn := range r.PolicyARNs {
		s.line("aws iam attach-role-policy --role-name %s --policy-arn %s", quote(r.Name), quote(arn))
	}
	if r.Inline != nil {
		s.line("aws iam put-role-policy --role-name %s --policy-name %s --policy-document %s", quote(r.Name), quote(c.inlineName()), quote(string(r.Inline)))
	}
}

func (c *Chain) accountScript(s *script) {
	kubectl := words(c.kubectl())
	s.line("\n# The ServiceAccount.")
	s.line("%s get serviceaccount %s >/dev/null 2>&1 || %s create serviceaccount %s", kubectl, quote(c.ServiceAccount), kubectl, quote(c.ServiceAccount))
	s.line("%s annotate serviceaccount %s %s=\"$role\"%s --overwrite --field-manager=kubectl-irsa",
		kubectl, quote(c.ServiceAccount), irsa.AnnotationRoleARN, prefixed(" ", words(c.annotations())))
}

func prefixed(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}
