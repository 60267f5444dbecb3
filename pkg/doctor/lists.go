package doctor

import "slices"

// ServiceAccountChecks are those of inspect sa, in the order in which a token
// exchange would stumble.
func ServiceAccountChecks() []Check {
	return slices.Concat(accountChecks(), tokenChecks(), issuerChecks(), publishedChecks(), keyChecks(),
		providerChecks(), roleChecks(), stsChecks(), podChecks())
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
