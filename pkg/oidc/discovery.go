// Package oidc reads what an OpenID Connect issuer publishes and what it signs:
// discovery documents, JSON Web Key Sets and ServiceAccount tokens. It fetches
// documents the way a stranger would, without credentials and without following
// redirects, and verifies signatures with the algorithms that AWS accepts.
//
// It judges nothing: whether a document is good enough for AWS is left to its
// callers, which find every fact needed for that in the values and errors here.
package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DiscoveryPath is what follows the issuer in the URL of its discovery document
// (OpenID Connect Discovery 1.0, section 4).
const DiscoveryPath = "/.well-known/openid-configuration"

// DiscoveryURL is where the discovery document of an issuer is looked for. One
// trailing slash of the issuer is dropped first, as section 4.1 of OpenID Connect
// Discovery 1.0 asks; the issuer itself keeps it when it is compared.
func DiscoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + DiscoveryPath
}

// Discovery is an OpenID provider's metadata, as far as AWS and Kubernetes use it.
type Discovery struct {
	// Issuer equals the iss claim of the issuer's tokens byte for byte.
	Issuer string
	// JWKSURI is the absolute URL of the key set.
	JWKSURI string
	// ResponseTypes is response_types_supported; Kubernetes says ["id_token"].
	ResponseTypes []string
	// SubjectTypes is subject_types_supported; Kubernetes says ["public"].
	SubjectTypes []string
	// SigningAlgorithms is id_token_signing_alg_values_supported, such as ["RS256"].
	SigningAlgorithms []string
	// Extra holds every member that has no field above, as it was read.
	Extra map[string]json.RawMessage
}

var discoveryMembers = []string{
	"issuer", "jwks_uri", "response_types_supported", "subject_types_supported",
	"id_token_signing_alg_values_supported",
}

// ParseDiscovery reads a discovery document. Members that are missing stay empty
// and members that are unknown go to Extra; a document that is no JSON object, or
// in which a known member has another type, is an error.
func ParseDiscovery(data []byte) (Discovery, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return Discovery{}, fmt.Errorf("reading the discovery document: %w", notJSON(data, err))
	}
	if members == nil {
		return Discovery{}, errors.New("reading the discovery document: it is null, not an object")
	}
	var d Discovery
	into := map[string]any{
		"issuer": &d.Issuer, "jwks_uri": &d.JWKSURI,
		"response_types_supported": &d.ResponseTypes, "subject_types_supported": &d.SubjectTypes,
		"id_token_signing_alg_values_supported": &d.SigningAlgorithms,
	}
	for _, name := range discoveryMembers {
		raw, ok := members[name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, into[name]); err != nil {
			return Discovery{}, fmt.Errorf("reading %s of the discovery document: %w", name, err)
		}
		delete(members, name)
	}
	if len(members) > 0 {
		d.Extra = members
	}
	return d, nil
}

// Marshal renders the document in one canonical form: the known members in the
// order in which a kube-apiserver writes them, then the extra ones by name.
func (d Discovery) Marshal() ([]byte, error) {
	w := &objectWriter{}
	w.add("issuer", d.Issuer)
	w.add("jwks_uri", d.JWKSURI)
	w.add("response_types_supported", orEmpty(d.ResponseTypes))
	w.add("subject_types_supported", orEmpty(d.SubjectTypes))
	w.add("id_token_signing_alg_values_supported", orEmpty(d.SigningAlgorithms))
	names := make([]string, 0, len(d.Extra))
	for name := range d.Extra {
		if !slices.Contains(discoveryMembers, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		w.add(name, d.Extra[name])
	}
	out, err := w.bytes()
	if err != nil {
		return nil, fmt.Errorf("writing the discovery document: %w", err)
	}
	return out, nil
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// notJSON replaces the decoder's complaint about a leading "<" by what it means.
func notJSON(data []byte, err error) error {
	var typeErr *json.UnmarshalTypeError
	switch {
	case LooksLikeHTML(data):
		return errors.New("it is an HTML page, not JSON")
	case errors.As(err, &typeErr) && typeErr.Field != "":
		return fmt.Errorf("its %s is a JSON %s", typeErr.Field, typeErr.Value)
	case errors.As(err, &typeErr):
		return fmt.Errorf("it is a JSON %s, not an object", typeErr.Value)
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("it is empty")
	}
	return err
}

// objectWriter writes a JSON object whose members keep the order of the calls.
type objectWriter struct {
	buf bytes.Buffer
	err error
}

func (w *objectWriter) add(name string, value any) {
	if w.err != nil {
		return
	}
	if w.buf.Len() > 0 {
		w.buf.WriteByte(',')
	}
	key, err := encode(name)
	if err != nil {
		w.err = err
		return
	}
	val, err := encode(value)
	if err != nil {
		w.err = fmt.Errorf("member %s: %w", name, err)
		return
	}
	w.buf.Write(key)
	w.buf.WriteByte(':')
	w.buf.Write(val)
}

func (w *objectWriter) bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return append(append([]byte{'{'}, w.buf.Bytes()...), '}'), nil
}

// encode is json.Marshal without the escaping of <, > and &, which URLs contain.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}
