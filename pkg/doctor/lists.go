package doctor

import "slices"

// ServiceAccountChecks are those of inspect sa, in the order in which a token
// exchange would stumble.
func ServiceAccountChecks() []Check {
	return slices.Concat(chainChecks(), stsChecks(), podChecks())
}

// chainChecks are those before STS: each can be judged without it.
func chainChecks() []Check {
	return slices.Concat(accountChecks(), tokenChecks(), issuerChecks(), publishedChecks(), keyChecks(), providerChecks(), roleChecks())
}

// ProviderChecks are those of inspect provider: the issuer, its documents and
// what IAM knows of it in the account of the credentials.
func ProviderChecks() []Check {
	return slices.Concat(IssuerChecks(), without(providerChecks(), "provider-account", "role-arn-valid"), homeChecks())
}

// RoleChecks are those of inspect role: what can be said of a role without a
// ServiceAccount.
func RoleChecks() []Check {
	return slices.Concat(
		pick(accountChecks(), "role-arn-valid"),
		without(providerChecks(), "issuer-public", "audience-registered"),
		without(roleChecks(), "role-trusts", "session-duration"))
}

// pick takes checks by ID, without needs that are not among them.
func pick(checks []Check, ids ...string) []Check {
	var others []string
	for _, c := range checks {
		if !slices.Contains(ids, c.ID) {
			others = append(others, c.ID)
		}
	}
	return without(checks, others...)
}

// IssuerChecks are those of inspect issuer: what the cluster calls itself and
// what it publishes.
func IssuerChecks() []Check {
	return without(slices.Concat(issuerChecks(), publishedChecks(), keyChecks()), "issuer-consistent", "key-published", "algorithm-announced", "signature-live", "signature-published")
}

// without leaves checks out, also from the needs of others.
func without(checks []Check, ids ...string) []Check {
	var kept []Check
	for _, c := range checks {
		if slices.Contains(ids, c.ID) {
			continue
		}
		c.Needs = slices.DeleteFunc(slices.Clone(c.Needs), func(id string) bool { return slices.Contains(ids, id) })
		kept = append(kept, c)
	}
	return kept
}

// Sentences sum up each link: true where all its checks hold.
var Sentences = map[string]string{
	linkAccount:   "the ServiceAccount names its role",
	linkToken:     "the cluster issues tokens that AWS can read",
	linkIssuer:    "cluster and tokens agree on a public issuer",
	linkDocuments: "anybody can read what AWS has to read",
	linkKeys:      "the token's signature fits the published keys",
	linkProvider:  "the role's account knows issuer and audience",
	linkRole:      "the role trusts this ServiceAccount, and no other by accident",
	linkSTS:       "STS takes the token for the role",
	linkWebhook:   "a webhook gives pods the token",
	linkPods:      "pods have it, and nothing that beats it",
}
