package oidc_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const kubernetesDiscovery = `{"issuer":"https://127.0.0.1:16443","jwks_uri":"https://127.0.0.1:16443/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`

func TestADiscoveryDocumentIsReadAndWrittenAsKubernetesWritesIt(t *testing.T) {
	want := oidc.Discovery{
		Issuer: "https://127.0.0.1:16443", JWKSURI: "https://127.0.0.1:16443/openid/v1/jwks",
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"}, SigningAlgorithms: []string{"RS256"},
	}
	got, err := oidc.ParseDiscovery([]byte(kubernetesDiscovery))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	written, err := got.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kubernetesDiscovery, string(written)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestMembersThatAreUnknownAreKept(t *testing.T) {
	d, err := oidc.ParseDiscovery([]byte(`{"z":{"b":1},"claims_supported":["sub"],"issuer":"https://x/?a&b"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := oidc.Discovery{Issuer: "https://x/?a&b", Extra: map[string]json.RawMessage{
		"z": json.RawMessage(`{"b":1}`), "claims_supported": json.RawMessage(`["sub"]`),
	}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	written, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"issuer":"https://x/?a&b","jwks_uri":"","response_types_supported":[],"subject_types_supported":[],"id_token_signing_alg_values_supported":[],"claims_supported":["sub"],"z":{"b":1}}`, string(written)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestADocumentThatIsNoDiscoveryIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ document, want string }{
		"a web page":         {"<html>", "reading the discovery document: it is an HTML page, not JSON"},
		"nothing":            {"", "reading the discovery document: it is empty"},
		"null":               {"null", "reading the discovery document: it is null, not an object"},
		"an array":           {"[]", "reading the discovery document: it is a JSON array, not an object"},
		"issuer is a number": {`{"issuer":1}`, "reading issuer of the discovery document: json: cannot unmarshal number into Go value of type string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := oidc.ParseDiscovery([]byte(tc.document))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestTheDocumentIsLookedForBelowTheIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://x":      "https://x/.well-known/openid-configuration",
		"https://x/":     "https://x/.well-known/openid-configuration",
		"https://x/id/A": "https://x/id/A/.well-known/openid-configuration",
	} {
		if got := oidc.DiscoveryURL(issuer); got != want {
			t.Errorf("%s: got %s, want %s", issuer, got, want)
		}
	}
}
