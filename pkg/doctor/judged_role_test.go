package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

func TestWhatIsSaidOfTheProvider(t *testing.T) {
	const of = "arn:aws:iam::111122223333:oidc-provider/"
	gone := func(others ...string) func(*Facts) {
		return func(f *Facts) {
			f.Provider.Err, f.STS.Err = said("NoSuchEntity", ""), said("InvalidIdentityToken", "")
			f.Providers.Value = others
		}
	}
	many := func(n int) []string { return slices.Repeat([]string{of + "example.com"}, n) }
	clients := func(ids ...string) func(*Facts) { return func(f *Facts) { f.Provider.Value.Audiences = ids } }
	// elsewhereIs has credentials of another account, which has a provider for the
	// issuer, and STS find none in the role's.
	elsewhereIs := func(but func(*Facts)) func(*Facts) {
		return func(f *Facts) {
			f.Provider.Err = &elsewhere{caller: "444455556666", role: "111122223333"}
			f.Providers.Value = []string{"arn:aws:iam::444455556666:oidc-provider/" + hostPath(issuerURL)}
			f.STS.Err = said("InvalidIdentityToken", "No OpenIDConnect provider found in your account for "+issuerURL)
			but(f)
		}
	}
	judge(t, map[string]judged{
		"there is none":            {providerExists, gone(), []string{"fail PROV1", "account 111122223333 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"another issuer's is none": {providerExists, gone(of + "example.com/" + hostPath(issuerURL)), []string{"fail PROV1", "account 111122223333 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"one for a path below":     {providerExists, gone(of + hostPath(issuerURL) + "/one"), []string{"fail ISS2", "account 111122223333 has a provider for another path of that host", "token cluster.s3.us-east-1.amazonaws.com, provider cluster.s3.us-east-1.amazonaws.com/one", "$ kubectl irsa provider create"}},
		"one for the host alone": {providerExists, func(f *Facts) {
			gone(of + hostPath(issuerURL))(f)
			f.Issuer += "/one"
		}, []string{"fail ISS2", "account 111122223333 has a provider for another path of that host", "token cluster.s3.us-east-1.amazonaws.com/one, provider cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"none, and no room for one":   {providerExists, gone(many(100)...), []string{"fail PROV1", "account 111122223333 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "it has 100 providers; the quota is 100 unless it was raised (PROV5)", "$ kubectl irsa provider create"}},
		"none, and room for one more": {providerExists, gone(many(99)...), []string{"fail PROV1", "account 111122223333 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"none, and the list of the others was cut short": {providerExists, func(f *Facts) {
			gone(many(100)...)(f)
			f.Providers.Err = said("Throttling", "")
		}, []string{"fail PROV1", "account 111122223333 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"none, where no role is asked about": {providerExists, func(f *Facts) {
			gone()(f)
			f.Role.Value, f.Caller.Value.Account = irsa.RoleARN{}, "444455556666"
		}, []string{"fail PROV1", "account 444455556666 has no OIDC provider for https://cluster.s3.us-east-1.amazonaws.com", "$ kubectl irsa provider create"}},
		"STS found it": {providerExists, func(f *Facts) {
			f.Provider.Err, f.STS.Err = ErrNoCredentials, said("InvalidIdentityToken", "Incorrect token audience")
		}, []string{"pass", "STS found it: it refused the audience"}},
		"STS proves it": {providerExists, func(f *Facts) { f.Provider.Err = ErrNoCredentials }, []string{"pass", "proved by the exchange; IAM was not read"}},

		"it is in the account of the credentials, not the role's":         {providerAccount, elsewhereIs(func(*Facts) {}), []string{"fail SA2", "the provider is in account 444455556666, the role in 111122223333; STS looks in the role's account, and refused", "perhaps arn:aws:iam::444455556666:role/cart, annotated arn:aws:iam::111122223333:role/cart", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::444455556666:role/cart"}},
		"it is in the account of the credentials, and the role was given": {providerAccount, elsewhereIs(func(f *Facts) { f.RoleFromFlag = true }), []string{"fail PROV2", "the provider is in account 444455556666, the role in 111122223333; STS looks in the role's account, and refused", "with AWS credentials of account 111122223333:", "$ kubectl irsa provider create"}},
		"it is in the account of the credentials, and STS was not asked":  {providerAccount, elsewhereIs(func(f *Facts) { f.STS.Err = ErrNotAsked }), []string{"unknown", "the AWS credentials are of account 444455556666, the role is in 111122223333"}},
		"credentials of another account, which has none":                  {providerAccount, elsewhereIs(func(f *Facts) { f.Providers.Value = nil }), []string{"unknown", "the AWS credentials are of account 444455556666, the role is in 111122223333"}},
		"credentials of another account, whose providers nobody may list": {providerAccount, elsewhereIs(func(f *Facts) { f.Providers.Err = said("AccessDenied", "no") }), []string{"unknown", "the AWS credentials are of account 444455556666, the role is in 111122223333"}},
		"credentials of another account, where the token opens the role":  {providerAccount, elsewhereIs(func(f *Facts) { f.STS.Err = nil }), []string{"pass", "proved by the exchange; IAM was not read"}},
		"no role is known":     {providerAccount, func(f *Facts) { f.Role.Err = ErrNeedsRole }, []string{"unknown", "no role is known"}},
		"no client ID":         {audienceRegistered, clients(), []string{"fail PROV3", "it has no client ID, the token is for sts.amazonaws.com", "$ kubectl irsa provider audience add sts.amazonaws.com"}},
		"another client ID":    {audienceRegistered, clients("vault"), []string{"fail PROV3", "token sts.amazonaws.com, client ID vault", "$ kubectl irsa provider audience add sts.amazonaws.com"}},
		"other client IDs":     {audienceRegistered, clients("vault", "spire"), []string{"fail PROV3", "its client IDs are vault and spire, the token is for sts.amazonaws.com", "$ kubectl irsa provider audience add sts.amazonaws.com"}},
		"room for six more":    {providersFew, func(f *Facts) { f.Providers.Value = many(94) }, []string{"pass", "94 of 100"}},
		"room for five more":   {providersFew, func(f *Facts) { f.Providers.Value = many(95) }, []string{"warn PROV5", "it has 95; the quota is 100 unless it was raised"}},
		"nobody may list them": {providersFew, func(f *Facts) { f.Providers.Err = said("AccessDenied", "no") }, []string{"unknown", "these AWS credentials lack the permission iam:ListOpenIDConnectProviders"}},
	})
}

func TestWhatIsSaidOfTheRole(t *testing.T) {
	// statement is one for the issuer's provider; % stands for the issuer in its
	// condition.
	statement := func(effect, condition string) string {
		return `{"Effect":"` + effect + `","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + hostPath(issuerURL) + `"},` +
			`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + strings.ReplaceAll(condition, "%", hostPath(issuerURL)) + `}}`
	}
	trusting := func(statements ...string) func(*Facts) {
		return func(f *Facts) {
			f.STS.Err = ErrNotAsked
			f.IAMRole.Value.Trust = `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		}
	}
	sized := func(n int) func(*Facts) {
		return func(f *Facts) { f.IAMRole.Value.Trust = `{"Statement":"` + strings.Repeat("x", n-16) + `"}` }
	}
	const address = `"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}`
	judge(t, map[string]judged{
		"another path":  {roleExists, func(f *Facts) { f.IAMRole.Value.ARN = "arn:aws:iam::111122223333:role/shop/cart" }, []string{"fail ROLE8", "the role of that name has another path", "IAM arn:aws:iam::111122223333:role/shop/cart, used arn:aws:iam::111122223333:role/cart", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/shop/cart"}},
		"another case":  {roleExists, func(f *Facts) { f.IAMRole.Value.ARN = "arn:aws:iam::111122223333:role/Cart" }, []string{"fail ROLE8", "IAM writes the role's name in another case, and STS takes it as IAM writes it", "IAM arn:aws:iam::111122223333:role/Cart, used arn:aws:iam::111122223333:role/cart", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/Cart"}},
		"STS proves it": {roleExists, func(f *Facts) { f.IAMRole.Err = ErrNoCredentials }, []string{"pass", "proved by the exchange; IAM was not read"}},
		"there is none, of a path and an audience": {roleExists, func(f *Facts) {
			f.IAMRole.Err, f.STS.Err = said("NoSuchEntity", ""), said("AccessDenied", "")
			f.Role.Value.Path, f.WantedAudience = "/team/", "vault"
		}, []string{"fail ROLE8", "account 111122223333 has no role cart; to STS that is AccessDenied", "$ kubectl irsa role create cart --sa cart --path /team/ --audience vault"}},
		"STS proves its policy valid":    {trustPolicyValid, func(f *Facts) { f.IAMRole.Err = ErrNoCredentials }, []string{"pass", "proved by the exchange; IAM was not read"}},
		"a policy that is none":          {trustPolicyValid, func(f *Facts) { f.IAMRole.Value.Trust = "{}" }, []string{"fail ROLE6", "parsing the trust policy at line 1, column 1: the policy has no Statement", "$ kubectl irsa role get cart"}},
		"an address that only AWS sees":  {roleTrusts, trusting(statement("Allow", address)), []string{"unknown", "statement 1 lets it in where IpAddress of aws:SourceIp holds, which only AWS can judge"}},
		"a Deny that only AWS can judge": {roleTrusts, trusting(statement("Allow", ""), statement("Deny", address)), []string{"unknown", "statement 2 keeps it out where IpAddress of aws:SourceIp holds, which only AWS can judge"}},
		"a principal that only AWS can judge": {roleTrusts, func(f *Facts) {
			trusting(statement("Allow", ""))(f)
			f.IAMRole.Value.Trust = strings.Replace(f.IAMRole.Value.Trust, f.Provider.Value.ARN, "*", 1)
		}, []string{"unknown", "whether statement 1 lets it in only AWS can judge"}},
		"STS proves what only AWS can judge": {roleTrusts, func(f *Facts) {
			trusting(statement("Allow", address))(f)
			f.STS.Err = nil
		}, []string{"pass", "it hangs on what only AWS knows; STS accepted the token"}},
		"a Deny that names it":                           {roleTrusts, trusting(statement("Deny", `"StringEquals":{"%:sub":"system:serviceaccount:shop:cart"}`)), []string{"fail ROLE17", "statement 1 denies it", "cluster.s3.us-east-1.amazonaws.com:sub is \"system:serviceaccount:shop:cart\", which matches StringEquals \"system:serviceaccount:shop:cart\"", "$ kubectl irsa role get cart"}},
		"a star under StringEquals":                      {roleTrusts, trusting(statement("Allow", `"StringEquals":{"%:aud":"sts.amazonaws.com","%:sub":"system:serviceaccount:shop:*"}`)), []string{"fail ROLE4", "statement 1 asks for another subject", "StringEquals takes * and ? as they are; only StringLike takes them for any characters", "policy system:serviceaccount:shop:*, token system:serviceaccount:shop:cart", "$ kubectl irsa role trust add cart --sa cart", "$ kubectl irsa role trust remove cart --subject-pattern 'system:serviceaccount:shop:*'"}},
		"a star under StringEquals in another namespace": {roleTrusts, trusting(statement("Allow", `"StringEquals":{"%:aud":"sts.amazonaws.com","%:sub":"system:serviceaccount:bank:*"}`)), []string{"fail ROLE1", "statement 1 asks for another subject", "policy system:serviceaccount:bank:*, token system:serviceaccount:shop:cart", "$ kubectl irsa role trust add cart --sa cart"}},
		"audiences and a subject of somebody else":       {roleTrusts, trusting(statement("Allow", `"StringEquals":{"%:aud":["vault","spire"],"%:sub":"system:serviceaccount:shop:till"}`)), []string{"fail ROLE2", "statement 1 asks for one of 2 audiences, and this is none", "statement 1 asks for another subject: system:serviceaccount:shop:till", "policy spire, token sts.amazonaws.com", "$ aws iam update-assume-role-policy --role-name cart"}},
		"a claim of another issuer":                      {roleTrusts, trusting(statement("Allow", `"StringEquals":{"example.com:sub":"system:serviceaccount:shop:cart"}`)), []string{"fail ROLE3", "statement 1 asks for claims that only tokens of another issuer have", "issuer's cluster.s3.us-east-1.amazonaws.com:sub, policy example.com:sub", "$ aws iam update-assume-role-policy --role-name cart"}},
		"a key that no token has":                        {roleTrusts, trusting(statement("Allow", `"StringEquals":{"%:aud":"sts.amazonaws.com","saml:iss":"x"}`)), []string{"fail ROLE1", "statement 1 does not match: the request has no key saml:iss, and StringEquals then does not match", "$ kubectl irsa role trust add cart --sa cart"}},
		"the provider of another account": {roleTrusts, func(f *Facts) {
			f.STS.Err = ErrNotAsked
			f.IAMRole.Value.Trust = strings.ReplaceAll(f.IAMRole.Value.Trust, "111122223333", "444455556666")
		}, []string{"fail ROLE6", "statement 1 trusts another provider", "policy arn:aws:iam::444455556666:oidc-provider/cluster.s3.us-east-1.amazonaws.com, needed arn:aws:iam::111122223333:oidc-provider/cluster.s3.us-east-1.amazonaws.com", "$ aws iam update-assume-role-policy --role-name cart"}},
		"as large as leaves room":             {trustSize, sized(nearQuota), []string{"pass", "1843 of 2048 characters"}},
		"larger":                              {trustSize, sized(nearQuota + 1), []string{"warn ROLE12", "it has 1844 characters; the quota is 2048 unless it was raised (to 4096 at most)"}},
		"a longer session than it allows":     {sessionDuration, func(f *Facts) { f.Duration = time.Hour + time.Second }, []string{"fail ROLE10", "1h0m1s was asked for, the role allows 1h0m0s", "$ aws iam update-role --role-name cart --max-session-duration 3601"}},
		"a session as long as it allows":      {sessionDuration, func(f *Facts) { f.Duration = time.Hour }, []string{"pass", "up to 1h0m0s"}},
		"an hour where nobody asked for more": {sessionDuration, func(f *Facts) { f.IAMRole.Value.MaxSession = 30 * time.Minute }, []string{"fail ROLE10", "1h0m0s was asked for, the role allows 30m0s", "$ aws iam update-role --role-name cart --max-session-duration 3600"}},
		"a longer session than it allows, by STS's word": {sessionDuration, func(f *Facts) {
			f.IAMRole.Err, f.Duration = ErrNoCredentials, 2*time.Hour
			f.STS.Err = said("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}, []string{"fail ROLE10", "STS says: ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "$ aws iam update-role --role-name cart --max-session-duration 7200"}},
		"STS proves the session":        {sessionDuration, func(f *Facts) { f.IAMRole.Err = ErrNoCredentials }, []string{"pass", "proved by the exchange; IAM was not read"}},
		"nothing is permitted":          {rolePermits, func(f *Facts) { f.Policies.Value = 0 }, []string{"warn ROLE19", "it has no policy: its sessions may do nothing; attach one, or write one with aws iam put-role-policy", "$ aws iam attach-role-policy --role-name cart --policy-arn POLICY_ARN"}},
		"a boundary":                    {rolePermits, func(f *Facts) { f.IAMRole.Value.Boundary = "arn:aws:iam::111122223333:policy/b" }, []string{"pass", "1 policy, within the boundary arn:aws:iam::111122223333:policy/b"}},
		"policies that nobody may list": {rolePermits, func(f *Facts) { f.Policies.Err = said("AccessDenied", "no") }, []string{"unknown", "these AWS credentials lack the permission iam:ListRolePolicies and iam:ListAttachedRolePolicies"}},
	})
}

func TestWhatIsSaidOfTheServiceAccount(t *testing.T) {
	annotated := func(key, value string) func(*Facts) {
		return func(f *Facts) {
			f.RoleText, f.Account.Value.Annotations = "", map[string]string{key: value, "team": "shop"}
		}
	}
	written := func(text string) func(*Facts) {
		return func(f *Facts) {
			f.RoleText = text
			f.Role.Value, f.Role.Err = irsa.ParseRoleARN(text, irsa.TwelveDigits)
		}
	}
	in := func(region string) func(*Facts) { return func(f *Facts) { f.Region = region } }
	judge(t, map[string]judged{
		"a role by flag":                    {roleAnnotated, func(f *Facts) { f.RoleFromFlag = true }, []string{"pass", "arn:aws:iam::111122223333:role/cart, by --role-arn"}},
		"a role by the pod":                 {roleAnnotated, func(f *Facts) { f.RoleFromPod = true }, []string{"pass", "arn:aws:iam::111122223333:role/cart, by the pod's AWS_ROLE_ARN"}},
		"an account that could not be read": {roleAnnotated, func(f *Facts) { f.Account.Err = ErrNotAsked }, []string{"unknown", "the ServiceAccount could not be read; name the role with --role-arn"}},
		"a key that is almost right":        {roleAnnotated, annotated("eks.amazonaws.com/role_arn", "arn:aws:iam::111122223333:role/cart"), []string{"fail SA1", "it has an annotation that is almost the right one", "expected eks.amazonaws.com/role-arn, actual eks.amazonaws.com/role_arn", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/cart"}},
		"a role under somebody's own key":   {roleAnnotated, annotated("iam.amazonaws.com/role", "arn:aws:iam::111122223333:role/cart"), []string{"fail SA1", "it has an annotation that is almost the right one", "expected eks.amazonaws.com/role-arn, actual iam.amazonaws.com/role", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/cart"}},
		"a role's name under such a key":    {roleAnnotated, annotated("iam.amazonaws.com/role", "cart"), []string{"fail SA1", "it has no annotation eks.amazonaws.com/role-arn", "$ kubectl irsa bind cart"}},
		"another ARN under such a key":      {roleAnnotated, annotated("bucket", "arn:aws:s3:::b"), []string{"fail SA1", "it has no annotation eks.amazonaws.com/role-arn", "$ kubectl irsa bind cart"}},
		"a region of the role's partition":  {roleARNValid, in("eu-west-1"), []string{"pass", "account 111122223333"}},
		"a region of another partition":     {roleARNValid, in("cn-north-1"), []string{"fail SA2", "region cn-north-1 belongs to partition aws-cn, the role to aws", "perhaps arn:aws-cn:iam::111122223333:role/cart, used arn:aws:iam::111122223333:role/cart", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws-cn:iam::111122223333:role/cart"}},
		"a region of another partition, where any account will do": {roleARNValid, func(f *Facts) {
			f.Region, f.AnyAccount = "cn-north-1", true
		}, []string{"pass", "account 111122223333"}},
		"no role at all":                         {roleARNValid, func(f *Facts) { f.Role.Err = ErrNeedsRole }, []string{"unknown", "no role is known"}},
		"an ARN in quotes":                       {roleARNValid, written(`"arn:aws:iam::111122223333:role/cart"`), []string{"fail ROLE9", "it contains a quote", "expected arn:aws:iam::111122223333:role/cart, actual \"arn:aws:iam::111122223333:role/cart\"", "$ kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/cart"}},
		"an ARN with a letter of another script": {roleARNValid, written("arn:aws:iam::111122223333:role/c\u0430rt"), []string{"fail ROLE9", "\"c\u0430rt\" is not a role's name (1 to 64 letters, digits and +=,.@_-)", "its '\u0430' is U+0430: no letter of an ARN, whatever it looks like", "$ kubectl irsa bind cart --overwrite"}},
	})
}
