package doctor

import (
	"slices"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

// ServiceAccountChecks are those of inspect sa, in the order in which a token
// exchange would stumble.
func ServiceAccountChecks() []Check {
	return slices.Concat(chainChecks(), stsChecks(), podChecks())
}

// chainChecks are those before STS: each can be judged without it.
func chainChecks() []Check {
	return slices.Concat(accountChecks(), tokenChecks(), issuerChecks(), publishedChecks(), without(keyChecks(), "keys-published"), providerChecks(), roleChecks())
}

// IssuerChecks are those of inspect issuer: what the cluster calls itself and
// what it publishes.
func IssuerChecks() []Check {
	return arrange(without(slices.Concat(issuerChecks(), publishedChecks(), keyChecks()),
		"issuer-consistent", "key-published", "algorithm-announced", "signature-live", "signature-published"))
}

// ProviderChecks are those of inspect provider: the issuer, its documents and
// what IAM knows of it in the account of the credentials.
func ProviderChecks() []Check {
	return arrange(slices.Concat(IssuerChecks(), without(providerChecks(), "provider-account"), homeChecks()))
}

// RoleChecks are those of inspect role: what can be said of a role without a
// ServiceAccount.
func RoleChecks() []Check {
	return arrange(slices.Concat(
		pick(accountChecks(), "role-arn-valid"),
		pick(issuerChecks(), "issuer-public"),
		without(providerChecks(), "audience-registered"),
		without(roleChecks(), "role-trusts", "session-duration")))
}

// pick takes checks by ID.
func pick(checks []Check, ids ...string) []Check {
	return slices.DeleteFunc(checks, func(c Check) bool { return !slices.Contains(ids, c.ID) })
}

// without leaves checks out, by ID.
func without(checks []Check, ids ...string) []Check {
	return slices.DeleteFunc(checks, func(c Check) bool { return slices.Contains(ids, c.ID) })
}

// arrange drops needs that are not in the list: a shorter list judges what it
// has.
func arrange[F any](checks []check.Check[F]) []check.Check[F] {
	ids := check.IDs(checks)
	for i := range checks {
		checks[i].Needs = slices.DeleteFunc(slices.Clone(checks[i].Needs), func(id string) bool { return !slices.Contains(ids, id) })
	}
	return checks
}

// Sentences sum up each link: true where all its checks hold.
var Sentences = map[string]string{
	linkAccount:   "the ServiceAccount names its role",
	linkToken:     "the cluster issues tokens that AWS can read",
	linkIssuer:    "cluster and tokens agree on a public issuer",
	linkDocuments: "anybody can read what AWS has to read",
	linkKeys:      "the token's signature fits the published keys",
	linkProvider:  "the role's account knows issuer and audience",
	linkRole:      "the role trusts this ServiceAccount and no stranger",
	linkSTS:       "STS takes the token for the role",
	linkWebhook:   "a webhook gives pods the token",
	linkPods:      "pods have it, and nothing that beats it",
}
