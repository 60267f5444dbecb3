package doctor

import (
	"context"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Minting is for whom in a namespace a user may ask for tokens.
type Minting struct {
	All     bool     // for every ServiceAccount
	Names   []string // for these alone
	Partial bool     // the API server could not tell all of the user's rights
}

// mayMint asks for the right to create tokens, and where it is not one for every
// ServiceAccount, for which it is:
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access.
func (w World) mayMint(ctx context.Context, namespace string) (Minting, error) {
	access := authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"},
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "create", Resource: "serviceaccounts", Subresource: "token",
		}},
	}
	if err := w.post(ctx, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", access, &access); err != nil || access.Status.Allowed {
		return Minting{All: access.Status.Allowed}, err
	}
	rules := authorizationv1.SelfSubjectRulesReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectRulesReview"},
		Spec:     authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
	}
	if err := w.post(ctx, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", rules, &rules); err != nil {
		return Minting{Partial: true}, nil // who may not ask has no such right that shows
	}
	m := Minting{Partial: rules.Status.Incomplete}
	for _, rule := range rules.Status.ResourceRules {
		if anyOf(rule.Verbs, "create") && anyOf(rule.APIGroups, "") && anyOf(rule.Resources, "serviceaccounts/token", "*/token") {
			m.Names = append(m.Names, rule.ResourceNames...)
		}
	}
	slices.Sort(m.Names)
	m.Names = slices.Compact(m.Names)
	return m, nil
}

// anyOf reports whether a list of RBAC has one of these, or all there are.
func anyOf(list []string, values ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return s == "*" || slices.Contains(values, s) })
}
