package kubetest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func newUID() types.UID {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

// createToken is TokenRequest. As in kube-apiserver a dry run mints a real token.
func (c *call) createToken() (reply, error) {
	req := &authenticationv1.TokenRequest{}
	if err := c.decode(req); err != nil {
		return reply{}, err
	}
	if err := c.admitNamespace(); err != nil {
		return reply{}, err
	}
	sa, _ := c.s.objects["serviceaccounts"][objectKey{c.namespace, c.name}].(*corev1.ServiceAccount)
	if sa == nil {
		return reply{}, apierrors.NewNotFound(c.groupResource(), c.name)
	}
	asked := int64(3600)
	if req.Spec.ExpirationSeconds != nil {
		asked = *req.Spec.ExpirationSeconds
	}
	if err := checkExpiration(asked); err != nil {
		return reply{}, err
	}
	if req.UID != "" && req.UID != sa.UID {
		return reply{}, apierrors.NewConflict(schema.GroupResource{Group: authenticationv1.GroupName, Resource: "TokenRequest"}, c.name,
			fmt.Errorf("the UID in the token request (%s) does not match the UID of the service account (%s)", req.UID, sa.UID))
	}
	if len(req.Spec.Audiences) == 0 {
		req.Spec.Audiences = c.s.opts.APIAudiences
	}
	header := http.Header{}
	if most := c.s.opts.MaxTokenSeconds; most > 0 && asked > most {
		header.Set("Warning", fmt.Sprintf("299 - \"requested expiration of %d seconds shortened to %d seconds\"", asked, most))
		asked = most
	}
	private := map[string]any{
		"namespace": c.namespace, "serviceaccount": map[string]any{"name": sa.Name, "uid": string(sa.UID)},
	}
	if err := c.bind(req.Spec.BoundObjectRef, private); err != nil {
		return reply{}, err
	}
	now := c.s.opts.Now()
	claims := c.s.Issuer.Claims(c.namespace, sa.Name, req.Spec.Audiences...)
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Unix()+asked
	claims["kubernetes.io"] = private
	token, err := c.s.Issuer.Sign(claims, nil)
	if err != nil {
		return reply{}, apierrors.NewInternalError(fmt.Errorf("failed to generate token: %w", err))
	}
	req.Name, req.Namespace = sa.Name, sa.Namespace
	req.CreationTimestamp = metav1.NewTime(now.Truncate(time.Second))
	req.Spec.ExpirationSeconds = &asked
	req.Status = authenticationv1.TokenRequestStatus{
		Token: token, ExpirationTimestamp: metav1.NewTime(time.Unix(now.Unix()+asked, 0)),
	}
	c.group, c.version = authenticationv1.GroupName, "v1" // the answer is of this group
	return reply{status: http.StatusCreated, header: header, object: req}, nil
}

func checkExpiration(seconds int64) error {
	message := ""
	switch {
	case seconds < 600:
		message = "may not specify a duration less than 10 minutes"
	case seconds > 1<<32:
		message = "may not specify a duration larger than 2^32 seconds"
	default:
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: authenticationv1.GroupName, Kind: "TokenRequest"}, "",
		field.ErrorList{field.Invalid(field.NewPath("spec", "expirationSeconds"), seconds, message)})
}

// bind adds the claims of the object to which a token is bound.
func (c *call) bind(ref *authenticationv1.BoundObjectReference, private map[string]any) error {
	if ref == nil {
		return nil
	}
	resources := map[string]string{"Pod": "pods", "Secret": "secrets", "Node": "nodes"}
	resource, supported := resources[ref.Kind]
	if !supported || ref.APIVersion != "v1" {
		return apierrors.NewBadRequest(fmt.Sprintf("cannot bind token to object of type %s",
			schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)))
	}
	key := objectKey{c.namespace, ref.Name}
	if resource == "nodes" {
		key.namespace = ""
	}
	bound := c.s.objects[resource][key]
	if bound == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, ref.Name)
	}
	if ref.UID != "" && ref.UID != bound.GetUID() {
		return apierrors.NewConflict(schema.GroupResource{Resource: ref.Kind}, ref.Name, fmt.Errorf(
			"the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated", ref.UID))
	}
	claim := func(o object) map[string]any { return map[string]any{"name": o.GetName(), "uid": string(o.GetUID())} }
	switch o := bound.(type) {
	case *corev1.Pod:
		if o.Spec.ServiceAccountName != c.name {
			return apierrors.NewBadRequest(fmt.Sprintf(
				"cannot bind token for serviceaccount %q to pod running with different serviceaccount name.", c.name))
		}
		private["pod"] = claim(o)
		if node := c.s.objects["nodes"][objectKey{name: o.Spec.NodeName}]; node != nil {
			private["node"] = claim(node)
		}
	case *corev1.Secret:
		private["secret"] = claim(o)
	case *corev1.Node:
		private["node"] = claim(o)
	}
	return nil
}

// review answers the reviews, which are created and not stored.
func (c *call) review(typed runtime.Object) (reply, error) {
	switch r := typed.(type) {
	case *authorizationv1.SelfSubjectAccessReview:
		r.Status = authorizationv1.SubjectAccessReviewStatus{Allowed: c.s.allowed(c.user, asked(r.Spec))}
	case *authorizationv1.SelfSubjectRulesReview:
		r.Status = authorizationv1.SubjectRulesReviewStatus{ResourceRules: c.user.rules(r.Spec.Namespace)}
	case *authenticationv1.SelfSubjectReview:
		r.Status.UserInfo = authenticationv1.UserInfo{Username: c.user.name, Groups: c.user.groups}
	case *authenticationv1.TokenReview:
		u := c.s.tokenUser(r.Spec.Token)
		if u == nil {
			r.Status.Error = "[invalid bearer token]"
			break
		}
		r.Status.Authenticated = true
		r.Status.User = authenticationv1.UserInfo{Username: u.name, Groups: u.groups}
		r.Status.Audiences = c.s.opts.APIAudiences
	default:
		return reply{}, c.notAllowed()
	}
	return reply{status: http.StatusCreated, object: typed}, nil
}

// rules are what a user may do in a namespace, as RBAC lists it.
func (u *user) rules(namespace string) []authorizationv1.ResourceRule {
	var rules []authorizationv1.ResourceRule
	if u.admin {
		rules = append(rules, authorizationv1.ResourceRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}})
	}
	for _, g := range u.grants {
		if len(g.Resources) > 0 && (len(g.Namespaces) == 0 || slices.Contains(g.Namespaces, namespace)) {
			rules = append(rules, authorizationv1.ResourceRule{Verbs: g.Verbs, APIGroups: []string{"*"}, Resources: g.Resources, ResourceNames: g.Names})
		}
	}
	return rules
}

func asked(spec authorizationv1.SelfSubjectAccessReviewSpec) attributes {
	switch {
	case spec.NonResourceAttributes != nil:
		return attributes{verb: spec.NonResourceAttributes.Verb, path: spec.NonResourceAttributes.Path}
	case spec.ResourceAttributes != nil:
		a := spec.ResourceAttributes
		resource := a.Resource
		if a.Subresource != "" {
			resource += "/" + a.Subresource
		}
		return attributes{verb: a.Verb, group: a.Group, resource: resource, namespace: a.Namespace, name: a.Name}
	}
	return attributes{}
}
