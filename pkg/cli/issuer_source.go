package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// mayMint lets issuer and find ask for a token. A server mints a real one even for a
// dry run, which is why planFlags have a word in it.
const mayMint = true

// issuer is the issuer of the cluster's tokens: what its discovery document says,
// or, where that may not be read and a token may be asked for, what a fresh one says.
func (c *cluster) issuer(ctx context.Context, mint bool) (string, error) {
	core, err := c.core()
	if err != nil {
		return "", err
	}
	issuer, err := issuerOf(core.RESTClient())(ctx)
	switch {
	case err == nil && issuer == "":
		return "", errors.New("the API server's discovery document names no issuer")
	case err == nil:
		return issuer, nil
	case !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err):
		return "", err
	case mint:
		if minted, mintErr := c.freshToken(core)(ctx); mintErr == nil {
			return minted.Claims.Issuer, nil
		}
	}
	return "", hint.Wrap(err, "name the issuer with --issuer URL")
}

// issuerFlag names the cluster whose provider or roles are meant.
type issuerFlag struct{ issuer string }

func (i *issuerFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&i.issuer, "issuer", "", "URL of the issuer; default: the cluster's own")
}

// find is the issuer that is meant. One that IAM can never take is refused.
func (i *issuerFlag) find(ctx context.Context, f *Factory, mint bool) (string, error) {
	if i.issuer != "" {
		return i.given()
	}
	c, err := f.cluster()
	if err != nil {
		return "", err
	}
	return i.findIn(ctx, c, mint)
}

func (i *issuerFlag) given() (string, error) {
	if err := irsa.CheckIssuer(i.issuer); err != nil {
		return "", usageError{fmt.Errorf("--issuer: %w", err)}
	}
	return i.issuer, nil
}

// findIn is find in a cluster whose kubeconfig is read.
func (i *issuerFlag) findIn(ctx context.Context, c *cluster, mint bool) (string, error) {
	if i.issuer != "" {
		return i.given()
	}
	found, err := c.issuer(ctx, mint)
	if err != nil {
		return "", err
	}
	if err := irsa.CheckIssuer(found); err != nil {
		return "", hint.Wrap(err, "what to tell the API server:", "kubectl irsa issuer plan")
	}
	return found, nil
}
