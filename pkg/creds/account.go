package creds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
)

// NoAccount says that a ServiceAccount is missing and that nobody named a role
// to create it for. It looks for one that may be meant.
func NoAccount(ctx context.Context, accounts corev1client.ServiceAccountInterface, namespace, serviceAccount string) error {
	gone := fmt.Errorf("serviceaccount %s/%s does not exist, and no role is known for it", namespace, serviceAccount)
	if near := kubeapi.Near(ctx, accounts, serviceAccount); len(near) > 0 {
		return hint.Wrap(gone, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return hint.Wrap(gone, fmt.Sprintf("name a role, and login creates serviceaccount %s/%s for it:", namespace, serviceAccount),
		fmt.Sprintf("kubectl irsa login %s -n %s --role-arn ARN", serviceAccount, namespace))
}

// lost adds to the error of a namespace that is missing which one may be meant.
func lost(ctx context.Context, namespaces corev1client.NamespaceInterface, namespace string, err error) error {
	if !token.NoNamespace(err) {
		return err
	}
	if near := kubeapi.NearNamespaces(ctx, namespaces, namespace); len(near) > 0 {
		return hint.Wrap(err, "did you mean -n "+strings.Join(near, " or -n ")+"?")
	}
	return err
}

// NoRole says that nobody named a role, and points at an annotation that was
// probably meant to.
func NoRole(account *corev1.ServiceAccount) error {
	err := fmt.Errorf("serviceaccount %s/%s has no annotation %s, and --role-arn names no role", account.Namespace, account.Name, irsa.AnnotationRoleARN)
	annotate := fmt.Sprintf("kubectl annotate sa %s -n %s %s=", account.Name, account.Namespace, irsa.AnnotationRoleARN)
	for _, key := range slices.Sorted(maps.Keys(account.Annotations)) {
		if value := account.Annotations[key]; strings.Contains(value, ":role/") {
			return hint.Wrap(err, fmt.Sprintf("its annotation %s holds a role; if that is the one:", key), annotate+shell.Word(value))
		}
	}
	return hint.Wrap(err, "name the role with --role-arn, or once and for all:", annotate+"ARN")
}

// NotCreated says that a ServiceAccount could not be made, and who could.
func NotCreated(namespace, serviceAccount string, err error) error {
	doing := fmt.Errorf("creating serviceaccount %s/%s: %w", namespace, serviceAccount, err)
	if !apierrors.IsForbidden(err) {
		return doing
	}
	return hint.Wrap(doing, "ask an administrator of the cluster for this:",
		fmt.Sprintf("kubectl create serviceaccount %s -n %s", serviceAccount, namespace))
}

// unread says that a ServiceAccount could not be read for its role, and how to do
// without.
func unread(namespace, serviceAccount string, err error) error {
	doing := fmt.Errorf("reading serviceaccount %s/%s for its role: %w", namespace, serviceAccount, err)
	if apierrors.IsForbidden(err) && !kubeapi.Anonymous(err) {
		return hint.Wrap(doing, "name the role with --role-arn, or ask an administrator of the cluster for this:",
			kubeapi.Grant(namespace, serviceAccount, kubeapi.UserOf(err)))
	}
	return hint.Wrap(doing, "a role that is named needs no look at the ServiceAccount:",
		fmt.Sprintf("kubectl irsa login %s -n %s --role-arn ARN", serviceAccount, namespace))
}

// left says that a ServiceAccount which was made for a login that failed is still
// there, and which one may have been meant.
func left(ctx context.Context, accounts corev1client.ServiceAccountInterface, r Request, err error) error {
	lines := []string{fmt.Sprintf("serviceaccount %s/%s was created for this and is still there; take it away with", r.Namespace, r.ServiceAccount),
		fmt.Sprintf("kubectl delete serviceaccount %s -n %s", r.ServiceAccount, r.Namespace)}
	near := slices.DeleteFunc(kubeapi.Near(ctx, accounts, r.ServiceAccount), func(name string) bool { return name == r.ServiceAccount })
	if len(near) > 0 {
		lines = append([]string{"did you mean " + strings.Join(near, " or ") + "?"}, lines...)
	}
	return hint.Wrap(err, lines...)
}
