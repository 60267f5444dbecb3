package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// Published is what is public already, or stored where it is to become public.
// Both are nil where nothing is there.
type Published struct {
	Discovery *oidc.Discovery
	Keys      *oidc.KeySet
}

// Documents are the two documents to publish.
type Documents struct {
	Discovery oidc.Discovery
	Keys      oidc.KeySet
}

// Bytes are the documents as they are written: one canonical form, so that the
// same keys give the same bytes.
func (d Documents) Bytes() (discovery, keys []byte, err error) {
	if discovery, err = d.Discovery.Marshal(); err != nil {
		return nil, nil, err
	}
	keys, err = d.Keys.Marshal()
	return discovery, keys, err
}

// KeyChange is what becomes of one key.
type KeyChange string

// The changes of a key.
const (
	KeyAdded   KeyChange = "added"   // the cluster's, not public yet
	KeyPublic  KeyChange = "public"  // the cluster's, public already
	KeyKept    KeyChange = "kept"    // public, but not the cluster's (any more)
	KeyRemoved KeyChange = "removed" // public, not the cluster's, and pruned
)

// KeyReport is one key of a merge.
type KeyReport struct {
	ID        string    `json:"kid"`
	Type      string    `json:"kty"`
	Algorithm string    `json:"alg,omitempty"`
	Change    KeyChange `json:"change"`
}

// ErrNoKeys is a cluster that shows no key with which a token can be checked.
var ErrNoKeys = errors.New("the API server shows no usable key: publishing an empty key set would cut off every ServiceAccount")

// A CollisionError is a public key under a kid that the cluster uses for another.
type CollisionError struct{ KeyID string }

func (e *CollisionError) Error() string {
	return fmt.Sprintf("the public key set has another key under the cluster's kid %q; AWS could check tokens with either", e.KeyID)
}

// A StrangersError is a request to prune a key set that has no key of this cluster.
type StrangersError struct{ Count int }

func (e *StrangersError) Error() string {
	return fmt.Sprintf("none of the %d public keys is this cluster's: removing them would cut off whoever signs with them", e.Count)
}

// A CrowdError is a key set with more keys than AWS reads.
type CrowdError struct{ Type string }

func (e *CrowdError) Error() string {
	return fmt.Sprintf("the key set would hold more than %d keys of type %s, and AWS reads no more", oidc.MaxKeysPerType, e.Type)
}

// A Merge decides which keys will be public.
type Merge struct {
	Live  oidc.KeySet
	Prune bool
	// Doomed are the keys that a prune was shown to remove. nil before that:
	// whatever is public and not live. Keys that appear later are kept.
	Doomed *oidc.KeySet
}

// Keys are the keys to publish where published are public now, and what becomes
// of each. Every live key is in, and without Prune every public one.
func (m Merge) Keys(published oidc.KeySet) (oidc.KeySet, []KeyReport, error) {
	live := oidc.KeySet{Keys: m.Live.Usable()}
	if len(live.Keys) == 0 {
		return oidc.KeySet{}, nil, ErrNoKeys
	}
	foreign := published.Without(live)
	foreign.Keys = slices.DeleteFunc(foreign.Keys, func(k oidc.Key) bool { return nameless(k, live) })
	var doomed oidc.KeySet
	if m.Prune {
		doomed = foreign
		if m.Doomed != nil {
			doomed = foreign.Without(foreign.Without(*m.Doomed))
		}
		if len(doomed.Keys) > 0 && m.Doomed == nil && len(published.Without(foreign).Keys) == 0 {
			return oidc.KeySet{}, nil, &StrangersError{len(doomed.Keys)}
		}
	}
	kept := foreign.Without(doomed)
	for _, k := range kept.Keys {
		if k.ID != "" && len(live.Find(k.ID)) > 0 {
			return oidc.KeySet{}, nil, &CollisionError{k.ID}
		}
	}
	merged := live.Union(kept)
	if over := merged.OverLimit(); over != nil {
		return oidc.KeySet{}, nil, &CrowdError{over[0]}
	}
	return merged, keyReports(live, published, kept, doomed), nil
}

// nameless is an entry without kid for a key that the cluster shows with one:
// older tools wrote such, AWS cannot use them, and the entry with kid replaces it.
func nameless(k oidc.Key, live oidc.KeySet) bool {
	return k.ID == "" && k.Public != nil && slices.ContainsFunc(live.Keys, func(l oidc.Key) bool {
		named := k
		named.ID = l.ID
		return named.Equal(l)
	})
}

func keyReports(live, published, kept, doomed oidc.KeySet) []KeyReport {
	var reports []KeyReport
	add := func(set oidc.KeySet, change KeyChange) {
		seen := map[string]bool{}
		for _, k := range set.Keys {
			id := k.ID + "\x00" + k.Type
			if k.ID == "" || !seen[id] {
				reports = append(reports, KeyReport{ID: k.ID, Type: k.Type, Algorithm: k.Algorithm, Change: change})
			}
			seen[id] = true
		}
	}
	add(live.Without(live.Without(published)), KeyPublic)
	add(live.Without(published), KeyAdded)
	add(kept, KeyKept)
	add(doomed, KeyRemoved)
	return reports
}

// Changed reports whether a merge writes anything.
func Changed(keys []KeyReport) bool {
	return slices.ContainsFunc(keys, func(k KeyReport) bool { return k.Change == KeyAdded || k.Change == KeyRemoved })
}

// Discovery is the document to publish for the cluster's issuer with these keys:
// issuer byte for byte, jwks_uri the public URL of the key set, the algorithms of
// the keys, and whatever else live or published document say.
func Discovery(live oidc.Discovery, published *oidc.Discovery, jwksURI string, keys oidc.KeySet) oidc.Discovery {
	d := oidc.Discovery{
		Issuer: live.Issuer, JWKSURI: jwksURI, SigningAlgorithms: keys.Algorithms(),
		ResponseTypes: live.ResponseTypes, SubjectTypes: live.SubjectTypes,
	}
	if len(d.ResponseTypes) == 0 {
		d.ResponseTypes = []string{"id_token"}
	}
	if len(d.SubjectTypes) == 0 {
		d.SubjectTypes = []string{"public"}
	}
	extra := map[string]json.RawMessage{}
	if published != nil {
		maps.Copy(extra, published.Extra)
	}
	maps.Copy(extra, live.Extra)
	if len(extra) > 0 {
		d.Extra = extra
	}
	return d
}

// jwksURI is where the key set of an issuer is, or goes: where the API server's
// own document says, else where the public one says, as long as that is below the
// issuer; else JWKSPath below it.
func jwksURI(issuer, live string, published *oidc.Discovery) string {
	base := strings.TrimSuffix(issuer, "/")
	below := func(uri string) bool {
		rest, ok := strings.CutPrefix(uri, base+"/")
		return ok && rest != "" && !strings.ContainsAny(rest, "?#%") && !strings.HasSuffix(rest, "/") && base+oidc.DiscoveryPath != uri
	}
	if below(live) {
		return live
	}
	if published != nil && published.Issuer == issuer && below(published.JWKSURI) {
		return published.JWKSURI
	}
	return base + JWKSPath
}
