// Command floor is the bare protocol of a login: one TokenRequest and one
// AssumeRoleWithWebIdentity by net/http, the connection to STS opened while the
// token is under way. It is what login is measured against: four round trips.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
)

// floor FLAGS are positional, in the order of this struct.
type order struct{ server, authority, certificate, key, namespace, serviceAccount, audience, role, sts string }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "unpack" {
		return unpack(args[1])
	}
	follow := len(args) > 0 && args[0] == "chain"
	if follow {
		args = args[1:]
	}
	if len(args) != 9 {
		return errors.New("needs nine arguments")
	}
	o := order{args[0], args[1], args[2], args[3], args[4], args[5], args[6], args[7], args[8]}
	cluster, err := o.clusterClient()
	if err != nil {
		return err
	}
	if follow {
		return o.chain(cluster)
	}
	opened := make(chan *tls.Conn, 1)
	failed := make(chan error, 1)
	go func() {
		conn, err := o.openSTS()
		if err != nil {
			failed <- err
			return
		}
		opened <- conn
	}()
	token, err := o.token(cluster)
	if err != nil {
		return err
	}
	select {
	case conn := <-opened:
		return o.assume(conn, token)
	case err := <-failed:
		return err
	}
}

func (o order) clusterClient() (*http.Client, error) {
	authority, err := os.ReadFile(o.authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		ForceAttemptHTTP2: true,
	}}, nil
}

func (o order) token(client *http.Client) (string, error) {
	body := fmt.Sprintf(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":[%q],"expirationSeconds":600}}`, o.audience)
	address := o.server + "/api/v1/namespaces/" + o.namespace + "/serviceaccounts/" + o.serviceAccount + "/token"
	response, err := client.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct{ Status struct{ Token string } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Status.Token == "" {
		return "", fmt.Errorf("no token: %s: %w", response.Status, errors.Join(err, errors.New("or an empty one")))
	}
	return answer.Status.Token, nil
}

func (o order) openSTS() (*tls.Conn, error) {
	pemText, err := os.ReadFile(os.Getenv("AWS_CA_BUNDLE"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	for block, rest := pem.Decode(pemText); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
			roots.AddCert(cert)
		}
	}
	return tls.Dial("tcp", o.sts+":443", &tls.Config{RootCAs: roots})
}

func (o order) assume(conn *tls.Conn, token string) error {
	form := url.Values{"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {o.role},
		"RoleSessionName": {"floor"}, "WebIdentityToken": {token}}
	client := &http.Client{Transport: &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}}
	response, err := client.PostForm("https://"+o.sts+"/", form)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	return err
}

// chain is the longest chain of dependent requests of a look at a ServiceAccount:
// a token, the discovery document of the issuer that it names, and the keys that
// the document names.
func (o order) chain(cluster *http.Client) error {
	token, err := o.token(cluster)
	if err != nil {
		return err
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return err
	}
	var claims struct{ Iss string }
	if err := json.Unmarshal(payload, &claims); err != nil {
		return err
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := get(claims.Iss+"/.well-known/openid-configuration", &document); err != nil {
		return err
	}
	return get(document.Keys, &struct{}{})
}

func get(address string, into any) error {
	response, err := http.Get(address)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// unpack writes what the kubeconfig holds as files, since reading YAML is no
// part of the protocol, and prints the server.
func unpack(dir string) error {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"ca.pem": config.CAData, "client.pem": config.CertData, "client.key": config.KeyData} {
		if err := os.WriteFile(dir+"/"+name, text, 0o600); err != nil {
			return err
		}
	}
	fmt.Println(config.Host)
	return nil
}
