package oidc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Header is the protected header of a token (RFC 7515, section 4).
type Header struct {
	Algorithm string // alg
	KeyID     string // kid; empty where there is none
	Type      string // typ; Kubernetes writes none
}

// Claims are the claims of a token as they stand in it: nothing about them has
// been verified.
type Claims struct {
	Issuer          string    // iss
	Subject         string    // sub: system:serviceaccount:NAMESPACE:NAME
	Audience        []string  // aud, one entry where the claim is a string
	AuthorizedParty string    // azp
	IssuedAt        time.Time // iat; zero where it is missing
	NotBefore       time.Time // nbf; zero where it is missing
	Expiry          time.Time // exp; zero where it is missing
	ID              string    // jti
	// Kubernetes is the claim kubernetes.io, nil where it is missing.
	Kubernetes *KubernetesClaims
	// Names lists every claim the token carries, known or not, in no certain order.
	Names []string
}

// KubernetesClaims is the claim kubernetes.io of a ServiceAccount token.
type KubernetesClaims struct {
	Namespace      string     `json:"namespace,omitempty"`
	ServiceAccount ObjectRef  `json:"serviceaccount"`
	Pod            *ObjectRef `json:"pod,omitempty"`
	Node           *ObjectRef `json:"node,omitempty"`
	Secret         *ObjectRef `json:"secret,omitempty"`
	// WarnAfter is set, in seconds since the epoch, on tokens whose life the API
	// server extended to a year.
	WarnAfter int64 `json:"warnafter,omitempty"`
}

// ObjectRef names an object to which a token is bound.
type ObjectRef struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

// Token is a parsed JSON Web Token. Printing one, with whatever verb, never shows
// its bytes.
type Token struct {
	Header Header
	Claims Claims

	// signed is behind a pointer so that fmt prints an address, should a Token
	// be part of something that is printed.
	signed *signedBytes
}

type signedBytes struct{ compact string }

// String names the token by its subject, never by its bytes.
func (t Token) String() string { return fmt.Sprintf("token of %q", t.Claims.Subject) }

// GoString is String: %#v must not show the bytes either.
func (t Token) GoString() string { return t.String() }

// MalformedError says that something is no token. It never contains any of it.
type MalformedError struct {
	// Part is what could not be read: "token", "header", "payload" or "signature",
	// or "claim NAME".
	Part string
	// Reason is a clause about the part, such as "is not base64url".
	Reason string
}

func (e *MalformedError) Error() string { return "the token is malformed: its " + e.phrase() }

func (e *MalformedError) phrase() string {
	if e.Part == "token" {
		return "text " + e.Reason
	}
	return e.Part + " " + e.Reason
}

// ParseToken reads a compact JWS (RFC 7515, section 7.1) without verifying
// anything. White space around it is ignored, since files end in a newline. Every
// error is a *MalformedError.
func ParseToken(raw string) (Token, error) {
	raw = strings.TrimSpace(raw)
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		reason := fmt.Sprintf("has %d parts between dots instead of 3", len(parts))
		switch {
		case raw == "":
			reason = "is empty"
		case len(parts) == 5:
			reason = "has 5 parts between dots: it is encrypted, not signed"
		}
		return Token{}, &MalformedError{Part: "token", Reason: reason}
	}
	header, err := segment("header", parts[0])
	if err != nil {
		return Token{}, err
	}
	payload, err := segment("payload", parts[1])
	if err != nil {
		return Token{}, err
	}
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return Token{}, &MalformedError{Part: "signature", Reason: "is not base64url"}
	}
	t := Token{signed: &signedBytes{compact: raw}}
	if t.Header, err = parseHeader(header); err != nil {
		return Token{}, err
	}
	if t.Claims, err = parseClaims(payload); err != nil {
		return Token{}, err
	}
	return t, nil
}

func segment(part, encoded string) (map[string]json.RawMessage, error) {
	data, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, &MalformedError{Part: part, Reason: "is not base64url"}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, &MalformedError{Part: part, Reason: "is not a JSON object"}
	}
	return members, nil
}

func parseHeader(members map[string]json.RawMessage) (Header, error) {
	var h Header
	for name, into := range map[string]*string{"alg": &h.Algorithm, "kid": &h.KeyID, "typ": &h.Type} {
		if raw, ok := members[name]; ok && json.Unmarshal(raw, into) != nil {
			return Header{}, &MalformedError{Part: "header", Reason: article(name) + name + " that is not a string"}
		}
	}
	if h.Algorithm == "" {
		return Header{}, &MalformedError{Part: "header", Reason: "has no alg"}
	}
	return h, nil
}

func article(name string) string {
	if name == "alg" {
		return "has an "
	}
	return "has a "
}

func parseClaims(members map[string]json.RawMessage) (Claims, error) {
	var c Claims
	for name := range members {
		c.Names = append(c.Names, name)
	}
	for name, read := range map[string]func(json.RawMessage) error{
		"iss": text(&c.Issuer), "sub": text(&c.Subject), "jti": text(&c.ID), "azp": text(&c.AuthorizedParty),
		"iat": numericDate(&c.IssuedAt), "nbf": numericDate(&c.NotBefore), "exp": numericDate(&c.Expiry),
		"aud": audience(&c.Audience),
		"kubernetes.io": func(raw json.RawMessage) error {
			if json.Unmarshal(raw, &c.Kubernetes) != nil {
				return errors.New("is not what Kubernetes writes")
			}
			return nil
		},
	} {
		raw, ok := members[name]
		if !ok {
			continue
		}
		if err := read(raw); err != nil {
			return Claims{}, &MalformedError{Part: "claim " + name, Reason: err.Error()}
		}
	}
	return c, nil
}

func text(into *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if json.Unmarshal(raw, into) != nil {
			return errors.New("is not a string")
		}
		return nil
	}
}

// numericDate reads a NumericDate (RFC 7519, section 2): seconds, fractions allowed.
func numericDate(into *time.Time) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var seconds *float64
		if json.Unmarshal(raw, &seconds) != nil || seconds == nil {
			return errors.New("is not a number of seconds")
		}
		if math.Abs(*seconds) > 1<<53 {
			return errors.New("is out of range")
		}
		*into = time.Unix(int64(*seconds), 0).UTC()
		return nil
	}
}

// audience reads aud, which is a string or an array of them (RFC 7519, 4.1.3).
func audience(into *[]string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var one string
		if json.Unmarshal(raw, &one) == nil && string(raw) != "null" {
			*into = []string{one}
			return nil
		}
		if json.Unmarshal(raw, into) != nil {
			return errors.New("is neither a string nor an array of strings")
		}
		return nil
	}
}
