package doctor

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const cartRole = "arn:aws:iam::111122223333:role/cart"

func TestAnARNIsRepairedWhereOnlyWhatStandsAroundItIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a blank before it":          {" " + cartRole, cartRole},
		"a line's end behind it":     {cartRole + "\n", cartRole},
		"quotes":                     {`"` + cartRole + `"`, cartRole},
		"a typographer's quotes":     {"“" + cartRole + "”", cartRole},
		"a character without width":  {cartRole + "\u200b", cartRole},
		"a slash at the end":         {cartRole + "/", cartRole},
		"a region":                   {"arn:aws:iam:eu-west-1:111122223333:role/cart", cartRole},
		"capitals in its words":      {"ARN:aws:IAM::111122223333:Role/cart", cartRole},
		"not the case of the name":   {"arn:aws:iam::111122223333:Role/Cart", "arn:aws:iam::111122223333:role/Cart"},
		"a path":                     {"arn:aws:iam::111122223333:role/team/cart/", "arn:aws:iam::111122223333:role/team/cart"},
		"a letter of another script": {"arn:aws:iam::111122223333:role/\u0441art", ""},
		"an account that is short":   {"arn:aws:iam::11112222333:role/cart", ""},
		"a name alone":               {"cart", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, repairARN(tc.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// trusting gives the role a trust policy like its own with strings replaced.
func trusting(f *Facts, oldnew ...string) {
	f.IAMRole.Value.Trust = strings.NewReplacer(oldnew...).Replace(f.IAMRole.Value.Trust)
}

// refusing has STS refuse, as AWS says it.
func refusing(f *Facts) {
	f.STS = Known[Exchange]{Value: Exchange{Endpoint: "sts.us-east-1.amazonaws.com"}, Err: said("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")}
}

func annotated(f *Facts, key, value string) {
	f.Account.Value.Annotations = map[string]string{irsa.AnnotationRoleARN: f.RoleText, key: value}
}

// mendedTrust is the trust policy of a healthy chain as it is printed.
const mendedTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/cluster.s3.us-east-1.amazonaws.com"},` +
	`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cluster.s3.us-east-1.amazonaws.com:aud":"sts.amazonaws.com","cluster.s3.us-east-1.amazonaws.com:sub":["system:serviceaccount:shop:cart"]}}}]}`

func TestWhatWasMeantIsSaidWithTheLineThatMendsIt(t *testing.T) {
	audience := func(value string) func(*Facts) {
		return func(f *Facts) {
			annotated(f, irsa.AnnotationAudience, value)
			f.WantedAudience, f.Token.Value.Parsed.Claims.Audience = value, []string{value}
			refusing(f)
		}
	}
	bare := func(f *Facts, w Workload) {
		f.RoleText, f.Role.Err, f.Workload = "", ErrNeedsRole, &w
		f.Account.Value.Annotations = nil
	}
	blind := func(f *Facts) { f.Provider.Err, f.IAMRole.Err = ErrNoCredentials, ErrNoCredentials }
	const plain = "kubectl annotate serviceaccount cart eks.amazonaws.com/audience-"
	type row struct{ root, fix string }
	for name, tc := range map[string]struct {
		broke func(*Facts)
		want  row
	}{
		"an audience that is almost the usual one": {audience("sts.amazon.com"), row{"audience-registered PROV3", plain}},
		"a blank behind the audience":              {audience("sts.amazonaws.com "), row{"audience-registered PROV3", plain}},
		"an audience that only the annotation has": {audience("https://kubernetes.default.svc"), row{"audience-registered PROV3", plain}},
		"the provider's own other audience": {func(f *Facts) {
			audience("irsa")(f)
			f.Provider.Value.Audiences = []string{"cart.example"}
			trusting(f, "sts.amazonaws.com", "cart.example")
		}, row{"audience-registered PROV3", "kubectl annotate serviceaccount cart eks.amazonaws.com/audience=cart.example --overwrite"}},
		"an audience that the trust policy wants, too": {func(f *Facts) {
			audience("cart.example")(f)
			trusting(f, "sts.amazonaws.com", "cart.example")
		}, row{"audience-registered PROV3", "kubectl irsa provider audience add cart.example"}},
		"a slip that nobody can look behind": {func(f *Facts) { audience("sts.amazon.com")(f); blind(f) }, row{"token-audience PROV3", plain}},
		"a subject that no ServiceAccount can have": {func(f *Facts) { refusing(f); trusting(f, "shop:cart", "shop:cart ") }, row{"role-trusts ROLE1",
			"aws iam update-assume-role-policy --role-name cart --policy-document '" + mendedTrust + "'"}},
		"an annotation on the pod": {func(f *Facts) {
			bare(f, Workload{Kind: "Pod", Name: "web", Annotations: map[string]string{irsa.AnnotationRoleARN: cartRole}})
		}, row{"role-annotated SA1", "kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=" + cartRole}},
		"an annotation on the Deployment": {func(f *Facts) {
			bare(f, Workload{Kind: "Deployment", Name: "web", Outer: map[string]string{irsa.AnnotationRoleARN: cartRole}})
		}, row{"role-annotated SA1", "kubectl annotate serviceaccount cart --overwrite eks.amazonaws.com/role-arn=" + cartRole}},
		"a pod of the ServiceAccount of all pods": {func(f *Facts) {
			bare(f, Workload{Kind: "Pod", Name: "web"})
			f.ServiceAccount, f.Annotated.Value = "default", []string{"cart"}
		}, row{"role-annotated SA1", "kubectl get pod web -o yaml | kubectl set serviceaccount --local -f - cart -o yaml | kubectl replace --force -f -"}},
		"a Deployment of a ServiceAccount that is not there": {func(f *Facts) {
			bare(f, Workload{Kind: "Deployment", Name: "web"})
			f.Near, f.ServiceAccount = []string{"cart"}, "crt"
			f.Account.Err = apierrors.NewNotFound(schema.GroupResource{Resource: "serviceaccounts"}, "crt")
		}, row{"serviceaccount-exists SA1", "kubectl set serviceaccount deployment web cart\nkubectl create serviceaccount crt"}},
		"a role in another case, named by a flag": {func(f *Facts) {
			f.RoleFromFlag, f.RoleARN = true, strings.Replace(cartRole, "cart", "Cart", 1)
			f.RoleText = f.RoleARN
			f.Role = check.Know(irsa.ParseRoleARN(f.RoleARN, false))
		}, row{"role-exists ROLE8", "kubectl irsa inspect sa cart --role-arn " + cartRole}},
		"an issuer that only the API server spells so": {func(f *Facts) {
			refusing(f)
			f.Issuer += "/"
			f.Token.Value.Parsed.Claims.Issuer, f.LiveDiscovery.Value.Issuer = f.Issuer, f.Issuer
			f.Provider.Err = said("NoSuchEntity", "")
		}, row{"issuer-published ISS2", "kubectl irsa issuer plan --distro kubeadm --issuer " + issuerURL}},
		"a document that only its own author spells so": {func(f *Facts) {
			refusing(f)
			f.Discovery.Value.Parsed.Issuer += "/"
		}, row{"issuer-published PUB5", "kubectl irsa publish"}},
		"a statement that denies it": {func(f *Facts) {
			refusing(f)
			trusting(f, `"Statement":[`, `"Statement":[{"Effect":"Deny","Principal":{"Federated":"`+f.Provider.Value.ARN+`"},"Action":"sts:AssumeRoleWithWebIdentity"},`)
		}, row{"role-trusts ROLE17", "kubectl irsa role get cart"}},
		"a condition that only AWS can judge": {func(f *Facts) {
			refusing(f)
			trusting(f, `"StringEquals"`, `"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "StringEquals"`)
		}, row{"sts-exchange", "kubectl irsa role get cart"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			tc.broke(&f)
			findings := check.Run(f, ServiceAccountChecks(), check.Selection{})
			root := check.Root(findings, check.Fail)
			if root == nil {
				t.Fatal("nothing failed")
			}
			got := row{root: strings.TrimSpace(root.ID + " " + root.Cause)}
			for _, x := range findings {
				if x.ID == root.ID {
					got.fix = strings.Join(x.Fix, "\n")
				}
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(row{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAClusterThatSharesAnIssuerMayHaveTheServiceAccount(t *testing.T) {
	trusted := func(f *Facts) {
		f.Absent.Value = []Named{{"shop", "till"}}
		trusting(f, `"system:serviceaccount:shop:cart"`, `"system:serviceaccount:shop:cart","system:serviceaccount:shop:till"`)
	}
	f := healthy(t)
	trusted(&f)
	if got := rootOf(f); got != "trust-narrow ROLE18" {
		t.Errorf("a cluster of its own: %s", got)
	}
	f.Keys.Value.Parsed.Keys = append(f.Keys.Value.Parsed.Keys[:1:1], oidc.Key{ID: "of another cluster", Type: "EC"})
	if got := rootOf(f); got != "-" {
		t.Errorf("a shared issuer: %s", got)
	}
}

func TestARightThatIsMissingIsNamed(t *testing.T) {
	refused := func(message string) error {
		err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)
		err.ErrStatus.Message = message
		return err
	}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"in a namespace": {refused(`pods is forbidden: User "gert" cannot list resource "pods" in API group "" in the namespace "shop"`), "you may not list pods in namespace shop"},
		"everywhere": {refused(`x is forbidden: User "gert" cannot list resource "mutatingwebhookconfigurations" in API group "admissionregistration.k8s.io" at the cluster scope`),
			"you may not list mutatingwebhookconfigurations at the cluster scope"},
		"in words of its own": {refused("no"), "you may not read pods: no"},
		"no refusal":          {errors.New("EOF"), "pods could not be read: EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(Result{Status: check.Unknown, Detail: tc.want}, unread("pods", tc.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifySaysWhyThereIsNoTokenToTryWith(t *testing.T) {
	f := healthy(t)
	refused := apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts/token"}, "cart", nil)
	refused.ErrStatus.Message = `serviceaccounts "cart" is forbidden: User "gert" cannot create resource "serviceaccounts/token" in API group "" in the namespace "shop"`
	f.Token.Err, f.STS.Err, f.IAMRole.Err = refused, ErrNeedsToken, ErrNoCredentials
	want := Result{Status: check.Unknown, Detail: "no AWS credentials: iam:GetRole would tell (--aws-profile)\n" + refused.ErrStatus.Message + "\nwho may grant rights lets you with:",
		Fix: []string{"kubectl irsa generate rbac cart -n shop --for-user gert | kubectl apply -f -"}}
	if diff := cmp.Diff(want, rightAccepted(Verification{Facts: f})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
