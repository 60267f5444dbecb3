package login

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
)

// annotate writes on the ServiceAccount what the exchange was made with, and
// reports whether there was anything to write. The account that the exchange
// has read is read again only where it was changed since.
func (l *Login) annotate(ctx context.Context, s creds.Session) (bool, error) {
	account := s.Account
	var annotated bool
	var err error
	for range annotateAttempts {
		if account == nil {
			if account, err = l.accounts().Get(ctx, l.Request.ServiceAccount, metav1.GetOptions{}); err != nil {
				return false, fmt.Errorf("logged in, but reading serviceaccount %s/%s to annotate it: %w", l.Request.Namespace, l.Request.ServiceAccount, err)
			}
		}
		if annotated, err = l.AnnotateAccount(ctx, account, s.RoleARN.String(), s.Audience); !apierrors.IsConflict(err) {
			break
		}
		account = nil
	}
	if err != nil {
		return false, fmt.Errorf("logged in, but %w", err)
	}
	return annotated, nil
}

// annotateAttempts bounds the writes while others write to the same account.
const annotateAttempts = 5

func (l *Login) accounts() interface {
	Get(context.Context, string, metav1.GetOptions) (*corev1.ServiceAccount, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*corev1.ServiceAccount, error)
} {
	return l.Exchanger.Core.ServiceAccounts(l.Request.Namespace)
}

// AnnotateAccount makes the annotations of an account, as it was read, say the
// role and the audience: the usual audience is said by none. It reports whether
// they did not yet. An annotation that says otherwise is replaced only with
// Overwrite. dryRun is as in PatchOptions.
func (l *Login) AnnotateAccount(ctx context.Context, account *corev1.ServiceAccount, role, audience string, dryRun ...string) (bool, error) {
	changes, err := l.Annotations(account, role, audience)
	if err != nil || len(changes) == 0 {
		return false, err
	}
	metadata := map[string]any{"annotations": changes}
	if account.ResourceVersion != "" {
		metadata["resourceVersion"] = account.ResourceVersion // what somebody else wrote meanwhile is not replaced unseen
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return false, err
	}
	_, err = l.accounts().Patch(ctx, account.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kubeapi.FieldManager, DryRun: dryRun})
	if err != nil {
		return false, fmt.Errorf("annotating serviceaccount %s/%s: %w", l.Request.Namespace, l.Request.ServiceAccount, err)
	}
	return true, nil
}

// Annotations are those that AnnotateAccount writes, nil for one that it removes.
func (l *Login) Annotations(account *corev1.ServiceAccount, role, audience string) (map[string]any, error) {
	changes := map[string]any{}
	for _, a := range []struct{ key, value, unsaid string }{
		{irsa.AnnotationRoleARN, role, ""},
		{irsa.AnnotationAudience, audience, irsa.DefaultAudience},
	} {
		has := account.Annotations[a.key]
		if has == a.value || has == "" && a.value == a.unsaid {
			continue
		}
		if has != "" && !l.Overwrite {
			return nil, hint.Wrap(fmt.Errorf("serviceaccount %s/%s is already annotated %s=%s", l.Request.Namespace, l.Request.ServiceAccount, a.key, has),
				"replace it with --annotate --overwrite")
		}
		if changes[a.key] = a.value; a.value == a.unsaid {
			changes[a.key] = nil
		}
	}
	return changes, nil
}
