package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const linkKeys = "keys"

func keyChecks() []Check {
	return []Check{
		{ID: "keys-usable", Link: linkKeys, Title: "AWS can use every published key", Needs: []string{"jwks-public"}, Run: keysUsable},
		{ID: "private-keys-kept", Link: linkKeys, Title: "no private key is among them", Needs: []string{"jwks-public"}, Aside: true, Run: privateKeysKept},
		{ID: "keys-few", Link: linkKeys, Title: "they are within AWS's limit", Needs: []string{"jwks-public"}, Run: keysFew},
		{ID: "keys-published", Link: linkKeys, Title: "the API server's keys are among them", Needs: []string{"jwks-public"}, Run: keysPublished},
		{ID: "key-published", Link: linkKeys, Title: "the token's key is among them", Needs: []string{"jwks-public", "token-issued"}, Run: keyPublished},
		{ID: "algorithm-announced", Link: linkKeys, Title: "the discovery document lists its algorithm", Needs: []string{"discovery-public", "token-issued"}, Run: algorithmAnnounced},
		{ID: "signature-live", Link: linkKeys, Title: "the signature fits the API server's keys", Needs: []string{"token-issued"}, Aside: true, Run: signatureLive},
		{ID: "signature-published", Link: linkKeys, Title: "the signature fits the published keys", Needs: []string{"key-published"}, Run: signaturePublished},
	}
}

func keysUsable(f Facts) Result {
	if f.Keys.Err != nil {
		return unknown("the key set could not be read")
	}
	keys := f.Keys.Value.Parsed.Keys
	if len(keys) == 0 {
		return fixed(fail("PUB7", "the key set is empty"), f.build("publish"))
	}
	var faults []string
	nameless := 0
	for i, k := range keys {
		switch {
		case k.Unusable != "":
			faults = append(faults, fmt.Sprintf("key %d (%s): %s", i+1, k.Type, k.Unusable))
		case k.ID == "":
			nameless++
		}
	}
	usable := len(f.Keys.Value.Parsed.Usable())
	switch {
	case usable == 0:
		return fixed(fail("ALG1", "%s", strings.Join(faults, "\n")), f.build("publish"), f.build("publish --prune"))
	case len(faults) > 0:
		return fixed(warn("ALG1", "%s", strings.Join(faults, "\n")), f.build("publish --prune"))
	case nameless > 0:
		return fixed(warn("PUB6", "%d of %d have no kid, by which AWS finds a token's key", nameless, len(keys)), f.build("publish --prune"))
	}
	return pass("%s", counted(len(keys), "key"))
}

// privateKeysKept looks for a private key that was published: AWS takes no
// notice, and whoever else read it does.
func privateKeysKept(f Facts) Result {
	if f.Keys.Err != nil {
		return unknown("the key set could not be read")
	}
	private := 0
	for _, k := range f.Keys.Value.Parsed.Keys {
		if k.Private {
			private++
		}
	}
	if private == 0 {
		return pass("")
	}
	r := fail("", "%d published with the private key: whoever read it can sign for this cluster; change the signing key", private)
	return fixed(r, f.withdraw(f.Keys.Value.URL, f.build("publish"))...)
}

func keysFew(f Facts) Result {
	if f.Keys.Err != nil {
		return unknown("the key set could not be read")
	}
	if over := f.Keys.Value.Parsed.OverLimit(); len(over) > 0 {
		counts := f.Keys.Value.Parsed.Counts()
		return fixed(fail("PUB8", "%d keys of type %s; AWS reads %d of a type", counts[over[0]], over[0], oidc.MaxKeysPerType), f.build("publish --prune"))
	}
	return pass("%s", counted(len(f.Keys.Value.Parsed.Keys), "key"))
}

func keyPublished(f Facts) Result {
	switch {
	case f.Keys.Err != nil:
		return unknown("the key set could not be read")
	case f.Token.Err != nil:
		return unknown("there is no token")
	}
	kid := f.Token.Value.Parsed.Header.KeyID
	published := f.Keys.Value.Parsed
	if kid == "" {
		return fail("PUB6", "the token names no key")
	}
	if len(published.Find(kid)) > 0 {
		return pass("%s", kid)
	}
	cause, why := "PUB7", "the documents are of an older key, or of another cluster"
	if slices.ContainsFunc(published.Keys, func(k oidc.Key) bool { return k.ID == "" }) {
		cause, why = "PUB6", "a published key has no kid"
	} else if d := f.Keys.Value.Document; d != nil && d.Age > 0 {
		cause, why = "PUB9", "a cache has held the key set for "+d.Age.String()
	}
	r := fail(cause, "the token is signed with %s; published are %s: %s", kid, few(published.IDs(), 3), why)
	return fixed(r, f.build("publish"))
}

// keysPublished looks for keys that the API server serves and nobody else does:
// AWS refuses every token that is signed with one, be it now or after a restart.
func keysPublished(f Facts) Result {
	switch {
	case f.Keys.Err != nil:
		return unknown("the key set could not be read")
	case f.LiveKeys.Err != nil:
		return unread("the API server's keys", f.LiveKeys.Err)
	}
	live := oidc.KeySet{Keys: f.LiveKeys.Value.Usable()}
	if left := live.Without(f.Keys.Value.Parsed).IDs(); len(left) > 0 {
		r := fail("PUB7", "the API server has %s; not published: %s; a token that is signed with such a key is refused", counted(len(live.Keys), "key"), few(left, 3))
		return fixed(r, f.build("publish"))
	}
	return pass("%s", counted(len(live.Keys), "key"))
}

func algorithmAnnounced(f Facts) Result {
	switch {
	case f.Discovery.Err != nil:
		return unknown("the document could not be read")
	case f.Token.Err != nil:
		return unknown("there is no token")
	}
	listed, alg := f.Discovery.Value.Parsed.SigningAlgorithms, f.Token.Value.Parsed.Header.Algorithm
	if !slices.Contains(listed, alg) {
		return fixed(fail("ALG1", "tokens are signed with %s; id_token_signing_alg_values_supported lists %s", alg, list(listed)), f.build("publish"))
	}
	return pass("%s", alg)
}

func signatureLive(f Facts) Result {
	switch {
	case f.Token.Err != nil:
		return unknown("there is no token")
	case f.LiveKeys.Err != nil:
		return unknown("the API server's keys could not be read")
	}
	if _, err := oidc.Verify(f.Token.Value.Parsed, f.LiveKeys.Value); err != nil {
		if _, strange := errors.AsType[*oidc.AlgorithmError](err); strange {
			return unknown("%v", err)
		}
		return fail("PUB7", "the API server does not serve the key it signs with: %v", err)
	}
	return pass("")
}

func signaturePublished(f Facts) Result {
	switch {
	case f.Token.Err != nil:
		return unknown("there is no token")
	case f.Keys.Err != nil:
		return unknown("the key set could not be read")
	}
	if _, err := oidc.Verify(f.Token.Value.Parsed, f.Keys.Value.Parsed); err != nil {
		if _, strange := errors.AsType[*oidc.AlgorithmError](err); strange {
			return unknown("%v", err)
		}
		return fixed(fail("PUB7", "the key of that name is another one: %v", err), f.withdraw(f.Keys.Value.URL, f.build("publish"))...)
	}
	return pass("")
}
