package issuer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// differences are the members in which two discovery documents differ, a line
// with - for what is there and one with + for what comes; "" where none does.
func differences(was, will oidc.Discovery) string {
	var b strings.Builder
	differ := func(member, from, to string) {
		if from != to {
			fmt.Fprintf(&b, "- %s %s\n+ %s %s\n", member, from, member, to)
		}
	}
	differ("issuer", was.Issuer, will.Issuer)
	differ("jwks_uri", was.JWKSURI, will.JWKSURI)
	differ("id_token_signing_alg_values_supported", list(was.SigningAlgorithms), list(will.SigningAlgorithms))
	differ("response_types_supported", list(was.ResponseTypes), list(will.ResponseTypes))
	differ("subject_types_supported", list(was.SubjectTypes), list(will.SubjectTypes))
	return strings.TrimSuffix(b.String(), "\n")
}

// list is a list of names whose order means nothing.
func list(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// describeKeys is a line for each key: + for a new one, = for one that is public
// already, ~ for one that is kept though the cluster does not show it, - for one
// that goes.
func describeKeys(keys []KeyReport) string {
	signs := map[KeyChange]string{
		KeyAdded: "+ %s %s", KeyPublic: "= %s %s", KeyRemoved: "- %s %s",
		KeyKept: "~ %s %s, which the cluster does not show (any more); --prune removes it",
	}
	lines := make([]string, len(keys))
	for i, k := range keys {
		algorithm := k.Algorithm
		if algorithm == "" {
			algorithm = k.Type
		}
		id := k.ID
		if id == "" {
			id = "(no kid)"
		}
		lines[i] = fmt.Sprintf(signs[k.Change], id, algorithm)
	}
	return strings.Join(lines, "\n")
}
