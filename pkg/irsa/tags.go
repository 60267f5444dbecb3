package irsa

import "maps"

// The tags of what this program made at AWS. Only what carries TagOwned is ever
// deleted, and TagIssuer says for which cluster it was made.
const (
	TagOwned  = "kubectl-irsa/owned"  // "true"
	TagIssuer = "kubectl-irsa/issuer" // the issuer's URL
)

// Owned reports whether tags mark something that this program made for an
// issuer; an empty issuer asks for none in particular.
func Owned(tags map[string]string, issuer string) bool {
	return tags[TagOwned] == "true" && (issuer == "" || tags[TagIssuer] == issuer)
}

// Mark gives tags with those that say that this program made something for an
// issuer; the tags given stay as they are.
func Mark(tags map[string]string, issuer string) map[string]string {
	marked := maps.Clone(tags)
	if marked == nil {
		marked = map[string]string{}
	}
	marked[TagOwned], marked[TagIssuer] = "true", issuer
	return marked
}
