package token

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// NoServiceAccount reports whether err says that the ServiceAccount is
// missing. A missing namespace, pod or secret is something else.
func NoServiceAccount(err error) bool {
	return apierrors.IsNotFound(err) && kindOf(err) == "serviceaccounts"
}

// NoNamespace reports whether err says that the namespace is missing.
func NoNamespace(err error) bool {
	return apierrors.IsNotFound(err) && kindOf(err) == "namespaces"
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
	case NoNamespace(err):
		return hint.Wrap(doing, "create the namespace, or name another with -n",
			"kubectl create namespace "+r.Namespace)
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "because it is being terminated"):
		return hint.Wrap(doing, fmt.Sprintf("namespace %s is being deleted: wait until it is gone, or name another with -n", r.Namespace))
	case apierrors.IsForbidden(err) && !kubeapi.Anonymous(err):
		return hint.Wrap(doing, "ask an administrator of the cluster for this:", kubeapi.Grant(r.Namespace, r.ServiceAccount, kubeapi.UserOf(err)))
	}
	if kind, other := notAnAPIServer(err); other {
		doing = fmt.Errorf("asking for a token of %s: the answer is %s, which no API server gives", r.reference(), kind)
	}
	return kubeapi.Unreachable(doing)
}

// notAnAPIServer gives the media type of an answer that client-go cannot read.
func notAnAPIServer(err error) (mediaType string, other bool) {
	_, after, found := strings.Cut(err.Error(), "serializer for ")
	mediaType, _, closed := strings.Cut(after, " doesn't exist")
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return mediaType, found && closed
}
