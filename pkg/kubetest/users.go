package kubetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// adminToken is the administrator's bearer token.
const adminToken = "kubetest-admin"

// Grant allows verbs on resources, as a rule of RBAC does. Empty Namespaces and
// Names mean all of them; "*" stands for anything in Verbs and Resources.
type Grant struct {
	Verbs      []string
	Resources  []string // such as serviceaccounts or serviceaccounts/token
	Namespaces []string
	Names      []string
	Paths      []string // nonResourceURLs
}

type user struct {
	name   string
	groups []string
	admin  bool
	grants []Grant
}

// AddUser adds a user who may do what the grants say, and returns the bearer token
// to come with. A user that exists gets the new grants instead of the old.
func (s *Server) AddUser(name string, grants ...Grant) (token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token = "kubetest-" + name
	s.users[token] = &user{name: name, groups: []string{"system:authenticated"}, grants: grants}
	return token
}

// authenticate finds out who asks. The error answer is nil where somebody does,
// if only system:anonymous.
func (s *Server) authenticate(r *http.Request) (*user, bool) {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		return &user{name: "system:anonymous", groups: []string{"system:unauthenticated"}}, true
	}
	raw, ok := strings.CutPrefix(auth, "Bearer ")
	if !ok {
		return nil, false
	}
	s.mu.Lock()
	u := s.users[raw]
	s.mu.Unlock()
	if u == nil {
		u = s.tokenUser(raw)
	}
	if u == nil {
		return nil, false
	}
	if as := r.Header.Get("Impersonate-User"); as != "" {
		return s.impersonate(u, as)
	}
	return u, true
}

func (s *Server) impersonate(u *user, as string) (*user, bool) {
	if !u.admin {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.users {
		if other.name == as {
			return other, true
		}
	}
	return namedUser(as), true
}

func namedUser(name string) *user {
	u := &user{name: name, groups: []string{"system:authenticated"}}
	if strings.HasPrefix(name, "system:serviceaccount:") {
		u.groups = append(u.groups, "system:serviceaccounts")
	}
	return u
}

// tokenUser accepts a ServiceAccount token for the API's own audience, with the
// minute of leeway that kube-apiserver grants after its end.
func (s *Server) tokenUser(raw string) *user {
	t, err := oidc.ParseToken(raw)
	if err != nil || t.Claims.Issuer != s.Issuer.URL || t.Claims.Expiry.Before(s.opts.Now().Add(-minuteLeeway)) {
		return nil
	}
	if _, err := oidc.Verify(t, s.Issuer.KeySet()); err != nil {
		return nil
	}
	for _, aud := range t.Claims.Audience {
		if slices.Contains(s.opts.APIAudiences, aud) {
			return namedUser(t.Claims.Subject)
		}
	}
	return nil
}

// attributes are what authorization asks about.
type attributes struct {
	verb, group, resource, namespace, name, path string
}

func (s *Server) allowed(u *user, a attributes) bool {
	if u.admin {
		return true
	}
	if a.resource == "" && isDiscovery(a.path) &&
		(s.opts.PublicDiscovery || slices.Contains(u.groups, "system:serviceaccounts")) {
		return true
	}
	// As the ClusterRoles system:discovery, system:basic-user and system:public-info-viewer.
	switch {
	case a.path == "/version":
		return true
	case slices.Contains(u.groups, "system:authenticated") && (strings.HasPrefix(a.resource, "selfsubject") ||
		a.resource == "" && (a.path == "/api" || a.path == "/apis" || strings.HasPrefix(a.path, "/api/") || strings.HasPrefix(a.path, "/apis/"))):
		return true
	}
	return slices.ContainsFunc(u.grants, func(g Grant) bool { return g.covers(a) })
}

func isDiscovery(path string) bool {
	path = strings.TrimSuffix(path, "/")
	return path == oidc.DiscoveryPath || path == jwksPath
}

func (g Grant) covers(a attributes) bool {
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	if !has(g.Verbs, a.verb) {
		return false
	}
	if a.resource == "" {
		return has(g.Paths, a.path)
	}
	return has(g.Resources, a.resource) &&
		(len(g.Namespaces) == 0 || has(g.Namespaces, a.namespace)) &&
		(len(g.Names) == 0 || slices.Contains(g.Names, a.name))
}

// refusal is the sentence of RBAC after "is forbidden: ".
func (a attributes) refusal(u *user) string {
	if a.resource == "" {
		return fmt.Sprintf("User %q cannot %s path %q", u.name, a.verb, a.path)
	}
	where := "at the cluster scope"
	if a.namespace != "" {
		where = fmt.Sprintf("in the namespace %q", a.namespace)
	}
	return fmt.Sprintf("User %q cannot %s resource %q in API group %q %s", u.name, a.verb, a.resource, a.group, where)
}
