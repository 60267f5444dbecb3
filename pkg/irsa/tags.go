package irsa

// The tags of what this program made at AWS. Only what carries TagOwned is ever
// deleted, and TagIssuer says for which cluster it was made.
const (
	TagOwned  = "kubectl-irsa/owned"  // "true"
	TagIssuer = "kubectl-irsa/issuer" // the issuer's URL
)

// AnnotationOwned lists, on a ServiceAccount, which of its annotations this
// program wrote: "role-arn", or "role-arn,audience". Only those are ever removed.
const AnnotationOwned = "kubectl-irsa/owned"

// Owned reports whether tags mark something that this program made for an
// issuer; an empty issuer asks for none in particular.
func Owned(tags map[string]string, issuer string) bool {
	return tags[TagOwned] == "true" && (issuer == "" || tags[TagIssuer] == issuer)
}
