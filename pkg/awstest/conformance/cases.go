// Package conformance is one table of web identity exchanges and what AWS answers
// to each, to be run against any server that speaks STS, IAM and S3. Where a
// server is known to answer otherwise, the table says how, and what settles who is
// right.
package conformance

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Server is whom the table is run against.
type Server string

// The servers whose answers the table knows.
const (
	// AWS is AWS as users have reported it since July 2026.
	AWS Server = "aws"
	// AWSBefore2026 is AWS with its older texts of InvalidIdentityToken.
	AWSBefore2026 Server = "aws-before-2026"
	// VersityGW is VersityGW 1.8.0, an independent server of IAM, STS and S3.
	VersityGW Server = "versitygw"
)

// Answer is what is compared of an answer.
type Answer struct {
	Status int
	Code   string // of the error, empty for a session
	// Message is the error's text. In an expected answer a * stands for any text.
	Message string
}

// Difference is how a server answers where it does not answer as AWS does.
type Difference struct {
	Answer Answer
	// Because says what settles which answer is AWS's: a page of AWS's
	// documentation or a public report.
	Because string
}

// Case is one exchange. The zero value of everything but Name and Want is a good
// token of Issuer, offered for a role that trusts it.
type Case struct {
	// Name is a sentence about the exchange.
	Name string
	// Issuer chooses one of the issuers of the fixture.
	Issuer IssuerKind
	// KeyType signs with the published key of that type: RSA, P-256, P-384 or P-521.
	KeyType string
	// Claims changes the claims of a good token; now is the epoch second.
	Claims func(claims map[string]any, now int64)
	// Header replaces members of the token's header; nil removes one.
	Header map[string]any
	// Forged signs with a key that nobody published, under the published kid.
	Forged bool
	// Raw, where set, is given the signed token and returns what is sent.
	Raw func(token string) string
	// Role chooses one of the roles of the fixture.
	Role RoleKind
	// Form changes the parameters of the call.
	Form func(form url.Values)
	// Want is AWS's answer.
	Want Answer
	// Source is where Want comes from.
	Source string
	// Differs are the answers of servers that differ from AWS.
	Differs map[Server]Difference
}

// Expected is the answer that a server is known to give.
func (c Case) Expected(server Server) Answer {
	if d, ok := c.Differs[server]; ok {
		return d.Answer
	}
	return c.Want
}

// IssuerKind is an issuer of the fixture; all lie in one bucket.
type IssuerKind string

// The issuers of the fixture.
const (
	Good          IssuerKind = ""               // documents published, provider made
	NoProvider    IssuerKind = "no-provider"    // documents published, no provider
	Deleted       IssuerKind = "deleted"        // documents published, the provider deleted again
	NoDocuments   IssuerKind = "no-documents"   // a provider, but nothing published
	OtherIssuer   IssuerKind = "other-issuer"   // the document names another issuer
	EmptyKeySet   IssuerKind = "empty-key-set"  // {"keys":[]}
	NotJSON       IssuerKind = "not-json"       // the discovery document is a web page
	TrailingSlash IssuerKind = "trailing-slash" // iss with a slash that the provider lacks
)

// RoleKind is a role of the fixture.
type RoleKind string

// The roles of the fixture.
const (
	Trusting     RoleKind = ""              // StringEquals on aud and sub, as setup writes it
	Pattern      RoleKind = "pattern"       // StringLike on sub
	OtherSubject RoleKind = "other-subject" // StringEquals on another sub
	OtherAud     RoleKind = "other-aud"     // StringEquals on another aud
	StarEquals   RoleKind = "star-equals"   // StringEquals with a * in sub
	Denying      RoleKind = "denying"       // Allow, and a Deny of the same
	AnyOfMany    RoleKind = "any-of-many"   // a list of subs
	OnePerAud    RoleKind = "second-aud"    // trusts the provider's second client id
	OfDeleted    RoleKind = "of-deleted"    // trusts the provider that was deleted
	Absent       RoleKind = "absent"        // does not exist
)

// The texts that occur more than once.
const (
	notValidated = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements."
	noKey        = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	notAJWT      = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	notAllowed   = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

	apiReference = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
	reports2026  = "public reports since July 2026 of one sentence for a missing provider and a wrong audience"
	olderReports = "https://github.com/mozilla/mozilla-aws-cli/issues/127, https://github.com/aws-actions/configure-aws-credentials/issues/721"
	trustPages   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
)

func session() Answer { return Answer{Status: 200} }

func invalid(message string) Answer {
	return Answer{Status: 400, Code: "InvalidIdentityToken", Message: message}
}

func validation(message string) Answer {
	return Answer{Status: 400, Code: "ValidationError", Message: message}
}

func denied() Answer { return Answer{Status: 403, Code: "AccessDenied", Message: notAllowed} }

// was states AWS's older text, where there was one.
func was(message, because string) map[Server]Difference {
	return map[Server]Difference{AWSBefore2026: {invalid(message), because}}
}

func with(differs map[Server]Difference, server Server, answer Answer, because string) map[Server]Difference {
	if differs == nil {
		differs = map[Server]Difference{}
	}
	differs[server] = Difference{answer, because}
	return differs
}

// Cases is the table. A Case changes nothing but its own token, so that they may
// run in any order.
func Cases() []Case {
	var all []Case
	for _, part := range [][]Case{goodTokens(), badTokens(), badClaims(), issuers(), roles(), parameters()} {
		all = append(all, part...)
	}
	return all
}

func drop(name string) func(map[string]any, int64) {
	return func(claims map[string]any, _ int64) { delete(claims, name) }
}

func set(name string, value any) func(map[string]any, int64) {
	return func(claims map[string]any, _ int64) { claims[name] = value }
}

// unsigned is a token without a signature whose header says alg none.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}
