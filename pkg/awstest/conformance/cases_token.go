package conformance

import (
	"encoding/base64"
	"strings"
)

func goodTokens() []Case {
	return []Case{
		{Name: "a token signed with RS256 opens a session", Want: session(), Source: apiReference},
		{Name: "a token signed with RS384 opens a session", Header: map[string]any{"alg": "RS384"}, Want: session(), Source: apiReference},
		{Name: "a token signed with RS512 opens a session", Header: map[string]any{"alg": "RS512"}, Want: session(), Source: apiReference},
		{Name: "a token signed with ES256 opens a session", KeyType: "P-256", Want: session(), Source: apiReference},
		{Name: "a token signed with ES384 opens a session", KeyType: "P-384", Want: session(), Source: apiReference},
		{Name: "a token signed with ES512 opens a session", KeyType: "P-521", Want: session(), Source: apiReference},
		{Name: "an audience that is a string is as good as a list of one", Claims: set("aud", audience), Want: session(), Source: apiReference},
		{
			Name:   "a token that ended a minute ago is within the leeway",
			Claims: func(c map[string]any, now int64) { c["iat"], c["nbf"], c["exp"] = now-900, now-900, now-60 },
			Want:   session(), Source: "about five minutes of leeway, as seen by users",
		},
		{Name: "a token without nbf opens a session", Claims: drop("nbf"), Want: session(), Source: "RFC 7519, section 4.1.5: nbf is optional"},
		{Name: "claims of Kubernetes are not needed", Claims: drop("kubernetes.io"), Want: session(), Source: apiReference},
		{
			Name: "the second client id of the provider is as good as the first", Role: OnePerAud,
			Claims: set("aud", []string{secondAudience}), Want: session(),
			Source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html",
		},
	}
}

func badTokens() []Case {
	return []Case{
		{
			Name: "text that is no token", Raw: func(string) string { return "not-a-token" },
			Want: invalid(notAJWT), Source: "public reports of a path sent in place of a token",
		},
		{
			Name: "two parts of a token", Raw: func(t string) string { return t[:strings.LastIndexByte(t, '.')] },
			Want: invalid(notAJWT), Source: "as above",
		},
		{
			Name: "a payload that is not base64",
			Raw:  func(t string) string { p := strings.Split(t, "."); return p[0] + ".!!!." + p[2] },
			Want: invalid(notAJWT), Source: "as above",
		},
		{Name: "alg none", Raw: unsigned, Want: invalid(notValidated), Source: reports2026},
		{
			Name: "an algorithm that AWS does not take", Header: map[string]any{"alg": "PS256"},
			Want: invalid(notValidated), Source: apiReference,
		},
		{Name: "a signature by another key under the published kid", Forged: true, Want: invalid(notValidated), Source: reports2026},
		{
			Name: "a payload changed after signing", Want: invalid(notValidated), Source: reports2026,
			Raw: func(t string) string { // the same claims, written otherwise
				p := strings.Split(t, ".")
				claims, err := base64.RawURLEncoding.DecodeString(p[1])
				if err != nil {
					panic(err) // the fixture signed it
				}
				return p[0] + "." + base64.RawURLEncoding.EncodeToString(append(claims, ' ')) + "." + p[2]
			},
		},
		{
			Name: "a kid that is not published", Header: map[string]any{"kid": "not-published"},
			Want: invalid(notValidated), Source: reports2026,
			Differs: was(noKey, "EKS troubleshooting: rotated keys gave this text"),
		},
		{Name: "no kid", Header: map[string]any{"kid": nil}, Want: invalid(notValidated), Source: reports2026},
	}
}

func badClaims() []Case {
	expired := func(c map[string]any, now int64) { c["iat"], c["nbf"], c["exp"] = now-7200, now-7200, now-3600 }
	return []Case{
		{
			Name: "a token that ended an hour ago", Claims: expired,
			Want: Answer{Status: 400, Code: "ExpiredTokenException",
				Message: "Token expired: current date/time * must be before the expiration date/time *"},
			Source: "https://github.com/aws/aws-sdk-java-v2/issues/5709",
		},
		{
			Name: "a token that begins in an hour", Claims: func(c map[string]any, now int64) { c["nbf"] = now + 3600 },
			Want: invalid(notValidated), Source: "RFC 7519, section 4.1.5",
		},
		{
			Name: "no iat", Claims: drop("iat"), Want: invalid("Missing a required claim: iat."),
			Source: "IAM User Guide, creating an OIDC provider: claims must include a value for iat",
		},
		{
			Name: "no exp", Claims: drop("exp"), Want: invalid(notValidated), Source: apiReference,
			Differs: was("Missing a required claim: exp", "by analogy with aud, see there"),
		},
		{
			Name: "no sub", Claims: drop("sub"), Want: invalid(notValidated), Source: apiReference,
			Differs: was("Missing a required claim: sub", "by analogy with aud, see there"),
		},
		{
			Name: "no aud, as in the token of a Secret", Claims: drop("aud"), Want: invalid(notValidated), Source: apiReference,
			Differs: was("Missing a required claim: aud", "https://github.com/aws/aws-sdk-ruby/issues/2698"),
		},
		{
			Name: "an audience that the provider does not have", Claims: set("aud", []string{"https://kubernetes.default.svc"}),
			Want: invalid(notValidated), Source: reports2026, Differs: was("Incorrect token audience", olderReports),
		},
		{
			Name: "two audiences and no azp", Claims: set("aud", []string{audience, secondAudience}),
			Want:   invalid("Token audience contains more than one audience while authorized party is not present"),
			Source: "public reports of SPIFFE users, 2026",
		},
	}
}
