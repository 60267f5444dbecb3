package kubetest

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

// Kubeconfig says what goes into a kubeconfig file. The zero value is the
// administrator in context "test".
type Kubeconfig struct {
	Context   string // name of context, cluster and user; default test
	Namespace string // of the context
	Token     string // bearer token, as AddUser returns it; default the administrator's
	Anonymous bool   // no credentials at all
	WrongCA   bool   // a CA that did not sign the server's certificate
	Server    string // another URL than the server's
	// Exec runs a command for the token, in place of Token.
	Exec *clientcmdapi.ExecConfig
}

// WriteKubeconfig writes a kubeconfig file for the server.
func (s *Server) WriteKubeconfig(path string, k Kubeconfig) error {
	if k.Context == "" {
		k.Context = "test"
	}
	if k.Server == "" {
		k.Server = s.URL
	}
	cluster := &clientcmdapi.Cluster{Server: k.Server, CertificateAuthorityData: s.CAPEM}
	if k.WrongCA {
		other, err := awstest.NewAuthority()
		if err != nil {
			return fmt.Errorf("writing a kubeconfig: %w", err)
		}
		cluster.CertificateAuthorityData = other.PEM
	}
	auth := &clientcmdapi.AuthInfo{Token: k.Token, Exec: k.Exec}
	switch {
	case k.Anonymous || k.Exec != nil:
		auth.Token = ""
	case k.Token == "":
		auth.Token = adminToken
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[k.Context] = cluster
	config.AuthInfos[k.Context] = auth
	config.Contexts[k.Context] = &clientcmdapi.Context{Cluster: k.Context, AuthInfo: k.Context, Namespace: k.Namespace}
	config.CurrentContext = k.Context
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
