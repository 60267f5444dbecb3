package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// Check is one of package check, over Facts.
type Check = check.Check[Facts]

// Result is what a Check says.
type Result = check.Result

func pass(format string, args ...any) Result {
	return Result{Status: check.Pass, Detail: fmt.Sprintf(format, args...)}
}

func skip(detail string) Result {
	return Result{Status: check.Skip, Detail: detail}
}

func unknown(format string, args ...any) Result {
	return Result{Status: check.Unknown, Detail: fmt.Sprintf(format, args...)}
}

func warn(cause, format string, args ...any) Result {
	return Result{Status: check.Warn, Cause: cause, Detail: fmt.Sprintf(format, args...)}
}

func fail(cause, format string, args ...any) Result {
	return Result{Status: check.Fail, Cause: cause, Detail: fmt.Sprintf(format, args...)}
}

// fixed adds lines to paste.
func fixed(r Result, lines ...string) Result {
	r.Fix = append(r.Fix, lines...)
	return r
}

// either adds lines to paste one of which is enough, likeliest first.
func either(r Result, lines ...string) Result {
	r = fixed(r, lines...)
	r.AnyOf = true
	return r
}

// compared adds two strings that differ.
func compared(r Result, c *check.Comparison) Result {
	r.Compare = c
	return r
}

// unread says why a fact of the cluster is missing.
func unread(what string, err error) Result {
	if right := lacking(err); right != "" {
		return unknown("you may not %s", right)
	}
	if apierrors.IsForbidden(err) {
		return unknown("you may not read %s: %v", what, err)
	}
	return unknown("%s could not be read: %v", what, err)
}

// refusedRight is the right in the API server's own words:
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/.
var refusedRight = lazyregexp.New(`cannot ([a-z]+) resource "([^"]+)"(?: in API group "[^"]*")?(?: in the namespace "([^"]+)"| (at the cluster scope))`)

// lacking is the right that a user lacks: list pods in namespace shop; "" where
// an error does not say.
func lacking(err error) string {
	m := refusedRight().FindStringSubmatch(err.Error())
	switch {
	case !apierrors.IsForbidden(err) || m == nil:
		return ""
	case m[3] != "":
		return m[1] + " " + m[2] + " in namespace " + m[3]
	}
	return m[1] + " " + m[2] + " " + m[4]
}

// withheld says why a fact of IAM is missing, with the permission that was.
func withheld(action string, err error) Result {
	if other, ok := errors.AsType[*elsewhere](err); ok {
		return unknown("%v", other)
	}
	if silence, ok := errors.AsType[*awsapi.Silence](err); ok {
		return unknown("%s: %v", action, silence)
	}
	switch {
	case errors.Is(err, ErrNoCredentials):
		return unknown("no AWS credentials: %s would tell (--aws-profile)", action)
	case errors.Is(err, ErrNeedsToken), errors.Is(err, ErrNeedsRole), errors.Is(err, ErrNotAsked):
		return unknown("%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		return unknown("%s: no answer in time", action)
	case denied(err):
		return unknown("these AWS credentials lack the permission %s", action)
	}
	return unknown("%s: %v", action, awsapi.Brief(err))
}

// denied reports whether AWS refused to let us look.
func denied(err error) bool {
	switch awsapi.Code(err) {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return true
	}
	return false
}

// missing reports whether AWS says that there is no such thing.
func missing(err error) bool {
	switch awsapi.Code(err) {
	case "NoSuchEntity", "NoSuchEntityException":
		return true
	}
	return false
}

// accepted reports whether STS gave a session: every link of the chain holds.
func (f Facts) accepted() bool { return f.STS.Err == nil }

// refusal is the text of STS's refusal, folded, "" where it did not refuse.
func (f Facts) refusal() string {
	if f.STS.Err == nil || awsapi.Code(f.STS.Err) == "" {
		return ""
	}
	return strings.ToLower(awsapi.Message(f.STS.Err))
}

const provedBySTS = "proved by the exchange; IAM was not read"
