package issuer

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// Live is what the API server says about the tokens it signs.
type Live struct {
	Discovery oidc.Discovery
	Keys      oidc.KeySet
}

// ErrNoDiscovery means that the API server serves no discovery document, which
// it does not for an issuer that is no https URL.
var ErrNoDiscovery = errors.New("the API server serves no discovery document: its issuer is not an https URL, or it is older than Kubernetes 1.21")

// Read asks the API server for its discovery document and its keys.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
func Read(ctx context.Context, api rest.Interface) (Live, error) {
	var live Live
	var text []byte
	reached, wait := abreast.Lead(ctx, func(ctx context.Context) (err error) {
		text, err = get(ctx, api, oidc.DiscoveryPath, "application/json")
		return err
	})
	if !reached {
		return live, wait()
	}
	// Asked for application/json alone, the server answers 406.
	keys, keysErr := get(ctx, api, JWKSPath, "application/jwk-set+json, */*")
	err := wait()
	if err != nil {
		return live, err
	}
	if live.Discovery, err = oidc.ParseDiscovery(text); err != nil {
		return live, fmt.Errorf("asking the API server: %w", err)
	}
	if live.Discovery.Issuer == "" {
		return live, errors.New("asking the API server: its discovery document names no issuer")
	}
	if keysErr != nil {
		return live, keysErr
	}
	if live.Keys, err = oidc.ParseKeySet(keys); err != nil {
		return live, fmt.Errorf("asking the API server: %w", err)
	}
	return live, nil
}

func get(ctx context.Context, api rest.Interface, path, accept string) ([]byte, error) {
	answer := api.Get().AbsPath(path).SetHeader("Accept", accept).Do(ctx)
	err := answer.Error() // with the server's own sentence, which DoRaw leaves out
	switch {
	case err == nil:
		return answer.Raw()
	case apierrors.IsNotFound(err):
		return nil, hint.Wrap(fmt.Errorf("asking the API server for %s: %w", path, ErrNoDiscovery), "kubectl irsa issuer plan")
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return nil, hint.Wrap(fmt.Errorf("asking the API server for %s: %w", path, err),
			"an administrator of the cluster can let you read it:",
			"kubectl create clusterrolebinding irsa-issuer-discovery --clusterrole=system:service-account-issuer-discovery --user=USER")
	}
	return nil, fmt.Errorf("asking the API server for %s: %w", path, err)
}
