package creds

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// refused says why STS gave nothing: its own code and text, what they mean for
// this ServiceAccount and this role, and what to do next.
func refused(client *awsapi.STS, r Request, s *Session, err error) error {
	doing := fmt.Errorf("exchanging the token for %s: %w", s.RoleARN, awsapi.Brief(err))
	code := awsapi.Code(err)
	if code == "" && !passing(err) {
		return unreachable(client, doing, err)
	}
	inspect := []string{"to see which it is:",
		fmt.Sprintf("kubectl irsa inspect sa %s -n %s --role-arn %s", r.ServiceAccount, r.Namespace, s.RoleARN)}
	audience := ""
	if s.Audience != irsa.DefaultAudience {
		audience = " --audience " + s.Audience
	}
	if s.AudienceSource == FromFlag {
		inspect[1] += audience
	}
	text := code + " " + awsapi.Message(err)
	found := explain.Find(text)
	if private, ok := errors.AsType[*irsa.PrivateIssuerError](irsa.CheckIssuer(s.Issuer)); ok && code == "InvalidIdentityToken" {
		return hint.Wrap(doing, fmt.Sprintf("AWS cannot read this cluster's issuer: %s %s", s.Issuer, private.Reason),
			"kubectl irsa issuer plan --distro kubeadm --new-bucket")
	}
	// The token was minted a moment ago: if it is called expired, a clock is wrong.
	slices.SortStableFunc(found, func(a, b explain.Cause) int { return cmp.Compare(age(a), age(b)) })
	switch {
	case passing(err):
		return hint.Wrap(doing, fmt.Sprintf("%s is busy or failing: try again in a moment", client.Endpoint.Host))
	case len(found) == 0:
		return hint.Wrap(doing, inspect...)
	}
	names := explain.Names{
		Namespace: r.Namespace, ServiceAccount: r.ServiceAccount, Role: s.RoleARN.Name, Account: s.RoleARN.Account,
		Issuer: s.Issuer, Audience: s.Audience,
	}
	likeliest := found[0]
	if len(found) == 1 {
		lines := []string{names.Fill(likeliest.Meaning)}
		for _, next := range likeliest.Next {
			lines = append(lines, names.Fill(next))
		}
		return hint.Wrap(doing, lines...)
	}
	proved := explain.Proves(text)
	if proved == "" {
		proved = "AWS says that where"
	}
	lines := []string{proved + ":", explain.Either(found, names)}
	if owner := names.Fill(likeliest.Next[0]); strings.HasPrefix(owner, "kubectl irsa role ") || strings.HasPrefix(owner, "kubectl irsa provider ") {
		lines = append(lines, "what mends the first, for whoever may:", owner+audience)
	}
	return hint.Wrap(doing, append(lines, inspect...)...)
}

// age puts the cause "the token is expired" behind every other.
func age(c explain.Cause) int {
	if c.Code == "TOK1" {
		return 1
	}
	return 0
}

// passing reports whether STS may answer otherwise in a moment.
func passing(err error) bool {
	response, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && response.HTTPStatusCode() >= http.StatusInternalServerError ||
		slices.Contains([]string{"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}, awsapi.Code(err))
}

// unreachable is advice for a call that no STS answered.
func unreachable(client *awsapi.STS, doing, err error) error {
	if _, silent := errors.AsType[*awsapi.Silence](err); silent {
		return hint.Wrap(doing, "check the network, the VPN, HTTPS_PROXY, and --sts-endpoint-url")
	}
	text := err.Error()
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && response.HTTPStatusCode() != 0 {
		return hint.Wrap(doing, fmt.Sprintf("something between here and %s answered in its place, perhaps a proxy: look at HTTPS_PROXY and NO_PROXY", client.Endpoint.Host))
	}
	switch {
	case strings.Contains(text, "x509: "):
		return hint.Wrap(doing, fmt.Sprintf("the certificate of %s is of an authority unknown here: name its file in AWS_CA_BUNDLE", client.Endpoint.Host))
	case strings.Contains(text, "no such host"):
		return hint.Wrap(doing, fmt.Sprintf("the name %s is not known here: is %q a region, and is this machine online?", client.Endpoint.Hostname(), client.Region))
	}
	return hint.Wrap(doing, fmt.Sprintf("%s did not answer: check the network, HTTPS_PROXY, and --sts-endpoint-url", client.Endpoint.Host))
}
