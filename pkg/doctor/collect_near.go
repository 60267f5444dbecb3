package doctor

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// mostNear is how many objects a search for a name that was meant asks for.
const mostNear = 500

// Lost reports whether the API server says that there is no such namespace, and
// names those like it. Where nobody may look it is taken to be there.
func (w World) Lost(ctx context.Context, namespace string) (gone bool, near []string) {
	if _, err := w.Core.Namespaces().Get(ctx, namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return false, nil
	}
	return true, kubeapi.NearNamespaces(ctx, w.Core.Namespaces(), namespace)
}

// Elsewhere are the other namespaces that have a ServiceAccount of the target's
// name, none where nobody may look.
func (w World) Elsewhere(ctx context.Context, t Target) (namespaces []string) {
	all, err := w.Core.ServiceAccounts(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + t.ServiceAccount, Limit: mostNear})
	if err != nil {
		return nil
	}
	for i := range all.Items {
		namespaces = append(namespaces, all.Items[i].Namespace)
	}
	return namespaces
}

// annotated are the ServiceAccounts of a namespace that name a role.
func (w World) annotated(ctx context.Context, t Target, meant bool) (names []string, err error) {
	if !meant {
		return nil, ErrNotAsked
	}
	all, err := w.Core.ServiceAccounts(t.Namespace).List(ctx, metav1.ListOptions{Limit: mostNear})
	if err != nil {
		return nil, err
	}
	for i := range all.Items {
		if all.Items[i].Annotations[irsa.AnnotationRoleARN] != "" {
			names = append(names, all.Items[i].Name)
		}
	}
	return names, nil
}
