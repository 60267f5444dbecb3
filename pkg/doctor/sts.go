package doctor

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
)

const linkSTS = "STS"

func stsChecks() []Check {
	return []Check{
		{ID: "sts-exchange", Link: linkSTS, Title: "STS takes the token for the role", Needs: []string{"token-issued", "role-arn-valid"}, Run: stsExchange},
	}
}

func brief(err error) error { return awsapi.Brief(err) }

func itoa(n int) string { return strconv.Itoa(n) }

// settling is how long IAM may take until a change is known everywhere.
const settling = time.Minute

func stsExchange(f Facts) Result {
	err := f.STS.Err
	switch {
	case err == nil:
		return pass("%s", f.STS.Value.ARN)
	case errors.Is(err, ErrNotAsked):
		return skip("left out by --no-sts")
	case errors.Is(err, ErrNeedsToken), errors.Is(err, ErrNeedsRole):
		return unknown("%v", err)
	case awsapi.Code(err) != "":
		return f.refused(err)
	case strings.Contains(err.Error(), "x509: "):
		return fixed(fail("WS6", "%v", brief(err)), "export AWS_CA_BUNDLE=FILE # the certificate of the proxy in between")
	}
	return unknown("STS could not be asked: %v", brief(err))
}

// refused says what a refusal means where nothing earlier explains it. AWS has
// one text for several causes: none is named unless the text or the facts
// leave only one.
func (f Facts) refused(err error) Result {
	if host := f.STS.Value.Endpoint; host != "" && !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") && awsapi.Code(err) == "InvalidParameterValue" {
		return fail("STSX", "%s is not AWS, and says: %v", host, brief(err))
	}
	r := fail("", "%v", brief(err))
	causes := explain.Find(awsapi.Code(err) + ": " + awsapi.Message(err))
	if len(causes) == 1 {
		r.Cause = causes[0].Code
		return r
	}
	if f.explained() {
		return r
	}
	if awsapi.Code(err) == "InvalidIdentityToken" && f.IAMRole.Err == nil && f.Provider.Err == nil {
		r.Detail += "\nevery link holds as far as can be seen here: STS keeps an issuer's keys for some minutes, so where they were published just now, try again in a minute"
		return r
	}
	if young := f.young(); young != "" && f.Provider.Err == nil && f.IAMRole.Err == nil {
		r.Cause = "ROLE14"
		r.Detail += "\n" + young + " was made less than a minute ago: IAM needs some seconds until all of AWS knows it"
		return r
	}
	if f.IAMRole.Err == nil {
		r.Detail += "\nthe trust policy allows it, as far as it can be judged here: think of a service or resource control policy (ROLE11)"
		return r
	}
	var codes []string
	for _, c := range causes {
		codes = append(codes, c.Code)
	}
	if len(codes) > 0 {
		r.Detail += "\nthe same text stands for " + list(codes) + "; with AWS credentials IAM would tell (--aws-profile)"
	}
	return r
}

// explained reports whether a check before this one failed already.
func (f Facts) explained() bool {
	return check.Root(check.Run(f, chainChecks(), check.Selection{}), check.Fail) != nil
}

// young is what was made so lately that STS may not know it.
func (f Facts) young() string {
	switch {
	case f.IAMRole.Err == nil && f.Now.Sub(f.IAMRole.Value.Created).Abs() < settling:
		return "the role"
	case f.Provider.Err == nil && f.Now.Sub(f.Provider.Value.Created).Abs() < settling:
		return "the provider"
	}
	return ""
}
