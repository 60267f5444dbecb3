package doctor

import (
	"errors"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

const linkProvider = "provider"

func providerChecks() []Check {
	return []Check{
		{ID: "provider-exists", Link: linkProvider, Title: "the role's account has a provider for the issuer", Needs: []string{"issuer-public", "role-arn-valid"}, Run: providerExists},
		{ID: "provider-account", Link: linkProvider, Title: "provider and role are in one account", Needs: []string{"provider-exists"}, Run: providerAccount},
		{ID: "audience-registered", Link: linkProvider, Title: "it knows the token's audience", Needs: []string{"provider-exists"}, Run: audienceRegistered},
	}
}

func providerExists(f Facts) Result {
	switch {
	case f.Provider.Err == nil:
		return pass("%s", f.Provider.Value.ARN)
	case f.accepted():
		return pass(provedBySTS)
	case missing(f.Provider.Err):
		return f.noProvider()
	case strings.Contains(f.refusal(), "no openidconnect provider found"):
		return fixed(fail("PROV1", "STS says: %v", brief(f.STS.Err)), f.createProvider())
	case strings.Contains(f.refusal(), "incorrect token audience"):
		return pass("STS found it: it refused the audience")
	}
	return withheld("iam:GetOpenIDConnectProvider", f.Provider.Err)
}

// noProvider looks for a provider that was meant, which differs by a slash, by
// case or by a path.
func (f Facts) noProvider() Result {
	want := hostPath(f.Issuer)
	create := f.createProvider()
	for _, arn := range f.Providers.Value {
		_, have, _ := strings.Cut(arn, ":oidc-provider/")
		if plainURL(have) == plainURL(want) {
			r := compared(fail("ISS2", "account %s has a provider whose URL is almost the tokens' issuer", f.Role.Value.Account), check.Compare("token", want, "provider", have))
			if meant := f.meantIssuer(); meant != "" {
				return f.otherIssuer(r, meant)
			}
			return fixed(r, create)
		}
	}
	for _, arn := range f.Providers.Value {
		_, have, _ := strings.Cut(arn, ":oidc-provider/")
		if strings.HasPrefix(plainURL(have), plainURL(want)+"/") || strings.HasPrefix(plainURL(want), plainURL(have)+"/") {
			r := fail("ISS2", "account %s has a provider for another path of that host", f.Role.Value.Account)
			return fixed(compared(r, check.Compare("token", want, "provider", have)), create)
		}
	}
	account := f.Role.Value.Account
	if account == "" {
		account = f.Caller.Value.Account
	}
	r := fail("PROV1", "account %s has no OIDC provider for %s", account, f.Issuer)
	if f.Providers.Err == nil && len(f.Providers.Value) >= 100 {
		r.Detail += "\nit has " + f.count() + " providers; the quota is 100 unless it was raised (PROV5)"
	}
	return fixed(r, create)
}

func (f Facts) createProvider() string {
	if f.WantedAudience == irsa.DefaultAudience || f.WantedAudience == "" {
		return f.build("provider create")
	}
	return f.build("provider create --audience %s", shell.Word(f.WantedAudience))
}

func (f Facts) count() string { return itoa(len(f.Providers.Value)) }

func plainURL(s string) string { return strings.ToLower(strings.TrimRight(s, "/")) }

func providerAccount(f Facts) Result {
	switch {
	case f.Role.Err != nil:
		return unknown("%v", ErrNeedsRole)
	case f.Provider.Err == nil:
		return pass("account %s", f.Role.Value.Account)
	case f.accepted():
		return pass(provedBySTS)
	}
	other, ok := errors.AsType[*elsewhere](f.Provider.Err)
	if !ok || f.Providers.Err != nil {
		return withheld("iam:GetOpenIDConnectProvider", f.Provider.Err)
	}
	in := slices.IndexFunc(f.Providers.Value, func(arn string) bool {
		return strings.HasSuffix(arn, ":oidc-provider/"+hostPath(f.Issuer))
	})
	if in < 0 || f.refusal() == "" {
		return unknown("%v", other)
	}
	r := fail("PROV2", "the provider is in account %s, the role in %s; STS looks in the role's account, and refused", other.caller, other.role)
	if !f.RoleFromFlag {
		r.Cause = "SA2"
		own := f.Role.Value
		own.Account = other.caller
		r.Compare = check.Compare("perhaps", own.String(), "annotated", f.RoleText)
		return fixed(r, f.useRole(own.String()))
	}
	r.Detail += "\nwith AWS credentials of account " + other.role + ":"
	return fixed(r, "kubectl irsa provider create"+f.Paste.Kube)
}

func audienceRegistered(f Facts) Result {
	switch {
	case f.Provider.Err == nil && slices.Contains(f.Provider.Value.Audiences, f.WantedAudience):
		return pass("%s", f.WantedAudience)
	case f.Provider.Err == nil:
		if meant := f.meantAudience(); meant != "" {
			return f.otherAudience(fail("PROV3", "the annotation %s names an audience that it does not know", irsa.AnnotationAudience), meant)
		}
		have := f.Provider.Value.Audiences
		r := fail("PROV3", "its client IDs are %s, the token is for %s", list(have), f.WantedAudience)
		if len(have) == 0 {
			r.Detail = "it has no client ID, the token is for " + f.WantedAudience
		}
		if len(have) == 1 {
			r.Detail = ""
			r.Compare = check.Compare("token", f.WantedAudience, "client ID", have[0])
		}
		return fixed(r, f.build("provider audience add %s", shell.Word(f.WantedAudience)))
	case f.accepted():
		return pass(provedBySTS)
	case strings.Contains(f.refusal(), "incorrect token audience"):
		return fixed(fail("PROV3", "STS says: %v", brief(f.STS.Err)), f.build("provider audience add %s", shell.Word(f.WantedAudience)))
	}
	return withheld("iam:GetOpenIDConnectProvider", f.Provider.Err)
}

// homeChecks are about the account of the credentials.
func homeChecks() []Check {
	return []Check{
		{ID: "bucket-owned", Link: linkProvider, Title: "the issuer's bucket is the account's own", Needs: []string{"provider-exists"}, Run: bucketOwned},
		{ID: "providers-few", Link: linkProvider, Title: "the account has room for more providers", Run: providersFew},
	}
}

// bucketOwned looks for a bucket that somebody else owns: then they can sign for
// the cluster, and become each role that trusts the provider.
func bucketOwned(f Facts) Result {
	bucket, inS3 := irsa.ParseS3URL(f.Issuer)
	noBucket, refused := errors.AsType[*oidc.StatusError](f.Discovery.Err)
	switch {
	case !inS3:
		return skip("the issuer is not in S3")
	case refused && noBucket.Code == "NoSuchBucket":
		return skip("there is no bucket")
	case f.Owned.Err != nil:
		return withheld("s3:ListAllMyBuckets", f.Owned.Err)
	case f.Owned.Value:
		return pass("%s", bucket.Bucket)
	}
	r := warn("PROV4", "bucket %s is not one of account %s: whoever owns it can sign for this cluster; if no account of yours does, delete the provider", bucket.Bucket, f.Caller.Value.Account)
	return fixed(r, "aws s3api get-object --bucket "+bucket.Bucket+" --key "+strings.TrimPrefix(bucket.Path+oidc.DiscoveryPath, "/")+
		" --expected-bucket-owner ACCOUNT /dev/null"+f.Paste.CLI+" # fails unless ACCOUNT owns it")
}

// providerQuota is AWS's default: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const providerQuota = 100

func providersFew(f Facts) Result {
	if f.Providers.Err != nil {
		return withheld("iam:ListOpenIDConnectProviders", f.Providers.Err)
	}
	if n := len(f.Providers.Value); n >= providerQuota-5 {
		return warn("PROV5", "it has %d; the quota is %d unless it was raised", n, providerQuota)
	}
	return pass("%d of %d", len(f.Providers.Value), providerQuota)
}
