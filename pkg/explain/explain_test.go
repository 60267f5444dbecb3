package explain

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The texts are verbatim from AWS's service model, its SDKs, Kubernetes and
// public reports.
func TestFindNamesTheCause(t *testing.T) {
	for text, want := range map[string]string{
		"No OpenIDConnect provider found in your account for https://kubernetes.default.svc.cluster.local":                                                "PROV1",
		"An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token audience":                         "PROV3",
		"InvalidIdentityToken: The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.": "PROV1",
		"Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements":      "PUB1",
		"OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint":                                                                  "PUB10",
		"Token audience contains more than one audience while authorized party is not present":                                                            "TOK7",
		"The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)":                                                  "TOK4",
		"Provided Token is not a Login With Amazon token":                                                                                                 "TOK4",
		"InvalidIdentityToken: Missing a required claim: aud":                                                                                             "TOK3",
		"Missing a required claim: iat.": "TOK3",
		"ExpiredTokenException: Token expired: current date/time 1731098245 must be before the expiration date/time 1731095240": "TOK1",
		"Token expired: current date/time 1731098245 must be before the expiration date/time1731095240":                         "TOK1",
		"Token too old: 441398": "TOK2",
		"RequestTimeTooSkewed: The difference between the request time and the current time is too large.":                               "TOK2",
		"AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity":                                                          "ROLE1",
		"User: system:serviceaccount:a:b is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: arn:aws:iam::1:role/x": "ROLE1",
		"IDPCommunicationError: ...":             "PUB1",
		"IDPRejectedClaim":                       "TOK4",
		"MalformedPolicyDocument: Syntax errors": "ROLE15",
		"MalformedPolicyDocument: Federated principals must be valid domain names or SAML metadata ARNs":                                                                                "ROLE6",
		"PackedPolicyTooLarge: Packed size of session tags consumes 105%":                                                                                                               "ROLE13",
		"RegionDisabledException: STS is not activated in this region":                                                                                                                  "REG1",
		"ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.":                                                                              "ROLE10",
		"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.":                                                                            "ROLE10",
		"1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900":                               "ROLE10",
		"1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2":                                  "ROLE16",
		"ValidationError: Request ARN is invalid":                                                                                                                                       "ROLE9",
		"SignatureDoesNotMatch: Credential should be scoped to a valid region. ":                                                                                                        "REG2",
		"AccessDenied: User is not authorized with an explicit deny in a service control policy":                                                                                        "ROLE11",
		"LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048":                                                                                                                   "ROLE12",
		"LimitExceeded: Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100":                                                                                                  "PROV5",
		"AccessControlListNotSupported: The bucket does not allow ACLs":                                                                                                                 "PUB3",
		"User: ARN is not authorized to perform: s3:PutBucketPolicy because public policies are blocked by the BlockPublicPolicy block public access setting.":                          "PUB2",
		`serviceaccounts "test" is forbidden: User "alice" cannot create resource "serviceaccounts/token" in API group "" in the namespace "default"`:                                   "RBAC1",
		`Error from server (Forbidden): forbidden: User "alice" cannot get path "/openid/v1/jwks"`:                                                                                      "RBAC2",
		"spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes":                                                                                   "TOK5",
		"Warning: requested expiration of 172800 seconds shortened to 86400 seconds":                                                                                                    "TOK6",
		"WebIdentityErr: failed fetching WebIdentity token: open /var/run/secrets/eks.amazonaws.com/serviceaccount/token: permission denied":                                            "POD5",
		"WebIdentityErr: role ARN is not set":                                                                                                                                           "POD6",
		"To use web identity tokens, the 'sts' service module must be on the class path.":                                                                                               "POD7",
		`dial tcp: lookup sts..amazonaws.com: no such host`:                                                                                                                             "POD8",
		`Post "https://sts.amazonaws.com/": dial tcp 52.94.0.1:443: i/o timeout`:                                                                                                        "POD9",
		"[Errno 2] No such file or directory: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token'":                                                                                "POD3",
		`Could not connect to the endpoint URL: "https://sts.us-east-1.amazonaws.com/"`:                                                                                                 "POD9",
		`Post "https://sts.us-east1.amazonaws.com/": dial tcp: lookup sts.us-east1.amazonaws.com: no such host`:                                                                         "POD8",
		"Unable to load credentials from any of the providers in the chain AwsCredentialsProviderChain":                                                                                 "SA1",
		"Unable to load AWS credentials from any provider in the chain: [EnvironmentVariableCredentialsProvider":                                                                        "SA1",
		"CredentialsProviderError: Could not load credentials from any providers":                                                                                                       "SA1",
		"Aws::Errors::MissingCredentialsError: unable to sign request without credentials set":                                                                                          "SA1",
		"Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY":                                                                                                              "POD4",
		"An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.":                                 "POD4",
		"fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden":                                                                                         "ROLE19",
		"Parameter validation failed:\nInvalid length for parameter RoleArn, value: 4, valid min length: 20":                                                                            "ROLE9",
		"User: arn:aws:sts::111122223333:assumed-role/cart/x is not authorized to perform: kms:Decrypt on this resource because no resource-based policy allows the kms:Decrypt action": "ROLE20",
		"[Errno 13] Permission denied: '/.aws'":                                                                                                                                         "POD10",
		"Unable to locate credentials. You can configure credentials by running \"aws configure\".":                                                                                     "SA1",
		"User: arn:aws:sts::111122223333:assumed-role/eks-node/i-0abc is not authorized to perform: s3:ListBucket":                                                                      "POD11",
		`failed calling webhook "pod-identity-webhook.amazonaws.com": failed to call webhook: connection refused`:                                                                       "POD2",
		"audience \"x\" not found in pod spec volume, system:node:n is not authorized to request tokens":                                                                                "NODE1",
		`plugin "aws" not allowed: policy set to "DenyAll"`:                                                                                                                             "WS3",
		`error when retrieving credentials from credential_process: exec: "kubectl-irsa": executable file not found in $PATH`:                                                           "WS4",
		`tls: failed to verify certificate: x509: certificate signed by unknown authority`:                                                                                              "WS10",
		`Post "https://sts.us-east-1.amazonaws.com/": tls: failed to verify certificate: x509: certificate signed by unknown authority`:                                                 "WS6",
		"error: You must be logged in to the server (Unauthorized)":                                                                                                                     "ISS3",
		"InvalidParameterValue: Invalid token":                                                                                                                                          "STSX",
	} {
		t.Run(want+" "+text, func(t *testing.T) {
			found := Find(text)
			if len(found) == 0 || found[0].Code != want {
				t.Errorf("got %v, want %s first", codes(found), want)
			}
		})
	}
}

func TestFindReadsStackTraces(t *testing.T) {
	trace := `Exception in thread "main" software.amazon.awssdk.services.sts.model.InvalidIdentityTokenException:
	No OpenIDConnect provider found
	  in your account for https://oidc.example.com (Service: Sts, Status Code: 400, Request ID: 1)
	at software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handleErrorResponse(CombinedResponseHandler.java:125)
	Caused by: java.io.IOException`
	if found := Find(trace); len(found) == 0 || found[0].Code != "PROV1" {
		t.Errorf("got %v, want PROV1 first", codes(found))
	}
	if found := Find("everything is fine"); found != nil {
		t.Errorf("got %v for a text without an error", codes(found))
	}
}

func TestEveryCauseOfTheCatalogueIsDescribed(t *testing.T) {
	for _, e := range catalogue() {
		for _, code := range e.causes {
			cause, known := causes()[code]
			if !known {
				t.Errorf("%q names %s, which is not described", e.all, code)
				continue
			}
			if cause.Meaning == "" || len(cause.Next) == 0 {
				t.Errorf("%s has no meaning or nothing to do next", code)
			}
		}
		for _, part := range e.all {
			if part != strings.ToLower(part) {
				t.Errorf("%q can never be found: texts are folded to lower case", part)
			}
		}
	}
}

func codes(found []Cause) (list []string) {
	for _, c := range found {
		list = append(list, c.Code)
	}
	return list
}

func TestTheLikelyCausesAreRankedEachWithItsLine(t *testing.T) {
	n := Names{Namespace: "shop", ServiceAccount: "cart", Role: "CART", Account: "111122223333", Issuer: "https://oidc.example.com", Audience: "sts.amazonaws.com"}
	const denied = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"
	var (
		untrusted = Likely{"ROLE1", "role CART does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com", "kubectl irsa role trust add CART --sa cart -n shop"}
		missing   = Likely{"ROLE8", "account 111122223333 has no role CART", "kubectl irsa role create CART --sa cart -n shop"}
		young     = Likely{"ROLE14", "role CART was made or changed within the last minute: wait ten seconds and try again", ""}
		unknown   = Likely{"PROV1", "account 111122223333 has no OIDC provider for https://oidc.example.com", "kubectl irsa provider create"}
		audience  = Likely{"PROV3", "the provider does not know the audience sts.amazonaws.com", "kubectl irsa provider audience add sts.amazonaws.com"}
		old       = Likely{"PUB7", "the published keys are not those that the cluster signs with now", "kubectl irsa publish"}
	)
	for name, tc := range map[string]struct {
		causes []Cause
		holds  []string
		want   []Likely
	}{
		"what one says for others is said once": {Find(denied), nil, []Likely{untrusted, missing, young}},
		"what a check disproved is left out":    {Find(denied), []string{"role-trusts"}, []Likely{missing, young}},
		"every check of a cause has to hold": {Find("The web identity token provided could not be validated"), []string{"key-published", "issuer-consistent"},
			[]Likely{unknown, audience, old}},
		"of many, five are said": {Find("Couldn't retrieve verification key"), nil, []Likely{
			{"PUB1", "the public documents cannot be fetched", "kubectl irsa inspect issuer"}, old,
			{"PUB4", "jwks_uri leads into the cluster", "kubectl irsa publish"}, {"PUB5", "the published issuer is another", "kubectl irsa publish"},
			{"PUB2", "the bucket blocks public access", "kubectl irsa publish"}}},
		"another STS than AWS's may mean either side": {Anywhere(), nil, []Likely{unknown, untrusted, missing, audience, old}},
		"a line with an open name is none":            {ByCheck("role-permits"), nil, []Likely{{"ROLE11", "a policy above the role denies", ""}, {"ROLE19", "the role lacks this permission", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			left := Left(tc.causes, func(id string) bool { return slices.Contains(tc.holds, id) })
			if diff := cmp.Diff(tc.want, Ranked(left, n)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheCommonestErrorsGiveTheirCausesInOrder(t *testing.T) {
	role := "ROLE1 ROLE8 ROLE2 ROLE3 ROLE4 ROLE6 ROLE17 ROLE14 ROLE19 ROLE11"
	for text, want := range map[string]string{
		"AccessDenied": role,
		"An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: x":                                                        role,
		"An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied":                                                        "ROLE19 ROLE11 POD11",
		"operation error S3: ListObjectsV2, https response error StatusCode: 403, api error AccessDenied: Access Denied":                                  "ROLE19 ROLE11 POD11",
		"User: arn:aws:sts::1:assumed-role/cart/x is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::b":                                "ROLE19 ROLE11 POD11",
		"User: arn:aws:sts::1:assumed-role/cart/x is not authorized to perform: s3:ListBucket because no identity-based policy allows the s3:ListBucket":  "ROLE19 POD11",
		"User: arn:aws:sts::1:assumed-role/node/i-0abc is not authorized to perform: s3:ListBucket because no identity-based policy allows the action":    "POD11 SA1 POD1",
		"The config profile (cart) could not be found":                                                                                                    "WS7",
		"failed to get shared config profile, cart":                                                                                                       "WS7",
		"An error occurred (ExpiredToken) when calling the ListObjectsV2 operation: The provided token has expired.":                                      "WS8",
		"ExpiredTokenException: The security token included in the request is expired":                                                                    "WS8",
		"An error occurred (ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired: current date/time must be before": "TOK1 TOK2",
		"ExpiredTokenException": "TOK1 TOK2",
		"ExpiredToken":          "WS8 TOK1 TOK2",
	} {
		if diff := cmp.Diff(want, strings.Join(codes(Find(text)), " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestWhatIsToBeDoneIsEitherALineToPasteOrWords(t *testing.T) {
	for _, c := range described() {
		for _, next := range c.Next {
			if !IsCommand(next) && strings.Contains(next, "kubectl ") {
				t.Errorf("%s: %q is both", c.Code, next)
			}
		}
	}
}

func TestNamesAreTakenFromTheText(t *testing.T) {
	for text, want := range map[string]Names{
		"No OpenIDConnect provider found in your account for https://oidc.example.com/id/1.":                                       {Issuer: "https://oidc.example.com/id/1"},
		"User: system:serviceaccount:a:b is not authorized ... on resource: arn:aws-cn:iam::111122223333:role/team/cart":           {Namespace: "a", ServiceAccount: "b", Account: "111122223333", Role: "cart"},
		`serviceaccounts "cart" is forbidden: User "system:serviceaccount:a:b" cannot create resource ... in the namespace "shop"`: {Namespace: "shop", ServiceAccount: "cart", User: "system:serviceaccount:a:b"},
		"User: arn:aws:sts::111122223333:assumed-role/node/i-0abc is not authorized to perform: s3:ListBucket":                     {Account: "111122223333", Role: "node", Action: "s3:ListBucket"},
		"Unable to locate credentials": {},
	} {
		t.Run(text, func(t *testing.T) {
			if diff := cmp.Diff(want, NamesIn(text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyCapitalsThatAreKnownAreFilledIn(t *testing.T) {
	n := Names{Namespace: "shop", ServiceAccount: "cart", Role: "basket"}
	for text, want := range map[string]string{
		"kubectl irsa role trust add ROLE --sa NAME -n NAMESPACE": "kubectl irsa role trust add basket --sa cart -n shop",
		"AWS_ROLE_ARN leads to SUBJECT at ISSUER/.well-known":     "AWS_ROLE_ARN leads to system:serviceaccount:shop:cart at ISSUER/.well-known",
		"create role irsa-login-NAME --resource-name=NAME":        "create role irsa-login-cart --resource-name=cart",
		"kubectl irsa provider create [--audience AUDIENCE]":      "kubectl irsa provider create",
	} {
		if diff := cmp.Diff(want, n.Fill(text)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAnAudienceFromAnAnnotationIsOneWordOfALine(t *testing.T) {
	n := Names{Audience: "vault; touch PWNED #"}
	want := "kubectl irsa provider create --audience 'vault; touch PWNED #'"
	if got := n.Fill("kubectl irsa provider create [--audience AUDIENCE]"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestACheckKnowsTheCausesThatItTellsApart(t *testing.T) {
	if diff := cmp.Diff([]string{"PROV3"}, codes(ByCheck("audience-registered"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for code, title := range Codes() {
		if cause, known := ByCode(code); !known || cause.Title != title {
			t.Errorf("%s is called %q here and %q there", code, title, cause.Title)
		}
	}
}
