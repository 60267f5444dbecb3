package doctor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	Cause                        string // where it gets in
	refusedByProvider            bool   // the provider refuses it even where the policy does not
}

// The checks of strangers.
const (
	otherAccount   = "other-serviceaccount-refused"
	otherNamespace = "other-namespace-refused"
	otherAudience  = "other-audience-refused"
)

// Strangers are the three that verify tries: one link differs in each.
func (f Facts) Strangers() []Stranger {
	return []Stranger{
		{ID: otherAccount, Title: "another ServiceAccount is refused", Namespace: f.Namespace, Account: "irsa-verify-nobody",
			Audience: f.WantedAudience, Cause: "ROLE7"},
		{ID: otherNamespace, Title: "another namespace is refused", Namespace: "irsa-verify-elsewhere", Account: f.ServiceAccount,
			Audience: f.WantedAudience, Cause: "ROLE7"},
		{ID: otherAudience, Title: "another audience is refused", Namespace: f.Namespace, Account: f.ServiceAccount,
			Audience: "irsa-verify.invalid", Cause: "ROLE2", refusedByProvider: true},
	}
}

// StandIn is a ServiceAccount that is there, whose real token is tried in a
// stranger's place.
type StandIn struct {
	Stranger
	Who Named // zero where there is none
}

// StandIns chooses whose tokens to try. Whom the trust policy names is no
// stranger: nobody who is, is a reason to try nobody.
func (w World) StandIns(ctx context.Context, f Facts) []StandIn {
	var chosen []StandIn
	var welcome []Named
	if policy, err := f.trustFact(); err == nil {
		welcome = namedIn(policy, ProviderARN(f.Role.Value, f.Issuer))
	}
	for _, s := range f.Strangers() {
		in := StandIn{Stranger: s}
		var candidates []Named
		switch s.ID {
		case otherAudience:
			in.Who = Named{f.Namespace, f.ServiceAccount}
		case otherNamespace:
			candidates = []Named{{"default", "default"}, {"kube-system", "default"}, {"kube-public", "default"}}
			candidates = slices.DeleteFunc(candidates, func(n Named) bool { return n.Namespace == f.Namespace })
		case otherAccount:
			candidates = w.neighbours(ctx, f)
		}
		for _, n := range candidates {
			if !slices.Contains(welcome, n) {
				in.Who = n
				break
			}
		}
		chosen = append(chosen, in)
	}
	return chosen
}

// neighbours are the other ServiceAccounts of the namespace, the one that every
// namespace has first.
func (w World) neighbours(ctx context.Context, f Facts) []Named {
	names := []string{"default"}
	if list, err := w.Core.ServiceAccounts(f.Namespace).List(ctx, metav1.ListOptions{Limit: 500}); err == nil {
		names = nil
		for i := range list.Items {
			names = append(names, list.Items[i].Name)
		}
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	}
	var all []Named
	for _, name := range names {
		if name != f.ServiceAccount {
			all = append(all, Named{f.Namespace, name})
		}
	}
	return all
}

func rank(name string) int {
	if name == "default" {
		return 0
	}
	return 1
}

// Probe is what became of a real exchange in a stranger's place.
type Probe struct {
	Who     Named
	Refused Known[bool]
}

// Verification is Facts and what became of real exchanges by strangers.
type Verification struct {
	Facts
	Probes map[string]Probe // by ID; nil without probes
}

// errNobody is why nobody was tried.
var errNobody = errors.New("no ServiceAccount is known that the trust policy does not name")

// Probe asks the cluster for a token of each stand-in and STS for a session with
// it. Nothing is made: the tokens are of ServiceAccounts that are there.
func (w World) Probe(ctx context.Context, f Facts, all []StandIn) map[string]Probe {
	under := map[string]*later[bool]{}
	for _, s := range all {
		under[s.ID] = ask(func() (bool, error) { return w.probe(ctx, f, s) })
	}
	probes := map[string]Probe{}
	for _, s := range all {
		probes[s.ID] = Probe{s.Who, under[s.ID].get()}
	}
	return probes
}

func (w World) probe(ctx context.Context, f Facts, s StandIn) (bool, error) {
	if f.Role.Err != nil {
		return false, ErrNeedsRole
	}
	if s.Who == (Named{}) {
		return false, errNobody
	}
	minted, err := token.Create(ctx, w.Core.ServiceAccounts(s.Who.Namespace), token.Request{
		Namespace: s.Who.Namespace, ServiceAccount: s.Who.Name, Audiences: []string{s.Audience}, Duration: tokenLife,
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
	switch allowed := tokenAllowed(v.Facts); {
	case r.Status == check.Pass:
		r.Detail = "by evaluation of the trust policy"
	case r.Status == check.Unknown && allowed.Status == check.Fail:
		r.Detail += "\n" + allowed.Detail
		r.Fix = allowed.Fix
	}
	return r
}

func (v Verification) refused(s Stranger) Result {
	probe, probed := v.Probes[s.ID]
	policy, err := v.trustFact()
	switch {
	case probed && probe.Refused.Err == nil && probe.Refused.Value:
		return pass("STS refused %s, audience %s", probe.Who.subject(), s.Audience)
	case probed && probe.Refused.Err == nil:
		r := v.intruder(s, "STS gave a session to "+probe.Who.subject())
		if err != nil && s.ID != otherAudience {
			r.Detail += "\nwhether the trust policy names it on purpose AWS credentials would tell (--aws-profile)"
		}
		return r
	case err != nil && probed:
		return unknown("no token to try with: %v", root(probe.Refused.Err))
	case err != nil:
		r := withheld("iam:GetRole", err)
		r.Detail += "; --probe tries it"
		return r
	case v.Issuer == "":
		return unknown("%v", ErrNeedsToken)
	}
	subject := irsa.Subject(s.Namespace, s.Account)
	e := trustpolicy.Evaluate(policy, trustpolicy.WebIdentity(ProviderARN(v.Role.Value, v.Issuer), s.Audience, subject))
	switch {
	case e.Decision.Denied():
		return pass("by the trust policy")
	case e.Decision == trustpolicy.Undecided:
		return unknown("it hangs on conditions that only AWS can judge; --probe tries it")
	case s.refusedByProvider && v.Provider.Err == nil:
		return warn(s.Cause, "only the provider's list of audiences refuses it: the trust policy has no aud condition that would")
	}
	return v.intruder(s, "the trust policy lets in "+subject)
}

func (v Verification) intruder(s Stranger, how string) Result {
	r := fail(s.Cause, "%s, audience %s", how, s.Audience)
	if narrow := trustNarrow(v.Facts); len(narrow.Fix) > 0 {
		return fixed(r, narrow.Fix...)
	}
	return fixed(r, v.build("role get %s", v.Role.Value.Name))
}
