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
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// refused says why STS gave nothing: its own code and text, what they mean for
// this ServiceAccount and this role, and what to do next. admin is the AWS
// profile to look with, "" where none is known.
func refused(client *awsapi.STS, r Request, s *Session, admin string, err error) error {
	doing := fmt.Errorf("exchanging the token for %s: %w", s.RoleARN, awsapi.Brief(err))
	code := awsapi.Code(err)
	private, hidden := errors.AsType[*irsa.PrivateIssuerError](irsa.CheckIssuer(s.Issuer))
	switch {
	case passing(err):
		return hint.Wrap(doing, fmt.Sprintf("%s is busy or failing: try again in a moment", client.Endpoint.Host))
	case code == "":
		return unreachable(client, doing, err)
	case hidden && code == "InvalidIdentityToken":
		return hint.Wrap(doing, fmt.Sprintf("AWS cannot read this cluster's issuer: %s %s", s.Issuer, private.Reason),
			"kubectl irsa issuer plan --distro kubeadm --new-bucket")
	}
	found, proved := causes(client, err)
	names := explain.Names{
		Namespace: r.Namespace, ServiceAccount: r.ServiceAccount, Role: s.RoleARN.Name, Account: s.RoleARN.Account,
		Issuer: s.Issuer, Audience: s.Audience,
	}
	said, look := fmt.Sprintf("%s from STS for role %s", code, s.RoleARN.Name), r.look(s, admin)
	if len(found) == 1 {
		meaning := names.Fill(found[0].Meaning)
		lines := []string{meaning}
		for _, next := range found[0].Next {
			lines = append(lines, names.Fill(next))
		}
		return shorten(hint.Wrap(doing, lines...), fmt.Sprintf("%s: %s; %s", said, meaning, look))
	}
	ranked := explain.Ranked(found, names)
	return shorten(hint.Wrap(doing, likely(ranked, proved, look)...), said+"; inspect says which link is broken: "+look)
}

// causes are those that a refusal can have, the likeliest first, and what it
// proves, "" where that is nothing.
func causes(client *awsapi.STS, err error) (found []explain.Cause, proved string) {
	text := awsapi.Code(err) + " " + awsapi.Message(err)
	found, proved = explain.Find(text), explain.Proves(text)
	if twoSided(awsapi.Code(err)) && awsapi.Foreign(err) {
		found, proved = explain.Anywhere(), client.Endpoint.Host+" is not AWS: its code does not say whether the provider or the role refuses"
	}
	// The token was minted a moment ago: if it is called expired, a clock is wrong.
	slices.SortStableFunc(found, func(a, b explain.Cause) int { return cmp.Compare(age(a), age(b)) })
	return found, proved
}

// likely is advice where several causes are possible.
func likely(ranked []explain.Likely, proved, look string) (lines []string) {
	if proved != "" {
		lines = append(lines, proved)
	}
	lines = append(lines, "see why, with AWS credentials that may read IAM:", look)
	if len(ranked) > 0 {
		lines = append(lines, "likely causes:")
	}
	for i, cause := range ranked {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, cause.Text))
		if cause.Line != "" {
			lines = append(lines, "   "+cause.Line)
		}
	}
	return lines
}

// twoSided reports whether a code is one that AWS gives for one side of the
// chain only.
func twoSided(code string) bool { return code == "InvalidIdentityToken" || code == "AccessDenied" }

// look is the line that shows which link of the chain refuses.
func (r Request) look(s *Session, admin string) string {
	line := fmt.Sprintf("kubectl irsa inspect sa %s -n %s", r.ServiceAccount, r.Namespace)
	if s.RoleSource != FromAnnotation {
		line += " --role-arn " + s.RoleARN.String()
	}
	if s.AudienceSource == FromFlag && s.Audience != irsa.DefaultAudience {
		line += " --audience " + shell.Word(s.Audience)
	}
	if admin != "" {
		line += " --aws-profile " + shell.Word(admin)
	}
	return line
}

// shortened is an error that can be said in one short line, too.
type shortened struct {
	error
	short string
}

func (s *shortened) Unwrap() error { return s.error }

// shorten gives err a short line; "" is none.
func shorten(err error, short string) error { return &shortened{err, short} }

// Short is what a refusal says in one line, with the line to paste in it: for
// whoever has no room for its hints. "" where err is none.
func Short(err error) string {
	if s, ok := errors.AsType[*shortened](err); ok {
		return s.short
	}
	return ""
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
