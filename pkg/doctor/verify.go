package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/token"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// Stranger is an identity that must not get in.
type Stranger struct {
	ID                           string // of its check
	Title                        string
	Namespace, Account, Audience string // as the evaluation sees it
	ProbeNamespace, ProbeAccount string // whose real token stands in for it
	Cause                        string // where it gets in
	refusedByProvider            bool   // the provider refuses it even where the policy does not
}

// Strangers are the three that verify tries: one link differs in each.
func (f Facts) Strangers() []Stranger {
	elsewhere := "default"
	if f.Namespace == "default" {
		elsewhere = "kube-system"
	}
	other := "default"
	if f.ServiceAccount == "default" {
		other = "" // no other ServiceAccount is sure to be there
	}
	return []Stranger{
		{ID: "other-serviceaccount-refused", Title: "another ServiceAccount is refused", Namespace: f.Namespace, Account: "irsa-verify-nobody",
			Audience: f.WantedAudience, ProbeNamespace: f.Namespace, ProbeAccount: other, Cause: "ROLE7"},
		{ID: "other-namespace-refused", Title: "another namespace is refused", Namespace: "irsa-verify-elsewhere", Account: f.ServiceAccount,
			Audience: f.WantedAudience, ProbeNamespace: elsewhere, ProbeAccount: "default", Cause: "ROLE7"},
		{ID: "other-audience-refused", Title: "another audience is refused", Namespace: f.Namespace, Account: f.ServiceAccount,
			Audience: "irsa-verify.invalid", ProbeNamespace: f.Namespace, ProbeAccount: f.ServiceAccount, Cause: "ROLE2", refusedByProvider: true},
	}
}

// Verification is Facts and what became of real exchanges by strangers.
type Verification struct {
	Facts
	Probes map[string]Known[bool] // by ID: whether STS refused; nil without probes
}

// Probe asks the cluster for a token of each stranger and STS for a session
// with it. Nothing is made: the tokens are of ServiceAccounts that are there.
func (w World) Probe(ctx context.Context, f Facts) map[string]Known[bool] {
	under := map[string]*later[bool]{}
	for _, s := range f.Strangers() {
		under[s.ID] = ask(func() (bool, error) { return w.probe(ctx, f, s) })
	}
	known := map[string]Known[bool]{}
	for id, l := range under {
		known[id] = l.get()
	}
	return known
}

func (w World) probe(ctx context.Context, f Facts, s Stranger) (bool, error) {
	if f.Role.Err != nil {
		return false, ErrNeedsRole
	}
	if s.ProbeAccount == "" {
		return false, errors.New("there is no other ServiceAccount to try with")
	}
	minted, err := token.Create(ctx, w.Core.ServiceAccounts(s.ProbeNamespace), token.Request{
		Namespace: s.ProbeNamespace, ServiceAccount: s.ProbeAccount, Audiences: []string{s.Audience}, Duration: tokenLife,
	})
	if err != nil {
		return false, err
	}
	region := f.Region
	if region == "" {
		region = f.Role.Value.Region()
	}
	client, err := w.STS(ctx, region)
	if err != nil {
		return false, err
	}
	defer client.Close()
	_, err = client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(f.Role.Value.String()), RoleSessionName: aws.String(f.SessionName),
		WebIdentityToken: aws.String(minted.Raw()), DurationSeconds: aws.Int32(int32(sessionLife / time.Second)),
	})
	switch awsapi.Code(err) {
	case "AccessDenied", "InvalidIdentityToken":
		return true, nil
	}
	return false, err
}

const (
	linkRight    = "right identity"
	linkStranger = "strangers"
)

// VerifyChecks are those of verify.
func VerifyChecks(f Facts) []check.Check[Verification] {
	checks := []check.Check[Verification]{
		{ID: "right-identity-accepted", Link: linkRight, Title: "this ServiceAccount gets in", Run: rightAccepted},
	}
	for _, s := range f.Strangers() {
		checks = append(checks, check.Check[Verification]{
			ID: s.ID, Link: linkStranger, Title: s.Title,
			Run: func(v Verification) Result { return v.refused(s) },
		})
	}
	return checks
}

func rightAccepted(v Verification) Result {
	if v.accepted() {
		return pass("%s", v.STS.Value.ARN)
	}
	if awsapi.Code(v.STS.Err) != "" {
		r := stsExchange(v.Facts)
		if len(r.Fix) == 0 {
			r.Fix = []string{v.look("", "inspect sa %s", v.ServiceAccount)}
		}
		return r
	}
	r := roleTrusts(v.Facts)
	if r.Status == check.Pass {
		r.Detail = "by evaluation of the trust policy"
	}
	return r
}

func (v Verification) refused(s Stranger) Result {
	if probe, probed := v.Probes[s.ID]; probed && probe.Err == nil {
		if probe.Value {
			return pass("STS refused it")
		}
		return v.intruder(s, "STS gave it a session")
	}
	policy, err := v.trustFact()
	if err != nil {
		if probe, probed := v.Probes[s.ID]; probed {
			return unknown("no token to try with: %v", root(probe.Err))
		}
		r := withheld("iam:GetRole", err)
		r.Detail += "; --probe tries it"
		return r
	}
	if v.Issuer == "" {
		return unknown("%v", ErrNeedsToken)
	}
	e := trustpolicy.Evaluate(policy, trustpolicy.WebIdentity(ProviderARN(v.Role.Value, v.Issuer), s.Audience, irsa.Subject(s.Namespace, s.Account)))
	switch {
	case e.Decision.Denied():
		return pass("by the trust policy")
	case e.Decision == trustpolicy.Undecided:
		return unknown("it hangs on conditions that only AWS can judge; --probe tries it")
	case s.refusedByProvider && v.Provider.Err == nil:
		return warn(s.Cause, "only the provider's list of audiences refuses it: the trust policy has no aud condition that would")
	}
	return v.intruder(s, "the trust policy lets it in")
}

func (v Verification) intruder(s Stranger, how string) Result {
	r := fail(s.Cause, "%s: %s, audience %s", how, irsa.Subject(s.Namespace, s.Account), s.Audience)
	if narrow := trustNarrow(v.Facts); len(narrow.Fix) > 0 {
		return fixed(r, narrow.Fix...)
	}
	return fixed(r, v.build("role get %s", v.Role.Value.Name))
}
