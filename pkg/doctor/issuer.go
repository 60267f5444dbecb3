package doctor

import (
	"net"
	"net/url"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

const linkIssuer = "issuer"

func issuerChecks() []Check {
	return []Check{
		{ID: "discovery-readable", Link: linkIssuer, Title: "you may read the API server's issuer and keys", Run: discoveryReadable},
		{ID: "issuer-public", Link: linkIssuer, Title: "its name is a public https URL", Run: issuerPublic},
		{ID: "issuer-consistent", Link: linkIssuer, Title: "tokens and API server name the same one", Needs: []string{"issuer-public"}, Run: issuerConsistent},
	}
}

func discoveryReadable(f Facts) Result {
	for _, err := range []error{f.LiveDiscovery.Err, f.LiveKeys.Err} {
		if forbidden(err) {
			r := warn("RBAC2", "%v; the public documents are all there is to go by", root(err))
			return fixed(r, f.cluster("create clusterrolebinding irsa-issuer-discovery --clusterrole=system:service-account-issuer-discovery --user=%s", userIn(err)))
		}
		if err != nil {
			return unknown("%v", err)
		}
	}
	return pass("%d keys", len(f.LiveKeys.Value.Keys))
}

// issuerPublic holds the issuer's URL against what IAM takes for a provider:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html.
func issuerPublic(f Facts) Result {
	if f.Issuer == "" {
		return unknown("neither a token nor the API server says what it is")
	}
	plan := f.build("issuer plan --distro kubeadm --new-bucket")
	u, err := url.Parse(f.Issuer)
	switch {
	case err != nil || u.Host == "" && u.Scheme != "https":
		return fixed(fail("ISS1", "%q is not a URL", f.Issuer), plan)
	case u.Scheme != "https":
		return fixed(fail("ISS1", "%s is not https", f.Issuer), plan)
	case u.Port() != "":
		return fixed(fail("PUB10", "%s names a port, which IAM does not take", f.Issuer), plan)
	case u.RawQuery != "" || u.Fragment != "":
		return fixed(fail("ISS1", "%s has a query or a fragment, which IAM does not take", f.Issuer), plan)
	case !publicName(u.Hostname()):
		return fixed(fail("ISS1", "%s is a name that only the cluster knows; AWS has to reach it", f.Issuer), plan)
	case len(f.Issuer) > 255:
		return fixed(fail("ISS1", "it has %d characters, IAM takes 255", len(f.Issuer)), plan)
	}
	return pass("%s", f.Issuer)
}

// publicName reports whether the host of a URL can be known outside: no IP
// address, no name of one label, none of the domains set apart for private use
// (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and ICANN's "internal").
func publicName(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return false
	}
	for _, private := range []string{
		".svc", ".cluster.local", ".local", ".localhost", ".internal", ".home.arpa", ".test", ".invalid", ".alt", ".lan", ".corp", ".home",
	} {
		if strings.HasSuffix(host, private) || strings.Contains(host, ".svc.") {
			return false
		}
	}
	return true
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
