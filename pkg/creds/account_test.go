package creds

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Nobody is told to grant a right to everybody who reaches the API server.
func TestWhoMayNotReadAnAccountIsToldHowToDoWithout(t *testing.T) {
	forbidden := func(user string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, "cart", errors.New(`User "`+user+`" cannot get resource "serviceaccounts"`))
	}
	without := []string{"a role that is named needs no look at the ServiceAccount:", "kubectl irsa login cart -n shop --role-arn ARN"}
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"somebody may not": {forbidden("alice"), []string{"name the role with --role-arn, or ask an administrator of the cluster for this:",
			"kubectl irsa generate rbac cart -n shop --for-user alice | kubectl apply -f -"}},
		"nobody is known":   {forbidden("system:anonymous"), without},
		"nobody has looked": {errors.New("away"), without},
	} {
		got := unread("shop", "cart", tc.err)
		if diff := cmp.Diff(tc.want, hint.Lines(got)); diff != "" || !errors.Is(got, tc.err) {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
