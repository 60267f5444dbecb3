package trustpolicy

import (
	"sort"
	"strings"
)

// A Request is what STS would hold against the policy.
type Request struct {
	// Action is the API action, ActionWebIdentity when it is empty. A token
	// with session tags has to pass with ActionTagSession too.
	Action string

	// Principal is the ARN of the OIDC provider that vouches for the token:
	// arn:aws:iam::111122223333:oidc-provider/HOST/PATH. Empty means that it is
	// not known.
	Principal string

	// Context holds the keys the request has, with their values: HOST/PATH:aud,
	// HOST/PATH:sub. Names are not case-sensitive. A key without values counts
	// as absent.
	Context map[string][]string

	// Absent names keys the request is known not to have. A key that is in
	// neither is unknown, unless it belongs to another identity provider than
	// Principal: those are absent for sure.
	Absent []string
}

// WebIdentity is the request that a token makes, as far as it is known before
// it is made: the audience and the subject, under the keys of the provider.
func WebIdentity(provider, audience, subject string) Request {
	prefix := ConditionPrefix(provider)
	return Request{
		Action:    ActionWebIdentity,
		Principal: provider,
		Context:   map[string][]string{prefix + ":aud": {audience}, prefix + ":sub": {subject}},
	}
}

// ConditionPrefix is what the condition keys of an OIDC provider begin with,
// the issuer's URL without https://, taken from the provider's ARN. It is
// empty when the ARN is none of an OIDC provider.
func ConditionPrefix(provider string) string {
	_, prefix, _ := strings.Cut(provider, oidcResource)
	return prefix
}

const oidcResource = ":oidc-provider/"

// KeyState says whether a request has a key.
type KeyState uint8

// A key is not known, known to be absent, or present.
const (
	NotKnown KeyState = iota
	Absent
	Present
)

// String is the state in words.
func (k KeyState) String() string { return [...]string{"not known", "absent", "present"}[k] }

// A request is a Request made ready: its keys in a fixed order.
type request struct {
	action    string
	principal string
	prefix    string // of the principal's condition keys
	keys      []contextKey
}

type contextKey struct {
	name   string
	values []string
	absent bool
}

func (r Request) prepare() *request {
	out := &request{action: r.Action, principal: r.Principal, prefix: ConditionPrefix(r.Principal)}
	if out.action == "" {
		out.action = ActionWebIdentity
	}
	out.keys = make([]contextKey, 0, len(r.Context)+len(r.Absent))
	for name, values := range r.Context {
		out.keys = append(out.keys, contextKey{name: name, values: values, absent: len(values) == 0})
	}
	sort.Slice(out.keys, func(i, j int) bool { return out.keys[i].name < out.keys[j].name })
	for _, name := range r.Absent {
		out.keys = append(out.keys, contextKey{name: name, absent: true})
	}
	return out
}

func (r *request) lookup(key string) ([]string, KeyState) {
	for i := range r.keys {
		if k := &r.keys[i]; strings.EqualFold(k.name, key) {
			if k.absent {
				return nil, Absent
			}
			return k.values, Present
		}
	}
	if r.prefix != "" && (foreignProvider(key, r.prefix) || misspelt(key)) {
		return nil, Absent
	}
	return nil, NotKnown
}

// foreignProvider reports whether a key belongs to another identity provider: a
// request carries the keys of the one provider that vouches for it.
func foreignProvider(key, prefix string) bool {
	if own, _ := claimOf(key); strings.EqualFold(own, prefix) {
		return false
	}
	service, _, _ := strings.Cut(key, ":")
	return providerKey(key) || strings.EqualFold(service, "saml")
}

// misspelt reports whether a provider's key is a slip of the one of sub or aud:
// no request carries it.
func misspelt(key string) bool {
	_, claim := claimOf(key)
	return providerKey(key) && MeantClaim(claim) != claim
}

// providerKey tells the keys of identity providers from those of AWS. The first
// are the provider's name, a colon and a claim
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif);
// the others begin with the short name of a service, which has no dot and no
// slash, and may have colons in the name of a tag.
func providerKey(key string) bool {
	service, rest, found := strings.Cut(key, ":")
	return found && (strings.ContainsAny(service, "./") || strings.HasPrefix(rest, "//"))
}

// claimOf takes a provider's key apart at its last colon. The claim is in small
// letters: names of keys have no case.
func claimOf(key string) (prefix, claim string) {
	i := strings.LastIndexByte(key, ':')
	if i < 0 {
		return "", ""
	}
	return key[:i], strings.ToLower(key[i+1:])
}
