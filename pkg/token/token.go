// Package token asks a cluster for ServiceAccount tokens through the
// TokenRequest API and says in one sentence why it was refused. It verifies
// nothing; package oidc does.
package token

import (
	"context"
	"fmt"
	"math"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The bounds of a token's life. Kubernetes refuses less and more:
// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/.
const (
	MinDuration = 10 * time.Minute
	MaxDuration = time.Duration(1<<32) * time.Second
)

// Request is one token to ask for.
type Request struct {
	Namespace, ServiceAccount string
	Audiences                 []string                               // in this order; none asks for the API server's own
	Duration                  time.Duration                          // whole seconds; 0 leaves it to the server
	Bound                     *authenticationv1.BoundObjectReference // a Pod, Secret or Node whose end is the token's end
}

// Token is a minted token. Its String does not show it.
type Token struct {
	raw     string
	Expires time.Time
	Granted time.Duration // what the server granted, which can be less than was asked
}

// Raw is the token itself: a secret.
func (t Token) Raw() string { return t.raw }

// String names the token without showing it.
func (t Token) String() string {
	return "a token that expires at " + t.Expires.UTC().Format(time.RFC3339)
}

// GoString keeps %#v from showing the token.
func (t Token) GoString() string { return t.String() }

// creator is the call of the Kubernetes API that Create makes.
type creator interface {
	CreateToken(ctx context.Context, serviceAccount string, request *authenticationv1.TokenRequest,
		opts metav1.CreateOptions) (*authenticationv1.TokenRequest, error)
}

// Create sends one TokenRequest. An error says what was refused and, where it
// can be known, what to ask for.
func Create(ctx context.Context, accounts creator, r Request) (Token, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:      r.Audiences,
		BoundObjectRef: r.Bound,
	}}
	if r.Duration != 0 {
		seconds := int64(r.Duration / time.Second)
		request.Spec.ExpirationSeconds = &seconds
	}
	answer, err := accounts.CreateToken(withoutBodies(ctx), r.ServiceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return Token{}, advise(r, err)
	}
	if answer.Status.Token == "" {
		return Token{}, fmt.Errorf("the server answered the token request for serviceaccount %s/%s without a token", r.Namespace, r.ServiceAccount)
	}
	granted := Token{raw: answer.Status.Token, Expires: answer.Status.ExpirationTimestamp.Time}
	if answer.Spec.ExpirationSeconds != nil {
		granted.Granted = time.Duration(min(*answer.Spec.ExpirationSeconds, math.MaxUint32)) * time.Second
	}
	return granted, nil
}

// CheckDuration refuses a life that no API server grants.
func CheckDuration(d time.Duration) error {
	switch {
	case d%time.Second != 0:
		return fmt.Errorf("a token's duration is given in whole seconds, not %s", d)
	case d < MinDuration:
		return fmt.Errorf("a token's duration is at least 10m, not %s: Kubernetes refuses less", d)
	case d > MaxDuration:
		return fmt.Errorf("a token's duration is at most 2^32 seconds, not %s: Kubernetes refuses more", d)
	}
	return nil
}

// reference is the ServiceAccount in the words of kubectl.
func (r Request) reference() string {
	return fmt.Sprintf("serviceaccount %s/%s", r.Namespace, r.ServiceAccount)
}

// BoundKinds are the kinds of object that a token can be bound to, with their
// API version.
var BoundKinds = map[string]string{
	"Pod":    corev1.SchemeGroupVersion.String(),
	"Secret": corev1.SchemeGroupVersion.String(),
	"Node":   corev1.SchemeGroupVersion.String(),
}
