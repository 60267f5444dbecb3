package explain

import (
	"regexp"
	"strings"
	"sync"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// catalogue is read from the top: the sharper text stands first. The texts are
// those of AWS's service model, of its SDKs, of Kubernetes and of public
// reports; AWS words them anew from time to time, so each family ends in its
// bare code. A text that names one family ends the search, since what follows
// would only be less sharp.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
var catalogue = sync.OnceValue(func() []entry {
	return []entry{
		// The token, its issuer and its documents: InvalidIdentityToken and its like.
		said("PROV1 ISS2 PROV2 ISS1", "no openidconnect provider found in your account"),
		said("PROV3", "incorrect token audience"),
		said("PUB1 PUB7 PUB4 PUB5 PUB2 PUB6 PUB10 PUB8", "couldn't retrieve verification key"),
		said("PUB10", "certificate doesn't match configured thumbprint"),
		said("TOK7", "token audience contains more than one audience"),
		said("TOK3", "missing a required claim"),
		said("TOK4", "not a valid jwt"),
		said("TOK4", "not a login with amazon token"),
		said("WS8", "the security token included in the request is expired"),
		said("WS8", "the provided token has expired"),
		said("WS8", "expiredtoken", "when calling the").unless("assumerolewithwebidentity"),
		said("TOK1 TOK2", "token expired"),
		said("TOK2 TOK1", "token too old"),
		said("TOK2", "requesttimetooskewed"),
		said("PUB1 PUB11 PUB10", "idpcommunicationerror"),
		said("PUB1 PUB11 PUB10", "openididpcommunicationerror"),
		said("TOK4 PROV3", "idprejectedclaim"),

		// The call's own parameters.
		said("ROLE10", "durationseconds exceeds the 1 hour session limit for roles assumed by role chaining"),
		said("ROLE10", "durationseconds exceeds the maxsessionduration"),
		said("ROLE10", "'durationseconds' failed to satisfy constraint"),
		said("ROLE16", "'rolesessionname' failed to satisfy constraint"),
		said("ROLE9", "'rolearn' failed to satisfy constraint"),
		said("ROLE9", "request arn is invalid"),
		said("ROLE9", "invalid length for parameter rolearn"),
		said("ROLE13", "packedpolicytoolarge"),
		said("REG1", "regiondisabled"),
		said("REG2", "credential should be scoped to a valid region"),

		// The role: AccessDenied.
		said("ROLE11", "explicit deny in a service control policy"),
		said("ROLE11", "explicit deny in a resource control policy"),
		said("ROLE11", "no permissions boundary allows"),
		said("ROLE11", "explicit deny in a permissions boundary"),
		matching("POD11 SA1 POD1", theNode()),
		said("ROLE19 POD11", "no identity-based policy allows"),
		said("ROLE20", "no resource-based policy allows"),
		said("PUB2", "blocked by the blockpublicpolicy"),
		said("ROLE1 ROLE2 ROLE8 ROLE3 ROLE4 ROLE6 ROLE17 ROLE14", "not authorized to perform sts:assumerolewithwebidentity").proving(tookTheToken),
		said("ROLE1 ROLE2 ROLE8 ROLE3 ROLE4 ROLE6 ROLE17 ROLE14", "not authorized to perform: sts:assumerolewithwebidentity").proving(tookTheToken),

		// Building the chain.
		said("PUB3", "accesscontrollistnotsupported"),
		said("PUB3", "the bucket does not allow acls"),
		said("ROLE12", "aclsizeperrole"),
		said("PROV5", "limitexceeded", "openid"),
		said("ROLE6", "federated principals must be valid domain names or saml metadata arns"),
		said("ROLE15", "malformedpolicydocument"),

		// Kubernetes: tokens and rights.
		said("RBAC1", "cannot create resource", "serviceaccounts/token"),
		said("RBAC2", "cannot get path", "/openid/v1/jwks"),
		said("RBAC2", "cannot get path", "/.well-known/openid-configuration"),
		said("TOK5", "may not specify a duration less than 10 minutes"),
		said("TOK6", "requested expiration of", "shortened to"),
		said("NODE1", "audience", "not found in pod spec volume"),
		said("WS3", "credential plugin allowlist"),
		said("WS3", "not allowed: policy set to"),
		said("POD2", "failed calling webhook", "pod-identity-webhook"),
		said("POD13", "not found in the cache", "not mutating"),

		// Inside a pod.
		said("POD3", "serviceaccount/token", "no such file"),
		said("POD5", "serviceaccount/token: permission denied"),
		said("POD5", "serviceaccount/token", "permission denied"),
		said("POD6", "role arn is not set"),
		said("POD7", "'sts' service module must be on the class path"),
		said("POD7", "the \"sts\" service module must be on the class path"),
		said("POD8", "sts..amazonaws.com"),
		said("POD8", "missing region"),
		said("POD8", "you must specify a region"),
		said("POD9", "dial tcp", "i/o timeout", "sts"),
		said("POD8 POD9", "lookup sts.", "no such host"),
		said("POD9 POD8", "could not connect to the endpoint url", "//sts."),
		said("POD9", "connect timeout on endpoint url", "//sts."),
		said("POD10", "permission denied: '/.aws'"),
		said("POD12 SA1", "aws_container_credentials_full_uri"),
		said("POD4 WS1", "partial credentials found in"),
		said("POD4 WS1", "security token included in the request is invalid"),
		said(nobodys, "unable to locate credentials"),
		said(nobodys, "nocredentialproviders"),
		said(nobodys, "no ec2 imds role found"),
		said(nobodys, "unable to load credentials from any of the providers in the chain"), // Java 2
		said(nobodys, "unable to load aws credentials from any provider in the chain"),     // Java 1
		said(nobodys, "could not load credentials from any providers"),                     // JavaScript 3
		said(nobodys, "missing credentials in config"),                                     // JavaScript 2
		said(nobodys, "unable to sign request without credentials set"),                    // Ruby
		said(nobodys, "no providers in chain provided credentials"),                        // Rust
		said(nobodys, "retrieving credentials from the instance profile metadata service"), // PHP
		said(nobodys, "unable to get iam security credentials from ec2 instance metadata"), // .NET
		said("ROLE19 ROLE11 POD11", "assumed-role/", "is not authorized to perform"),

		// The workstation.
		said("WS7", "the config profile (", "could not be found"),
		said("WS7", "failed to get shared config profile"),
		said("WS4", "credential_process", "executable file not found"),
		said("WS4", "no such file or directory", "kubectl-irsa"),
		said("WS2", "a cycle", "kubeconfig"),
		said("WS5", "this profile was made for"),
		said("WS6", "x509: certificate signed by unknown authority", "sts"),
		said("WS6", "certificate verify failed"),
		said("WS10 PUB10 POD2", "x509: certificate signed by unknown authority"),
		said("STSX", "invalidparametervalue"),
		said("ISS3 ISS4 WS9", "unauthorized", "you must be logged in to the server"),

		// The bare codes, where nothing sharper was said.
		said("PROV1 PROV3 PUB7 ISS2", "web identity token provided could not be validated"),
		said("PROV1 PROV3 PUB1 PUB7", "invalididentitytoken"),
		said("TOK1 TOK2", "expiredtokenexception"),
		said("WS8 TOK1 TOK2", "expiredtoken"),
		said("ROLE10 ROLE9", "validationerror"),
		said("ROLE19 ROLE11 POD11", "accessdenied", "when calling the").unless("assumerolewithwebidentity"),
		said("ROLE19 ROLE11 POD11", "(403) when calling the"), // HEAD has no body to say more in
		said("ROLE19 ROLE11 POD11", "accessdenied", "operation error").unless("assumerolewithwebidentity"),
		said("ROLE1 ROLE8 ROLE2 ROLE3 ROLE4 ROLE6 ROLE17 ROLE14 ROLE19 ROLE11", "accessdenied"),
		said("ISS3 ISS4 WS9", "unauthorized"),
	}
})

// tookTheToken is what AccessDenied proves: STS looks at the role last.
const tookTheToken = "AWS took the token and knows the provider: it is the role that refuses"

// nobodys are the causes of an SDK that found no credentials at all.
const nobodys = "SA1 POD1 POD2 POD4 POD13"

// theNode is the session of an instance, whose name is the instance's.
var theNode = lazyregexp.New(`assumed-role/[^/ ]+/i-[0-9a-f]+ is not authorized to perform`)

// said is an entry whose every part is in a text; codes are its causes, the
// likeliest first.
func said(codes string, parts ...string) entry {
	return entry{all: parts, causes: strings.Fields(codes)}
}

// matching is an entry of the texts that fit a pattern.
func matching(codes string, pattern *regexp.Regexp) entry {
	return entry{pattern: pattern, causes: strings.Fields(codes)}
}
