package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// preference is the part of a kuberc that is about the credential plugins of
// kubeconfigs.
// https://kubernetes.io/docs/reference/config-api/kuberc.v1beta1/
type preference struct {
	APIVersion string                  `json:"apiVersion"`
	Kind       string                  `json:"kind"`
	Policy     clientcmdapi.PolicyType `json:"credentialPluginPolicy"`
	Allowlist  []struct {
		Command string `json:"command"`
		Name    string `json:"name"` // an older word for Command
	} `json:"credentialPluginAllowlist"`
}

// pluginPolicy is which credential plugins the user lets a kubeconfig run.
// kubectl holds its own commands to it, and leaves it to its plugins to do the
// same. Where there is no kuberc, every plugin may run.
// https://kubernetes.io/docs/reference/kubectl/kuberc/
func (f *Factory) pluginPolicy() (clientcmdapi.PluginPolicy, error) {
	var policy clientcmdapi.PluginPolicy
	path := f.Getenv("KUBERC")
	named := path != ""
	switch {
	case path == "off", f.Getenv("KUBECTL_KUBERC") == "false":
		return policy, nil
	case !named:
		path = filepath.Join(clientcmd.RecommendedConfigDir, "kuberc")
	}
	text, err := os.ReadFile(path)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return policy, nil
	}
	if err != nil {
		return policy, fmt.Errorf("reading kuberc: %w", err)
	}
	p, err := parsePreference(text)
	if err != nil {
		return policy, fmt.Errorf("reading kuberc %s: %w", path, err)
	}
	policy.PolicyType = p.Policy
	for _, entry := range p.Allowlist {
		if entry.Command == "" {
			entry.Command = entry.Name
		}
		policy.Allowlist = append(policy.Allowlist, clientcmdapi.AllowlistEntry{Command: entry.Command})
	}
	return policy, nil
}

// parsePreference takes the first preference of a kuberc, which may have one for
// each version that a kubectl knows.
func parsePreference(text []byte) (preference, error) {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return preference{}, nil
		}
		if err != nil {
			return preference{}, err
		}
		var p preference
		if err := yaml.Unmarshal(document, &p); err != nil {
			return preference{}, err
		}
		if p.Kind == "Preference" && strings.HasPrefix(p.APIVersion, "kubectl.config.k8s.io/") {
			return p, nil
		}
	}
}

// allowPlugin is the line that lets a plugin run beside those that may.
// https://kubernetes.io/docs/reference/kubectl/generated/kubectl_kuberc/kubectl_kuberc_set/
func allowPlugin(plugin *clientcmdapi.ExecConfig) string {
	line := "kubectl kuberc set --section credentialplugin --policy Allowlist"
	for _, entry := range append(plugin.PluginPolicy.Allowlist, clientcmdapi.AllowlistEntry{Command: plugin.Command}) {
		line += " --allowlist-entry command=" + shell.Word(entry.Command)
	}
	return line
}
