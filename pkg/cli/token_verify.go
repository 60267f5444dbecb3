package cli

import (
	"context"
	"fmt"

	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// jwksPath is where an API server serves its public keys:
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery.
const jwksPath = "/openid/v1/jwks"

// verify checks a token's signature against the keys of the API server, where
// the user may read them.
func verify(ctx context.Context, api rest.Interface, t oidc.Token) tokenVerified {
	// The server answers 406 to a request that accepts JSON alone.
	answer := api.Get().AbsPath(jwksPath).SetHeader("Accept", "application/jwk-set+json").Do(ctx)
	if err := answer.Error(); err != nil { // with the server's own sentence, which Raw leaves out
		return tokenVerified{Detail: fmt.Sprintf("not checked: %v", err)}
	}
	text, err := answer.Raw()
	if err != nil {
		return tokenVerified{Detail: fmt.Sprintf("not checked: %v", err)}
	}
	keys, err := oidc.ParseKeySet(text)
	if err != nil {
		return tokenVerified{Detail: fmt.Sprintf("not checked: the API server's key set: %v", err)}
	}
	fits := true
	if _, err := oidc.Verify(t, keys); err != nil {
		fits = false
		return tokenVerified{Signature: &fits, Detail: err.Error()}
	}
	return tokenVerified{Signature: &fits, Detail: "fits a key of the API server"}
}
