package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// SignInOptions chooses where a session is exchanged for a way into the console.
type SignInOptions struct {
	Partition   string // aws, aws-cn, aws-us-gov or aws-eusc
	Region      string // the console's, where Destination says nothing; "" leaves it to the console
	EndpointURL string // in place of the partition's; what AWS_ENDPOINT_URL_SIGNIN says
	Destination string // the page to arrive at; "" is the console's first
	Application string // the user agent: kubectl-irsa/1.2.3

	Client *http.Client // nil is one with the authorities and the proxy of the environment
}

// consoles are the sign-in and console addresses of partitions:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html,
// https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-console.html,
// https://docs.amazonaws.cn/aws/latest/userguide/console.html,
// https://docs.aws.eu/esc/latest/userguide/endpoints.html.
var consoles = map[string]struct{ signIn, console string }{
	"aws":        {"https://signin.aws.amazon.com", "https://console.aws.amazon.com/"},
	"aws-cn":     {"https://signin.amazonaws.cn", "https://console.amazonaws.cn/"},
	"aws-us-gov": {"https://signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com/"},
	"aws-eusc":   {"https://eusc-de-east-1.signin.amazonaws-eusc.eu", "https://console.amazonaws-eusc.eu/"},
}

const (
	signInTimeout = 20 * time.Second
	maxSignIn     = 64 << 10 // bytes of an answer that are read
)

// ConsoleLink exchanges the credentials of a role's session for a link that
// signs a browser in to the console, good for 15 minutes. SessionDuration is
// left out, so the console session lasts as long as the credentials do. Errors
// hold neither the credentials nor the link.
func ConsoleLink(ctx context.Context, session aws.Credentials, o SignInOptions) (string, error) {
	place, known := consoles[o.Partition]
	if o.EndpointURL != "" {
		place.signIn = o.EndpointURL
	} else if !known {
		return "", fmt.Errorf("no sign-in address is known for partition %q", o.Partition)
	}
	endpoint, err := federation(place.signIn)
	if err != nil {
		return "", err
	}
	if o.Destination == "" {
		if o.Destination = place.console; o.Region != "" {
			o.Destination += "console/home?region=" + url.QueryEscape(o.Region)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, signInTimeout)
	defer cancel()
	if o.Client == nil {
		if o.Client, err = signInClient(ctx); err != nil {
			return "", err
		}
	}
	token, err := o.token(ctx, endpoint, session)
	if err != nil {
		return "", fmt.Errorf("asking %s for a sign-in token: %w", endpoint.Host, err)
	}
	endpoint.RawQuery = url.Values{"Action": {"login"}, "Destination": {o.Destination}, "SigninToken": {token}}.Encode()
	return endpoint.String(), nil
}

// federation is the address of the federation endpoint below base.
func federation(base string) (*url.URL, error) {
	endpoint, err := url.Parse(base)
	if err != nil || endpoint.Host == "" {
		return nil, errors.New("the address in AWS_ENDPOINT_URL_SIGNIN is no URL")
	}
	if inTheClear(endpoint) {
		return nil, hint.Wrap(fmt.Errorf("the sign-in endpoint %s is not https, and credentials must not cross a network in the clear", endpoint.Redacted()),
			"give an https:// address in AWS_ENDPOINT_URL_SIGNIN")
	}
	return endpoint.JoinPath("federation"), nil
}

// token does getSigninToken, which takes the session in the query.
func (o SignInOptions) token(ctx context.Context, endpoint *url.URL, session aws.Credentials) (string, error) {
	document, err := json.Marshal(map[string]string{
		"sessionId": session.AccessKeyID, "sessionKey": session.SecretAccessKey, "sessionToken": session.SessionToken,
	})
	if err != nil {
		return "", errors.New("the session cannot be written as JSON")
	}
	asking := *endpoint
	asking.RawQuery = url.Values{"Action": {"getSigninToken"}, "Session": {string(document)}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asking.String(), nil)
	if err != nil {
		return "", errors.New("the address is no URL")
	}
	request.Header.Set("User-Agent", o.Application)
	response, err := o.Client.Do(request)
	if err != nil {
		return "", withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSignIn))
	if err != nil {
		return "", withoutURL(err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answered %s", response.Status)
	}
	var answer struct{ SigninToken string }
	if json.Unmarshal(body, &answer) != nil || answer.SigninToken == "" {
		return "", errors.New("it answered without one")
	}
	return answer.SigninToken, nil
}

// signInClient has the certificate authorities and the proxy that calls of AWS
// have.
func signInClient(ctx context.Context) (*http.Client, error) {
	cfg, err := STSOptions{}.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS settings: %w", err)
	}
	transport, err := transportOf(cfg)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport, CheckRedirect: noRedirect}, nil
}

// withoutURL takes the request's URL, which holds the session, out of an error
// of net/http.
func withoutURL(err error) error {
	if with, ok := errors.AsType[*url.Error](err); ok {
		return with.Err
	}
	return err
}
