package kubeapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// The texts are those of Go's net, crypto/tls and crypto/x509, and of client-go.
func TestEveryWayNotToReachAnAPIServerHasItsAdvice(t *testing.T) {
	forbidden := func(user string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", fmt.Errorf(`User %q cannot list resource "pods"`, user))
	}
	const (
		noContext  = "is the cluster running, and is this the right context?|kubectl config get-contexts"
		late       = "the API server did not answer in time: try a longer --request-timeout, or check the VPN and the context|kubectl config get-contexts"
		otherCA    = "the API server's certificate does not fit certificate-authority-data and server of this kubeconfig context|kubectl config view --minify"
		clientCert = "the API server refused the client certificate of this kubeconfig context"
		failed     = "the API server failed at it: try again, and look into its log"
		between    = "something between here and the API server answered in its place, perhaps a proxy: look at HTTPS_PROXY and NO_PROXY"
	)
	for name, tc := range map[string]struct {
		err  error
		want string // the advice, line by line
	}{
		"a refusal of somebody is no trouble of the way":   {forbidden("alice"), ""},
		"a refusal of nobody":                              {forbidden("system:anonymous"), "this kubeconfig context presents no credentials|kubectl config view --minify"},
		"an error that names nobody who was refused":       {errors.New(`User "system:anonymous" was here`), ""},
		"credentials that nobody knows":                    {apierrors.NewUnauthorized("Unauthorized"), "the API server does not accept the credentials of this kubeconfig context: they are expired or belong to another cluster|kubectl auth whoami"},
		"a certificate that has run out":                   {errors.New("tls: failed to verify certificate: x509: certificate has expired or is not yet valid"), "a certificate has run out, or this machine's clock is wrong"},
		"a certificate of an authority that nobody knows":  {errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority"), otherCA},
		"a client certificate that has run out":            {errors.New("remote error: tls: expired certificate"), clientCert},
		"a client certificate that has run out, by itself": {errors.New("tls: expired certificate"), clientCert},
		"a client certificate of another authority":        {errors.New("remote error: tls: unknown certificate authority"), clientCert},
		"no such host":                                  {errors.New("dial tcp: lookup k: no such host"), noContext},
		"nobody listens":                                {errors.New("dial tcp 127.0.0.1:6443: connect: connection refused"), noContext},
		"no route":                                      {errors.New("dial tcp 10.0.0.1:443: connect: no route to host"), noContext},
		"no network":                                    {errors.New("dial tcp 10.0.0.1:443: connect: network is unreachable"), noContext},
		"a deadline":                                    {fmt.Errorf("asking: %w", context.DeadlineExceeded), late},
		"a client's time limit":                         {errors.New("net/http: request canceled (Client.Timeout exceeded while awaiting headers)"), late},
		"a dial that takes too long":                    {errors.New("dial tcp 10.0.0.1:443: i/o timeout"), late},
		"a handshake that takes too long":               {errors.New("net/http: TLS handshake timeout"), late},
		"a server that is busy":                         {apierrors.NewTooManyRequests("slow down", 1), "the API server is busy: try again in a moment"},
		"a server that fails":                           {apierrors.NewInternalError(errors.New("etcd")), failed},
		"a server that fails without saying so":         {errors.New(`an error on the server ("") has prevented the request from succeeding`), failed},
		"a proxy's page":                                {errors.New("invalid character '<' looking for beginning of value"), between},
		"a status that no API server gives":             {errors.New("status 511, which no API server gives"), between},
		"an object that was sent and could not be read": {apierrors.NewBadRequest("invalid character '<' looking for beginning of value"), ""},
		"anything else":                                 {errors.New("anything else"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := kubeapi.Unreachable(tc.err)
			if !errors.Is(err, tc.err) {
				t.Errorf("the error is lost: %v", err)
			}
			if diff := cmp.Diff(tc.want, strings.Join(hint.Lines(err), "|")); diff != "" {
				t.Errorf("advice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhomARefusalNames(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"no refusal":                   {nil, "USER"},
		"one that names nobody":        {errors.New("forbidden"), "USER"},
		"one that names somebody":      {errors.New(`User "oidc:alice@example.com" cannot get "x"`), "oidc:alice@example.com"},
		"one that is cut in the name":  {errors.New(`User "ali`), "USER"},
		"a quote behind nobody's name": {errors.New(`forbidden: "x"`), "USER"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, kubeapi.UserOf(tc.err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAGrantIsForOneServiceAccountOrForAll(t *testing.T) {
	got := []string{kubeapi.Grant("shop", "cart", "alice"), kubeapi.Grant("shop", "", "it's me")}
	want := []string{
		"kubectl irsa generate rbac cart -n shop --for-user alice | kubectl apply -f -",
		`kubectl irsa generate rbac --all -n shop --for-user 'it'\''s me' | kubectl apply -f -`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
