package main

import (
	"path/filepath"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/test/world/trust"
)

const dataBucket = trust.DataBucket

// dropped are the beginnings of the variables that a world does not pass on:
// they would lead a command out of it, or into somebody's account.
var dropped = []string{
	"AWS_", "KUBE", "IRSA_", "HTTP_PROXY=", "HTTPS_PROXY=", "ALL_PROXY=", "NO_PROXY=", "FTP_PROXY=",
	"XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=", "XDG_STATE_HOME=",
	"HOME=", "SSL_CERT_", "REQUESTS_CA_BUNDLE=", "CURL_CA_BUNDLE=", "BOTO_CONFIG=",
}

// inherited is what a world takes over from the environment outside, with
// defaults for what is not set there.
func inherited(outside, defaults []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, variable := range outside {
		if isDropped(variable) {
			continue
		}
		name, _, _ := strings.Cut(variable, "=")
		seen[name] = true
		kept = append(kept, variable)
	}
	for _, variable := range defaults {
		if name, _, _ := strings.Cut(variable, "="); !seen[name] {
			kept = append(kept, variable)
		}
	}
	return kept
}

func isDropped(variable string) bool {
	if strings.HasPrefix(variable, "IRSA_WORLD_CACHE=") {
		return false
	}
	upper := strings.ToUpper(variable)
	for _, beginning := range dropped {
		if strings.HasPrefix(upper, beginning) {
			return true
		}
	}
	return false
}

// environment is the command's: what it inherited and where things are.
func (s spec) environment() []string {
	kind := "double"
	if s.Private {
		kind = "private"
	}
	ca := filepath.Join(s.Dir, caFile)
	env := append([]string(nil), s.Environment...)
	env = append(env,
		"HOME="+filepath.Join(s.Dir, "home"),
		"KUBECONFIG="+filepath.Join(s.Dir, "kubeconfig"),
		"AWS_CA_BUNDLE="+ca, "SSL_CERT_FILE="+ca, "REQUESTS_CA_BUNDLE="+ca, "CURL_CA_BUNDLE="+ca,
		"SSL_CERT_DIR="+filepath.Join(s.Dir, "no-certificates"),
		"AWS_EC2_METADATA_DISABLED=true",
		"IRSA_WORLD_CACHE="+filepath.Dir(filepath.Dir(s.Servers.Etcd)), // a world in this world need not build
		"IRSA_WORLD_KIND="+kind, "IRSA_WORLD_DIR="+s.Dir, "IRSA_WORLD_BIN="+s.Program,
		"IRSA_WORLD_RTT="+s.Options.RoundTrip.String(),
		"IRSA_ISSUER="+s.Options.issuer(), "IRSA_BUCKET="+s.Options.Bucket, "IRSA_DATA_BUCKET="+trust.DataBucket,
		"IRSA_AUDIENCE="+s.Options.Audience, "IRSA_ROLE_ARN="+s.plan().RoleARN(),
		"IRSA_NAMESPACE="+trust.Namespace, "IRSA_SERVICE_ACCOUNT="+trust.ServiceAccount,
		"IRSA_SPARE_BUCKETS="+strings.Join(append(append([]string(nil), spareBuckets...), s.Options.Buckets...), " "),
		"IRSA_ADMIN_CREDENTIALS="+filepath.Join(s.Dir, adminFile),
	)
	if s.Servers.Kubectl != "" {
		env = prepend(env, "PATH", filepath.Dir(s.Servers.Kubectl))
	}
	if s.Options.Plugin != "" {
		env = prepend(env, "PATH", s.Options.Plugin)
	}
	return env
}

// prepend puts directory first in the search path that the variable name holds.
func prepend(env []string, name, directory string) []string {
	for i, variable := range env {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			env[i] = name + "=" + directory + string(filepath.ListSeparator) + value
			return env
		}
	}
	return append(env, name+"="+directory)
}
