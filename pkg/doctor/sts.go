package doctor

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/explain"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
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
		return fail("WS6", "%v\nsave the certificate of whoever answers in between to a file, and name that file in AWS_CA_BUNDLE", brief(err))
	}
	r := unknown("STS could not be asked: %v", brief(err))
	if f.Region != "" && !regionName().MatchString(f.Region) {
		r.Detail += "\n" + f.Region + " does not look like a region: they read like eu-west-1"
	}
	return r
}

// refused says what a refusal means where nothing earlier explains it. AWS has
// one text for several causes: none is named unless the text or the facts
// leave only one.
func (f Facts) refused(err error) Result {
	if host := f.STS.Value.Endpoint; host != "" && !ofAWS(host) && awsapi.Code(err) == "InvalidParameterValue" {
		return fail("STSX", "%s is not AWS, and says: %v", host, brief(err))
	}
	r := fail("", "%v", brief(err))
	text := awsapi.Code(err) + ": " + awsapi.Message(err)
	causes, proved := explain.Find(text), explain.Proves(text)
	if slices.Contains([]string{"AccessDenied", "InvalidIdentityToken"}, awsapi.Code(err)) && awsapi.Foreign(err) {
		causes, proved = explain.Anywhere(), "this STS is not AWS: its code does not say whether the provider or the role refuses"
	}
	if len(causes) == 1 {
		r.Cause = causes[0].Code
		return r
	}
	done := f.judged()
	if root := check.Root(done, check.Fail); root != nil {
		r.Gist = strings.TrimSuffix("the chain breaks at "+root.ID+" ("+root.Cause+")", " ()")
		return r
	}
	left := explain.Left(causes, func(id string) bool {
		return slices.ContainsFunc(done, func(x check.Finding) bool { return x.ID == id && x.Status == check.Pass })
	})
	young := f.young()
	switch {
	case f.hangs() && onlyRole(left):
		r.Gist = "likely a condition of the trust policy, which may let a pod in from elsewhere"
		r.Detail += "\nlikely it is a condition of the trust policy that does not hold here; from a pod's network it may"
		return fixed(r, f.build("role get %s", f.Role.Value.Name))
	case slices.ContainsFunc(left, func(c explain.Cause) bool { return len(c.Checks) > 0 }):
		return f.unsettled(r, proved, left)
	case awsapi.Code(err) == "InvalidIdentityToken":
		r.Gist = "STS keeps an issuer's keys for some minutes: where they were published just now, try again in a minute"
		r.Detail += "\nevery link holds as far as can be seen here"
	case young != "" && f.Provider.Err == nil:
		r.Cause = "ROLE14"
		r.Detail += "\n" + young + " was made less than a minute ago: IAM needs some seconds until all of AWS knows it"
	case f.IAMRole.Err == nil:
		r.Gist = "perhaps a policy of the organisation"
		r.Detail += "\nthe trust policy allows it, as far as it can be judged here: think of a service or resource control policy (ROLE11)"
	}
	return r
}

// hangs reports whether the trust policy lets this ServiceAccount in on
// conditions that cannot be judged here.
func (f Facts) hangs() bool {
	policy, err := f.trustFact()
	return err == nil && f.Issuer != "" && f.evaluate(policy, f.WantedAudience).Decision == trustpolicy.Undecided
}

// onlyRole reports whether nothing but the trust policy can be the cause, as far
// as checks tell.
func onlyRole(left []explain.Cause) bool {
	return !slices.ContainsFunc(left, func(c explain.Cause) bool {
		return len(c.Checks) > 0 && !slices.Equal(c.Checks, []string{"role-trusts"})
	})
}

// unsettled says which causes a refusal leaves, how to see which it is, and the
// line that mends each.
func (f Facts) unsettled(r Result, proved string, left []explain.Cause) Result {
	if proved != "" {
		r.Detail += "\n" + proved
	}
	ranked := explain.Ranked(left, f.names())
	r.Gist = "likely " + ranked[0].Text
	var lines []string
	if errors.Is(f.Caller.Err, ErrNoCredentials) {
		f.Paste.AWS = "" // a profile that holds none is no use to anybody
		switch n := len(f.Profiles); {
		case n == 0:
			r.Detail += "\nwith AWS credentials IAM would tell which it is (--aws-profile)"
		case n == 1:
			r.Detail += "\nthe AWS profile " + f.Profiles[0] + " may tell which it is"
		default:
			r.Detail += "\nan AWS profile may tell which it is: you have " + few(f.Profiles, 5)
		}
		if len(f.Profiles) > 0 {
			lines = append(lines, f.look(f.Profiles[0], "inspect sa %s", f.ServiceAccount))
		}
	}
	r.Detail += "\nlikely causes:"
	for i, cause := range ranked {
		r.Detail += "\n" + itoa(i+1) + ". " + cause.Text
		if line := f.mend(cause); line != "" {
			lines = append(lines, line)
		}
	}
	return either(r, lines...)
}

// mend is the line that mends a cause, with the flags of this call.
func (f Facts) mend(cause explain.Likely) string {
	switch cause.Code {
	case "ROLE1":
		return f.trustAdd()
	case "PROV1":
		return f.createProvider()
	}
	line, ok := strings.CutPrefix(cause.Line, "kubectl irsa ")
	if !ok {
		return ""
	}
	return f.build("%s", line)
}

// names are those of this chain, for the words of explain.
func (f Facts) names() explain.Names {
	return explain.Names{
		Namespace: f.Namespace, ServiceAccount: f.ServiceAccount, Role: f.Role.Value.Name, Account: f.Role.Value.Account,
		Issuer: f.Issuer, Audience: f.WantedAudience,
	}
}

// judged are the checks before this one that can explain a refusal.
func (f Facts) judged() []check.Finding {
	chain := slices.DeleteFunc(chainChecks(), func(c Check) bool { return c.Aside })
	return check.Run(f, chain, check.Selection{})
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
