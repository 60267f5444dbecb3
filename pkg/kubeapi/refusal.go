// Package kubeapi says what an error of the Kubernetes API server means, or of the
// way to it, and what a person can do about it. It makes no client.
package kubeapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// FieldManager is who we are in managedFields of what we change in a cluster.
const FieldManager = "kubectl-irsa"

// Unaccepted is what 401 Unauthorized of the API server means.
const Unaccepted = "the API server does not accept the credentials of this kubeconfig context: they are expired or belong to another cluster"

// Unreachable adds advice to an error of the transport: no answer, a
// certificate, credentials that the server does not know.
func Unreachable(err error) error {
	text := err.Error()
	switch {
	case Anonymous(err):
		return hint.Wrap(err, "this kubeconfig context presents no credentials", "kubectl config view --minify")
	case apierrors.IsUnauthorized(err):
		return hint.Wrap(err, Unaccepted, "kubectl auth whoami")
	case PluginRefusal(err) != "":
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

// PluginRefusal is why the user's kuberc kept the credential plugin of a kubeconfig
// from running, in the words of client-go; "" where err has another cause.
// https://kubernetes.io/docs/reference/kubectl/kuberc/
func PluginRefusal(err error) string {
	_, why, _ := strings.Cut(err.Error(), "getting credentials: ")
	if !slices.ContainsFunc(explain.Find(why), func(c explain.Cause) bool { return c.Code == forbiddenPlugin }) {
		return ""
	}
	return why
}

// forbiddenPlugin is the code of the cause that explain knows by client-go's words.
const forbiddenPlugin = "WS3"

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
