package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// RBAC is the least that lets somebody log in as some ServiceAccounts.
type RBAC struct {
	Name, Namespace string   // of the Role and its binding; "" names them for whom they are
	ServiceAccounts []string // none is every one of the namespace
	Users, Groups   []string // whom it is bound to; none makes no binding
	// Accounts are ServiceAccounts that it is bound to: NAMESPACE and name.
	Accounts [][2]string
	// TokenOnly leaves out reading the ServiceAccounts: for logins that are told
	// role and audience.
	TokenOnly bool
}

// YAML are the Role and, where somebody is named, its binding.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
func (r RBAC) YAML() ([]byte, error) {
	role, binding := r.names()
	meta := metav1.ObjectMeta{Name: role, Namespace: r.Namespace}
	rules := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, ResourceNames: r.ServiceAccounts, Verbs: []string{"create"}},
	}
	if !r.TokenOnly {
		rules = append(rules, rbacv1.PolicyRule{
			APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, ResourceNames: r.ServiceAccounts, Verbs: []string{"get"},
		})
	}
	objects := []any{&rbacv1.Role{
		TypeMeta: metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"}, ObjectMeta: meta, Rules: rules,
	}}
	if subjects := r.subjects(); len(subjects) > 0 {
		objects = append(objects, &rbacv1.RoleBinding{
			TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
			ObjectMeta: metav1.ObjectMeta{Name: binding, Namespace: r.Namespace},
			Subjects:   subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role},
		})
	}
	var all bytes.Buffer
	for i, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("writing the manifest: %w", err)
		}
		if i > 0 {
			all.WriteString("---\n")
		}
		all.Write(text)
	}
	return all.Bytes(), nil
}

// names are those of the Role and of its binding. Two that are for different
// ServiceAccounts, or for different people, do not overwrite each other.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names
func (r RBAC) names() (role, binding string) {
	if r.Name != "" {
		return r.Name, r.Name
	}
	role = "irsa-login"
	if len(r.ServiceAccounts) > 0 {
		role += "-" + strings.Join(r.ServiceAccounts, ":") // a and b are not a-b
	}
	binding = role
	for _, subject := range r.subjects() {
		binding += "-" + strings.NewReplacer("/", "-", "%", "-").Replace(subject.Name)
	}
	return shortName(role), shortName(binding)
}

// shortName keeps a name to the length that Kubernetes takes, and two long ones
// apart.
func shortName(name string) string {
	const most = 253
	if len(name) <= most {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(name[:most-13], "") + "-" + hex.EncodeToString(sum[:6])
}

func (r RBAC) subjects() (all []rbacv1.Subject) {
	for _, user := range r.Users {
		all = append(all, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user})
	}
	for _, group := range r.Groups {
		all = append(all, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: group})
	}
	for _, account := range r.Accounts {
		all = append(all, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: account[0], Name: account[1]})
	}
	return all
}
