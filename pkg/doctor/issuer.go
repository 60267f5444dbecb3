package doctor

import (
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

const linkIssuer = "issuer"

func issuerChecks() []Check {
	return []Check{
		{ID: "discovery-readable", Link: linkIssuer, Title: "you may read the API server's issuer and keys", Aside: true, Run: discoveryReadable},
		{ID: "issuer-public", Link: linkIssuer, Title: "its name is a public https URL", Run: issuerPublic},
		{ID: "issuer-consistent", Link: linkIssuer, Title: "tokens and API server name the same one", Needs: []string{"issuer-public", "token-issued"}, Run: issuerConsistent},
	}
}

func discoveryReadable(f Facts) Result {
	for _, err := range []error{f.LiveDiscovery.Err, f.LiveKeys.Err} {
		if apierrors.IsForbidden(err) {
			r := warn("RBAC2", "%v; the public documents are all there is to go by%s", refusal(err), byOthers(err))
			return fixed(r, f.granting(err, func(user string) []string {
				return []string{"kubectl create clusterrolebinding irsa-issuer-discovery --clusterrole=system:service-account-issuer-discovery --user=" + shell.Word(user)}
			})...)
		}
		if apierrors.IsNotFound(err) {
			return unknown("the API server serves no discovery document: it does so for https issuers alone")
		}
		if err != nil {
			return unknown("%v", err)
		}
	}
	return pass("%s", counted(len(f.LiveKeys.Value.Keys), "key"))
}

// issuerPublic holds the issuer's URL against what IAM takes for a provider:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html.
func issuerPublic(f Facts) Result {
	if f.Issuer == "" {
		return unknown("neither a token nor the API server says what it is")
	}
	if private, ok := errors.AsType[*irsa.PrivateIssuerError](irsa.CheckIssuer(f.Issuer)); ok {
		cause := "ISS1"
		if private.Port {
			cause = "PUB10"
		}
		return fixed(fail(cause, "%s %s", f.Issuer, private.Reason), f.build("issuer plan --distro kubeadm --new-bucket"))
	}
	return pass("%s", f.Issuer)
}

// meantIssuer is what the cluster was meant to call itself, where it is a slip
// away from what published document and provider both say; "" where it is not.
func (f Facts) meantIssuer() string {
	says := f.Discovery.Value.Parsed.Issuer
	if f.Discovery.Err != nil || f.Providers.Err != nil || says == f.Issuer || plainURL(says) != plainURL(f.Issuer) {
		return ""
	}
	for _, arn := range f.Providers.Value {
		if strings.HasSuffix(arn, ":oidc-provider/"+hostPath(says)) {
			return says
		}
	}
	return ""
}

// otherIssuer adds the line that plans the issuer that was meant.
func (f Facts) otherIssuer(r Result, meant string) Result {
	return fixed(r, f.build("issuer plan --distro kubeadm --issuer %s", shell.Word(meant)))
}

// trusts reports whether a trust policy lets this ServiceAccount in with tokens
// of an issuer.
func (f Facts) trusts(policy *trustpolicy.Policy, issuer string) bool {
	f.Issuer = issuer
	return f.evaluate(policy, f.WantedAudience).Decision == trustpolicy.Allowed
}

func issuerConsistent(f Facts) Result {
	switch {
	case f.Token.Err != nil:
		return unknown("there is no token")
	case f.LiveDiscovery.Err != nil:
		return unknown("the API server's document could not be read")
	}
	says, claims := f.LiveDiscovery.Value.Issuer, f.Token.Value.Parsed.Claims.Issuer
	if says != claims {
		return compared(fail("ISS2", "the API server's document names another issuer than its tokens"),
			check.Compare("document", says, "token", claims))
	}
	return pass("")
}
