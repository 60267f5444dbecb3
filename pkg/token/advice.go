package token

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// NoServiceAccount reports whether err says that the ServiceAccount is
// missing. A missing namespace, pod or secret is something else.
func NoServiceAccount(err error) bool {
	return apierrors.IsNotFound(err) && kindOf(err) == "serviceaccounts"
}

func kindOf(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		return status.Status().Details.Kind
	}
	return ""
}

// advise says what a refusal means. The server's own error stays in the chain.
func advise(r Request, err error) error {
	doing := fmt.Errorf("asking for a token of %s: %w", r.reference(), err)
	switch {
	case NoServiceAccount(err):
		return hint.Wrap(doing, fmt.Sprintf("kubectl create serviceaccount %s -n %s", r.ServiceAccount, r.Namespace))
	case apierrors.IsNotFound(err) && kindOf(err) == "namespaces":
		return hint.Wrap(doing, "create the namespace, or name another with -n",
			"kubectl create namespace "+r.Namespace)
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "because it is being terminated"):
		return hint.Wrap(doing, fmt.Sprintf("namespace %s is being deleted: wait until it is gone, or name another with -n", r.Namespace))
	case apierrors.IsForbidden(err) && !Anonymous(err):
		return hint.Wrap(doing, "ask an administrator of the cluster for this:", Grant(r.Namespace, r.ServiceAccount, UserOf(err)))
	}
	if kind, other := notAnAPIServer(err); other {
		doing = fmt.Errorf("asking for a token of %s: the answer is %s, which no API server gives", r.reference(), kind)
	}
	return Unreachable(doing)
}

// notAnAPIServer gives the media type of an answer that client-go cannot read.
func notAnAPIServer(err error) (mediaType string, other bool) {
	_, after, found := strings.Cut(err.Error(), "serializer for ")
	mediaType, _, closed := strings.Cut(after, " doesn't exist")
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return mediaType, found && closed
}

// Unreachable adds advice to an error of the transport: no answer, a
// certificate, credentials that the server does not know.
func Unreachable(err error) error {
	text := err.Error()
	switch {
	case Anonymous(err):
		return hint.Wrap(err, "this kubeconfig context presents no credentials", "kubectl config view --minify")
	case apierrors.IsUnauthorized(err):
		return hint.Wrap(err, "the API server does not accept the credentials of this kubeconfig context: they are expired or belong to another cluster",
			"kubectl auth whoami")
	case strings.Contains(text, "not allowed: policy set to"), strings.Contains(text, "credential plugin allowlist"):
		return hint.Wrap(err, "your kuberc does not let this kubeconfig's credential plugin run", "kubectl irsa doctor")
	case strings.Contains(text, "x509: certificate has expired"):
		return hint.Wrap(err, "a certificate has run out, or this machine's clock is wrong")
	case strings.Contains(text, "x509: "):
		return hint.Wrap(err, "the API server's certificate does not fit certificate-authority-data and server of this kubeconfig context",
			"kubectl config view --minify")
	case strings.Contains(text, "tls: expired certificate"), strings.Contains(text, "remote error: tls:"):
		return hint.Wrap(err, "the API server refused the client certificate of this kubeconfig context")
	case strings.Contains(text, "no such host"), strings.Contains(text, "connection refused"),
		strings.Contains(text, "no route to host"), strings.Contains(text, "network is unreachable"):
		return hint.Wrap(err, "is the cluster running, and is this the right context?",
			"kubectl config get-contexts")
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(text, "Client.Timeout exceeded"), strings.Contains(text, "i/o timeout"), strings.Contains(text, "TLS handshake timeout"):
		return hint.Wrap(err, "the API server did not answer in time: try a longer --request-timeout, or check the VPN and the context",
			"kubectl config get-contexts")
	case apierrors.IsTooManyRequests(err):
		return hint.Wrap(err, "the API server is busy: try again in a moment")
	case apierrors.IsInternalError(err), strings.Contains(text, "an error on the server ("):
		return hint.Wrap(err, "the API server failed at it: try again, and look into its log")
	case strings.Contains(text, "which no API server gives"),
		apierrors.ReasonForError(err) == metav1.StatusReasonUnknown && strings.Contains(text, "looking for beginning of value"):
		return hint.Wrap(err, "something between here and the API server answered in its place, perhaps a proxy: look at HTTPS_PROXY and NO_PROXY")
	}
	return err
}

// Grant is the line with which an administrator of a cluster lets a user log in
// as one ServiceAccount, or with "" as any of the namespace.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
func Grant(namespace, serviceAccount, user string) string {
	if serviceAccount == "" {
		serviceAccount = "--all"
	}
	return fmt.Sprintf("kubectl irsa generate rbac %s -n %s --for-user %s | kubectl apply -f -", serviceAccount, namespace, shell.Word(user))
}

// UserOf is the user whom a refusal of the API server names, USER where there
// is none.
func UserOf(err error) string {
	if err == nil {
		return "USER"
	}
	_, after, found := strings.Cut(err.Error(), `User "`)
	user, _, closed := strings.Cut(after, `"`)
	if !found || !closed {
		return "USER"
	}
	return user
}

// Anonymous reports whether a request was refused for having come without
// credentials. Its user is everybody who reaches the API server, and no right is
// to be granted to that one.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
func Anonymous(err error) bool {
	return apierrors.IsForbidden(err) && UserOf(err) == "system:anonymous"
}
