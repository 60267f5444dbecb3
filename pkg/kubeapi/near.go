package kubeapi

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// mostListed is how many objects are looked at for one that may be meant.
const mostListed = 500

// What Near asks of the ServiceAccounts of a namespace, and NearNamespaces of namespaces.
type (
	accountLister interface {
		List(context.Context, metav1.ListOptions) (*corev1.ServiceAccountList, error)
	}
	namespaceLister interface {
		List(context.Context, metav1.ListOptions) (*corev1.NamespaceList, error)
	}
)

// Near are the ServiceAccounts of a namespace that a mistyped name may mean, the
// likeliest first; none where they may not be listed.
func Near(ctx context.Context, accounts accountLister, name string) []string {
	list, err := accounts.List(ctx, metav1.ListOptions{Limit: mostListed})
	if err != nil {
		return nil
	}
	return nearest(name, list)
}

// NearNamespaces are the namespaces that a mistyped name may mean, the likeliest
// first; none where they may not be listed.
func NearNamespaces(ctx context.Context, namespaces namespaceLister, name string) []string {
	list, err := namespaces.List(ctx, metav1.ListOptions{Limit: mostListed})
	if err != nil {
		return nil
	}
	return nearest(name, list)
}

func nearest(name string, list runtime.Object) []string {
	var names []string
	_ = meta.EachListItem(list, func(item runtime.Object) error { // it is a list, of objects with names
		object, err := meta.Accessor(item)
		if err == nil {
			names = append(names, object.GetName())
		}
		return err
	})
	return hint.Nearest(name, names)
}
