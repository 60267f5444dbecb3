package creds

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// NoRole says that nobody named a role, and points at an annotation that was
// probably meant to.
func NoRole(account *corev1.ServiceAccount) error {
	err := fmt.Errorf("serviceaccount %s/%s has no annotation %s, and --role-arn names no role", account.Namespace, account.Name, irsa.AnnotationRoleARN)
	annotate := fmt.Sprintf("kubectl annotate sa %s -n %s %s=", account.Name, account.Namespace, irsa.AnnotationRoleARN)
	for _, key := range slices.Sorted(maps.Keys(account.Annotations)) {
		if value := account.Annotations[key]; strings.Contains(value, ":role/") {
			return hint.Wrap(err, fmt.Sprintf("its annotation %s holds a role; if that is the one:", key), annotate+value)
		}
	}
	return hint.Wrap(err, "name the role with --role-arn, or once and for all:", annotate+"ARN")
}
