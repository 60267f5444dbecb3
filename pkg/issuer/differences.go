package issuer

import (
	"bytes"
	"encoding/json"
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

// Diff are the changes of both documents, line by line, as diff -u shows them;
// "" where nothing changes. To be read after the looks of the plan.
func (p *Publisher) Diff() (string, error) {
	was := p.Before()
	before := Documents{}
	if was.Discovery != nil {
		before.Discovery = *was.Discovery
	}
	if was.Keys != nil {
		before.Keys = *was.Keys
	}
	oldDiscovery, oldKeys, err := before.Bytes()
	if err != nil {
		return "", err
	}
	newDiscovery, newKeys, err := p.docs.Bytes()
	if err != nil {
		return "", err
	}
	if was.Discovery == nil {
		oldDiscovery = nil
	}
	if was.Keys == nil {
		oldKeys = nil
	}
	issuer := p.Live.Discovery.Issuer
	return unified(oidc.DiscoveryURL(issuer), oldDiscovery, newDiscovery) +
		unified(p.docs.Discovery.JWKSURI, oldKeys, newKeys), nil
}

// unified compares two JSON documents, a line for each member.
func unified(name string, was, will []byte) string {
	a, b := spread(was), spread(will)
	if slices.Equal(a, b) {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s (public)\n+++ %s (cluster)\n", name, name)
	// The longest common subsequence from each pair of positions on.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out.WriteString(" " + a[i] + "\n")
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out.WriteString("-" + a[i] + "\n")
			i++
		default:
			out.WriteString("+" + b[j] + "\n")
			j++
		}
	}
	return out.String()
}

// spread is a JSON document in lines, without the commas between them.
func spread(document []byte) []string {
	if document == nil {
		return nil
	}
	var b bytes.Buffer
	if json.Indent(&b, document, "", "  ") != nil {
		return []string{string(document)}
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, ",")
	}
	return lines
}
