package doctor

import (
	"net/http"
	"strings"
	"testing"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// blind takes everything from facts that IAM told.
func blind(f *Facts) {
	for _, err := range []*error{&f.Caller.Err, &f.Provider.Err, &f.Providers.Err, &f.IAMRole.Err, &f.Policies.Err, &f.Absent.Err, &f.Roles.Err} {
		*err = ErrNoCredentials
	}
}

// finding is what one check of inspect says.
func finding(t *testing.T, f Facts, id string) check.Finding {
	t.Helper()
	for _, x := range check.Run(f, ServiceAccountChecks(), check.Selection{}) {
		if x.ID == id {
			return x
		}
	}
	t.Fatalf("there is no check %s", id)
	return check.Finding{}
}

// advice is what a person reads of a finding.
type advice struct {
	Detail, Gist string
	Fix          []string
}

func adviceOf(x check.Finding) advice { return advice{x.Detail, x.Gist, x.Fix} }

func TestARefusalNamesInWordsWhatIsStillPossible(t *testing.T) {
	const (
		denied  = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
		invalid = "InvalidIdentityToken: The web identity token provided could not be validated."
		byRole  = "\nAWS took the token and knows the provider: it is the role that refuses"
		causes  = "\nlikely causes:" +
			"\n1. role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com" +
			"\n2. account 111122223333 has no role cart" +
			"\n3. role cart was made or changed within the last minute: wait ten seconds and try again"
		roleGist = "likely role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com"
		create   = "kubectl irsa role create cart --sa cart -n shop"
		trust    = "kubectl irsa role trust add cart --sa cart"
	)
	said := func(text string) error {
		code, message, _ := strings.Cut(text, ": ")
		return said(code, message)
	}
	for name, tc := range map[string]struct {
		broke func(*Facts)
		want  advice
	}{
		"the role, where no profile could tell": {
			func(f *Facts) { blind(f); f.STS.Err = said(denied) },
			advice{denied + byRole + "\nwith AWS credentials IAM would tell which it is (--aws-profile)" + causes, roleGist, []string{trust, create}}},
		"the role, where one profile may tell": {
			func(f *Facts) {
				blind(f)
				f.STS.Err, f.Profiles = said(denied), []string{"it's mine"}
				f.Paste.AWS, f.Paste.Look = " --aws-profile empty", " --region eu-west-1"
			},
			advice{denied + byRole + "\nthe AWS profile it's mine may tell which it is" + causes, roleGist,
				[]string{`kubectl irsa inspect sa cart --aws-profile 'it'\''s mine' --region eu-west-1`, trust, create}}},
		"the role, where many profiles may tell": {
			func(f *Facts) {
				blind(f)
				f.STS.Err, f.Profiles, f.RoleARN = said(denied), strings.Split("abcdefg", ""), f.RoleText
			},
			advice{denied + byRole + "\nan AWS profile may tell which it is: you have a, b, c, d, e and 2 more" + causes, roleGist,
				[]string{"kubectl irsa inspect sa cart --aws-profile a --role-arn arn:aws:iam::111122223333:role/cart", trust, create}}},
		"the role, where the credentials may not read it": {
			func(f *Facts) {
				f.STS.Err, f.IAMRole.Err, f.Profiles = said(denied), said(denied), []string{"other"}
			},
			advice{denied + byRole + causes, roleGist, []string{trust, create}}},
		"the provider, since documents and keys were looked at": {
			func(f *Facts) { blind(f); f.STS.Err = said(invalid) },
			advice{invalid + "\nwith AWS credentials IAM would tell which it is (--aws-profile)\nlikely causes:" +
				"\n1. account 111122223333 has no OIDC provider for " + issuerURL + "\n2. the provider does not know the audience sts.amazonaws.com",
				"likely account 111122223333 has no OIDC provider for " + issuerURL, []string{"kubectl irsa provider create", "kubectl irsa provider audience add sts.amazonaws.com"}}},
		"either side, where the server is not AWS": {
			func(f *Facts) {
				blind(f)
				f.STS.Err = &smithyhttp.ResponseError{Err: said(denied), Response: &smithyhttp.Response{Response: &http.Response{Header: http.Header{"Server": {"VERSITYGW"}}}}}
			},
			advice{denied + "\nthis STS is not AWS: its code does not say whether the provider or the role refuses" +
				"\nwith AWS credentials IAM would tell which it is (--aws-profile)\nlikely causes:" +
				"\n1. account 111122223333 has no OIDC provider for " + issuerURL +
				"\n2. role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com" +
				"\n3. account 111122223333 has no role cart\n4. the provider does not know the audience sts.amazonaws.com",
				"likely account 111122223333 has no OIDC provider for " + issuerURL,
				[]string{"kubectl irsa provider create", trust, create, "kubectl irsa provider audience add sts.amazonaws.com"}}},
		"nothing, where all was looked at": {
			func(f *Facts) { f.STS.Err = said(invalid) },
			advice{invalid + "\nevery link holds as far as can be seen here",
				"STS keeps an issuer's keys for some minutes: where they were published just now, try again in a minute", nil}},
		"a policy above the role, where it was read": {
			func(f *Facts) { f.STS.Err, f.IAMRole.Value.Created = said(denied), noon.Add(-time.Hour) },
			advice{denied + "\nthe trust policy allows it, as far as it can be judged here: think of a service or resource control policy (ROLE11)",
				"perhaps a policy of the organisation", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.broke(&f)
			if diff := cmp.Diff(tc.want, adviceOf(finding(t, f, "sts-exchange"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLineThatMendsATrustPolicyLeavesNothingToWarnOf(t *testing.T) {
	good := healthy(t).IAMRole.Value.Trust
	update := func(policy string) string {
		p, err := trustpolicy.Parse([]byte(policy))
		if err != nil {
			t.Fatal(err)
		}
		return "aws iam update-assume-role-policy --role-name cart --policy-document '" + string(p.Render()) + "' --profile admin"
	}
	add := "kubectl irsa role trust add cart --sa cart --aws-profile admin"
	for name, tc := range map[string]struct {
		old, new string
		absent   []Named
		cause    string
		want     []string
	}{
		"a mistyped name goes": {"shop:cart", "shop:card", []Named{{"shop", "card"}}, "ROLE1",
			[]string{add, "kubectl irsa role trust remove cart --sa card --aws-profile admin"}},
		"a name of another namespace goes": {"shop:cart", "store:cart", []Named{{"store", "cart"}}, "ROLE1",
			[]string{add, "kubectl irsa role trust remove cart --sa cart -n store --aws-profile admin"}},
		"a ServiceAccount that is there stays":       {"shop:cart", "shop:card", nil, "ROLE1", []string{add}},
		"an audience is mended in its place":         {"sts.amazonaws.com\"", "sts.amazon.com\"", nil, "ROLE2", []string{update(good)}},
		"a key is mended in its place":               {`"cluster.s3`, `"https://cluster.s3`, nil, "ROLE3", []string{update(good)}},
		"an action is mended in its place":           {"AssumeRoleWithWebIdentity", "AssumeRole", nil, "ROLE6", []string{update(good)}},
		"a provider is mended where the keys are it": {"oidc-provider/cluster", "oidc-provider/other", nil, "ROLE6", []string{update(good)}},
		"a wildcard that is none goes": {"shop:cart", "shop:*", nil, "ROLE4",
			[]string{add, "kubectl irsa role trust remove cart --subject-pattern 'system:serviceaccount:shop:*' --aws-profile admin"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Paste = Paste{AWS: " --aws-profile admin", CLI: " --profile admin"}
			f.IAMRole.Value.Trust = strings.ReplaceAll(good, tc.old, tc.new)
			f.Absent.Value = tc.absent
			found := finding(t, f, "role-trusts")
			if diff := cmp.Diff(tc.want, found.Fix); diff != "" || found.Cause != tc.cause {
				t.Errorf("cause %s, fix (-want +got):\n%s", found.Cause, diff)
			}
			if narrow := finding(t, f, "trust-narrow"); narrow.Status != check.Pass {
				t.Errorf("it is told a second time, or not mended: %s", narrow.Detail)
			}
		})
	}
}

func TestWhoeverMayMakeATrustedServiceAccountIsWarnedOf(t *testing.T) {
	provider := ProviderARN(healthy(t).Role.Value, issuerURL)
	with := func(subjects ...string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"StringEquals":{"cluster.s3.us-east-1.amazonaws.com:aud":"sts.amazonaws.com",` +
			`"cluster.s3.us-east-1.amazonaws.com:sub":["` + strings.Join(subjects, `","`) + `"]}}}]}`
	}
	const cart = "system:serviceaccount:shop:cart"
	for name, tc := range map[string]struct {
		trust  string
		absent []Named
		want   check.Finding
	}{
		"names that nobody has are taken away": {with(cart, "system:serviceaccount:shop:card", "system:serviceaccount:store:cart"),
			[]Named{{"shop", "card"}, {"store", "cart"}},
			check.Finding{Status: check.Warn, Cause: "ROLE18",
				Detail: "shop/card and store/cart are trusted, and the cluster has no such ServiceAccounts: whoever may create them becomes the role",
				Fix:    []string{"kubectl irsa role trust remove cart --sa card", "kubectl irsa role trust remove cart --sa cart -n store"}}},
		"others that are there, or may not be read, are nobody's business": {with(cart, "system:serviceaccount:shop:card"), nil, check.Finding{Status: check.Pass}},
		"an audience that nobody asks for is asked for": {strings.Replace(with(cart), `"cluster.s3.us-east-1.amazonaws.com:aud":"sts.amazonaws.com",`, "", 1), nil,
			check.Finding{Status: check.Warn, Cause: "ROLE2", Detail: "statement 1: no condition on aud: every audience of the provider is accepted",
				Fix: []string{"aws iam update-assume-role-policy --role-name cart --policy-document '" + with(cart) + "'"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.IAMRole.Value.Trust, f.Absent.Value = tc.trust, tc.absent
			got := finding(t, f, "trust-narrow")
			if diff := cmp.Diff(tc.want, check.Finding{Status: got.Status, Cause: got.Cause, Detail: got.Detail, Fix: got.Fix}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARoleThatIsMeantIsNamed(t *testing.T) {
	role := func(name, subject string) Role {
		return Role{ARN: "arn:aws:iam::111122223333:role/" + name,
			Trust: awstest.TrustPolicy("arn:aws:iam::111122223333:oidc-provider/cluster.s3.us-east-1.amazonaws.com", irsa.DefaultAudience, subject)}
	}
	const (
		own      = "system:serviceaccount:shop:cart"
		other    = "system:serviceaccount:shop:other"
		annotate = "kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/"
	)
	missing := func(name string) func(*Facts) {
		return func(f *Facts) {
			f.IAMRole.Err, f.STS.Err = said("NoSuchEntity", ""), said("AccessDenied", "no")
			f.Role.Value.Name, f.RoleText = name, "arn:aws:iam::111122223333:role/"+name
		}
	}
	named := func(text string) func(*Facts) {
		return func(f *Facts) {
			f.RoleText = text
			if _, f.Role.Err = irsa.ParseRoleARN(text, irsa.TwelveDigits); text == "" {
				f.Role.Err = ErrNeedsRole
			}
		}
	}
	for name, tc := range map[string]struct {
		roles []Role
		broke func(*Facts)
		check string
		want  []string
	}{
		"one that trusts the ServiceAccount comes before one of a like name": {
			[]Role{role("crab", other), role("basket", own)}, missing("crat"), "role-exists",
			[]string{annotate + "basket", annotate + "crab", "kubectl irsa role create crat --sa cart"}},
		"one of a like name": {[]Role{role("cart", other), role("unlike", other)}, missing("crat"), "role-exists",
			[]string{annotate + "cart", "kubectl irsa role create crat --sa cart"}},
		"none": {[]Role{role("unlike", other)}, missing("crat"), "role-exists", []string{"kubectl irsa role create crat --sa cart"}},
		"a flag is typed again": {[]Role{role("cart", own)}, func(f *Facts) {
			missing("crat")(f)
			f.RoleFromFlag, f.RoleARN = true, f.RoleText
		}, "role-exists",
			[]string{"kubectl irsa inspect sa cart --role-arn arn:aws:iam::111122223333:role/cart", "kubectl irsa role create crat --sa cart"}},
		"no annotation, and a role that trusts": {[]Role{role("unlike", other), role("cart", own)}, named(""), "role-annotated", []string{annotate + "cart"}},
		"a role that names the ServiceAccount comes before one with a pattern": {
			[]Role{role("all", "system:serviceaccount:shop:*"), role("basket", own)}, named(""), "role-annotated", []string{annotate + "basket", annotate + "all"}},
		"no annotation, and no role": {nil, named(""), "role-annotated", []string{"kubectl irsa bind cart"}},
		"no annotation, and no provider": {nil, func(f *Facts) { named("")(f); f.Providers.Value = nil }, "role-annotated",
			[]string{"kubectl irsa setup cart"}},
		"no annotation, and nobody to ask": {nil, func(f *Facts) { named("")(f); blind(f) }, "role-annotated", []string{"kubectl irsa bind cart"}},
		"an account of eleven digits":      {nil, named("arn:aws:iam::11112222333:role/team/cart"), "role-arn-valid", []string{"kubectl irsa bind cart --role cart --overwrite"}},
		"a placeholder":                    {nil, named("arn:aws:iam::<account>:role/cart"), "role-arn-valid", []string{"kubectl irsa bind cart --role cart --overwrite"}},
		"a session":                        {nil, named("arn:aws:sts::111122223333:assumed-role/cart/x"), "role-arn-valid", []string{"kubectl irsa bind cart --role cart --overwrite"}},
		"a user":                           {nil, named("arn:aws:iam::111122223333:user/cart"), "role-arn-valid", []string{"kubectl irsa bind cart --overwrite"}},
		"a user, and a role that trusts":   {[]Role{role("cart", own)}, named("arn:aws:iam::111122223333:user/cart"), "role-arn-valid", []string{annotate + "cart"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Roles.Value = tc.roles
			tc.broke(&f)
			if diff := cmp.Diff(tc.want, finding(t, f, tc.check).Fix); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnIssuerThatIsUnfitIsMendedBeforeAnythingIsBuiltOnIt(t *testing.T) {
	f := healthy(t)
	f.Issuer = "https://kubernetes.default.svc.cluster.local"
	f.Provider.Err, f.Providers.Value = said("NoSuchEntity", ""), nil
	f.STS.Err = said("InvalidIdentityToken", "The web identity token provided could not be validated.")
	f.Home = true
	for name, findings := range map[string][]check.Finding{
		"inspect sa":       check.Run(f, ServiceAccountChecks(), check.Selection{}),
		"inspect provider": check.Run(f, ProviderChecks(), check.Selection{}),
		"inspect role":     check.Run(f, RoleChecks(), check.Selection{}),
		"inspect issuer":   check.Run(f, IssuerChecks(), check.Selection{}),
		"doctor":           Survey{Facts: f, MayMint: Known[Minting]{Value: Minting{All: true}}}.Findings(check.Selection{}),
	} {
		t.Run(name, func(t *testing.T) {
			var fixes []string
			for _, x := range findings {
				fixes = append(fixes, x.Fix...)
			}
			if diff := cmp.Diff([]string{"kubectl irsa issuer plan --distro kubeadm --new-bucket"}, fixes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLineForAWebhookThatIsMissingNamesWhatMakesThePods(t *testing.T) {
	pod := func(name string, labels map[string]string) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	}
	for name, tc := range map[string]struct {
		broke func(*Facts)
		want  string
	}{
		"a Deployment": {func(f *Facts) {
			f.Workload = &Workload{Kind: "Deployment", Name: "web", Spec: pod("", nil).Spec}
		}, "kubectl get deployment web -o yaml -n shop | kubectl irsa inject -f - --region eu-west-1 -n shop | kubectl replace -f - -n shop"},
		"the Deployment of a pod": {func(f *Facts) {
			f.Pods.Value = []corev1.Pod{pod("web-5d4f7-x2b", map[string]string{"pod-template-hash": "5d4f7"})}
		}, "kubectl get deployment web -o yaml -n shop | kubectl irsa inject -f - --region eu-west-1 -n shop | kubectl replace -f - -n shop"},
		"a pod of its own": {func(f *Facts) { f.Pods.Value = []corev1.Pod{pod("web-5d4f7-x2b", nil)} },
			"kubectl get pod web-5d4f7-x2b -o yaml -n shop | kubectl irsa inject -f - --region eu-west-1 -n shop | kubectl replace --force -f - -n shop"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Region, f.Paste.Namespace = "eu-west-1", " -n shop"
			tc.broke(&f)
			if diff := cmp.Diff([]string{tc.want}, finding(t, f, "webhook-present").Fix); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestThingsAreCountedInWords(t *testing.T) {
	for thing, want := range map[string][]string{
		"key": {"0 keys", "1 key", "2 keys"}, "policy": {"0 policies", "1 policy", "2 policies"}, "pod": {"0 pods", "1 pod", "2 pods"},
	} {
		var got []string
		for n := range 3 {
			got = append(got, counted(n, thing))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
