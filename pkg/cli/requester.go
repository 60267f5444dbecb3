package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"k8s.io/client-go/rest"
)

// authority is what an API server is known by: a digest.
func authority(config *rest.Config) string {
	sum := sha256.Sum256([]byte(config.CAFile + "\x00" + string(config.CAData) + "\x00" + config.ServerName + "\x00" + strconv.FormatBool(config.Insecure)))
	return hex.EncodeToString(sum[:8])
}

// requester is who asks an API server for tokens: the name of the kubeconfig's
// user, and a digest of how that user signs in and whom it impersonates. Two
// kubeconfigs may call different users by one name, and flags may stand for any
// of it. Files are taken by their path: what rotates in them is the same user's.
// A plugin is taken by its command line, since what it answers is not known
// before it has run.
func requester(userName string, config *rest.Config) string {
	type plugin struct {
		Command string
		Args    []string
		Env     any
	}
	signs := struct {
		Username, Password, Token, TokenFile, CertFile string
		CertData                                       []byte
		Plugin                                         plugin
		AuthProvider                                   any
		Impersonate                                    rest.ImpersonationConfig
	}{
		Username: config.Username, Password: config.Password, TokenFile: config.BearerTokenFile,
		CertData: config.CertData, AuthProvider: config.AuthProvider, Impersonate: config.Impersonate,
	}
	if signs.TokenFile == "" {
		signs.Token = config.BearerToken
	}
	if config.CertFile != "" {
		signs.CertFile = pinnedPath(config.CertFile)
	}
	if exec := config.ExecProvider; exec != nil {
		signs.Plugin = plugin{exec.Command, exec.Args, exec.Env}
	}
	text, err := json.Marshal(signs)
	if err != nil {
		panic(err) // strings, and maps of strings
	}
	sum := sha256.Sum256(text)
	return userName + " " + hex.EncodeToString(sum[:8])
}
