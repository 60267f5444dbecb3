package controlplane

import (
	"encoding/base64"
	"fmt"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/authority"
)

// Kubeconfig is a kubeconfig file with these contexts, the first being current:
//
//	world     an administrator, in the namespace given
//	alice     a user without any right
//	expired   an administrator whose certificate ended an hour ago
//	wrong-ca  the administrator, trusting another authority
//	nowhere   the administrator, at a port where nobody listens
func (cp *ControlPlane) Kubeconfig(namespace string, now time.Time) ([]byte, error) {
	stranger, err := authority.New("stranger", now)
	if err != nil {
		return nil, err
	}
	users := []any{}
	month := now.Add(30 * 24 * time.Hour)
	for _, user := range []struct {
		name, common string
		until        time.Time
		groups       []string
	}{
		{"admin", "admin", month, []string{"system:masters"}},
		{"alice", "alice", month, nil},
		{"expired", "admin", now.Add(-time.Hour), []string{"system:masters"}},
	} {
		pair, err := cp.Authority.Client(user.common, user.until, user.groups...)
		if err != nil {
			return nil, err
		}
		users = append(users, map[string]any{"name": user.name, "user": map[string]string{
			"client-certificate-data": base64.StdEncoding.EncodeToString(pair.Certificate),
			"client-key-data":         base64.StdEncoding.EncodeToString(pair.Key),
		}})
	}
	clusters, contexts := []any{}, []any{}
	for name, c := range map[string]struct {
		server string
		ca     []byte
	}{
		"world":    {cp.URL(), cp.Authority.PEM},
		"wrong-ca": {cp.URL(), stranger.PEM},
		"nowhere":  {"https://" + cp.config.Address + ":9", cp.Authority.PEM},
	} {
		clusters = append(clusters, map[string]any{"name": name, "cluster": map[string]string{
			"server": c.server, "certificate-authority-data": base64.StdEncoding.EncodeToString(c.ca),
		}})
	}
	for _, c := range [][3]string{
		{"world", "world", "admin"}, {"alice", "world", "alice"}, {"expired", "world", "expired"},
		{"wrong-ca", "wrong-ca", "admin"}, {"nowhere", "nowhere", "admin"},
	} {
		contexts = append(contexts, map[string]any{"name": c[0], "context": map[string]string{
			"cluster": c[1], "user": c[2], "namespace": namespace,
		}})
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "world",
		"clusters": clusters, "contexts": contexts, "users": users,
	})
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return text, nil
}
