package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const linkToken = "token"

func tokenChecks() []Check {
	return []Check{
		{ID: "token-allowed", Link: linkToken, Title: "you may ask for its tokens", Needs: []string{"serviceaccount-exists"}, Run: tokenAllowed},
		{ID: "token-issued", Link: linkToken, Title: "the cluster issues one", Needs: []string{"token-allowed"}, Run: tokenIssued},
		{ID: "token-claims", Link: linkToken, Title: "it has the claims that AWS needs", Needs: []string{"token-issued"}, Run: tokenClaims},
		{ID: "token-audience", Link: linkToken, Title: "it is for one audience", Needs: []string{"token-claims"}, Run: tokenAudience},
		{ID: "token-algorithm", Link: linkToken, Title: "AWS knows its algorithm", Needs: []string{"token-issued"}, Run: tokenAlgorithm},
		{ID: "token-valid-now", Link: linkToken, Title: "it is valid now", Needs: []string{"token-claims"}, Run: tokenValidNow},
		{ID: "clocks-agree", Link: linkToken, Title: "all clocks agree", Run: clocksAgree},
	}
}

func tokenAllowed(f Facts) Result {
	err := f.Token.Err
	if apierrors.IsUnauthorized(err) {
		return f.unaccepted(err)
	}
	if err == nil || !apierrors.IsForbidden(err) || strings.Contains(err.Error(), "being terminated") {
		if err != nil && !apierrors.IsForbidden(err) && apierrors.ReasonForError(err) == "" {
			return unknown("the API server did not answer")
		}
		return pass("")
	}
	return fixed(fail("RBAC1", "%v%s", refusal(err), byOthers(err)), f.granting(err, func(user string) []string {
		return []string{kubeapi.Grant(f.Namespace, f.ServiceAccount, user)}
	})...)
}

// granting is what grant makes of the user whom a refusal names. One who came
// without credentials is everybody, and is granted nothing. The lines are for
// somebody else to paste, and so lack the flags that choose the user's own context.
func (t Target) granting(err error, grant func(user string) []string) []string {
	if kubeapi.Anonymous(err) {
		return []string{t.cluster("config view --minify")}
	}
	return grant(kubeapi.UserOf(err))
}

// unaccepted is the failure of one whom the API server does not know: no right
// is lacking, and none is to be granted.
func (t Target) unaccepted(err error) Result {
	return fixed(fail("WS9", "%v: %s", root(err), kubeapi.Unaccepted), t.cluster("auth whoami"))
}

// byOthers says who pastes what grants a right.
func byOthers(err error) string {
	if kubeapi.Anonymous(err) {
		return ""
	}
	return "\nwho may grant rights lets you with:"
}

// refusal is the API server's own sentence, and what it means that its user is
// everybody.
func refusal(err error) error {
	if kubeapi.Anonymous(err) {
		return fmt.Errorf("%w: this kubeconfig context presents no credentials", root(err))
	}
	return root(err)
}

// root is the API server's own error, without what we were doing.
func root(err error) error {
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return status
	}
	return err
}

func tokenIssued(f Facts) Result {
	if f.Token.Err == nil {
		t := f.Token.Value
		return pass("%s, key %s, for %s", t.Parsed.Header.Algorithm, t.Parsed.Header.KeyID, t.Granted)
	}
	if apierrors.ReasonForError(f.Token.Err) == "" {
		return unknown("%v", f.Token.Err)
	}
	return fail("", "%v", root(f.Token.Err))
}

// tokenClaims holds the claims against what STS requires:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html.
func tokenClaims(f Facts) Result {
	if f.Token.Err != nil {
		return unknown("there is no token")
	}
	c := f.Token.Value.Parsed.Claims
	var lacking []string
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat"} {
		if !slices.Contains(c.Names, name) {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		cause := "TOK4"
		if slices.Contains(lacking, "aud") || slices.Contains(lacking, "exp") {
			cause = "TOK3"
		}
		return fail(cause, "it lacks %s", list(lacking))
	}
	if want := irsa.Subject(f.Namespace, f.ServiceAccount); c.Subject != want {
		return compared(fail("TOK4", "its subject is not the ServiceAccount"), check.Compare("expected", want, "sub", c.Subject))
	}
	return pass("sub %s", c.Subject)
}

func tokenAudience(f Facts) Result {
	if f.Token.Err != nil {
		return unknown("there is no token")
	}
	c := f.Token.Value.Parsed.Claims
	switch {
	case len(c.Audience) > 1 && c.AuthorizedParty == "":
		return fail("TOK7", "it has %d audiences: %s", len(c.Audience), list(c.Audience))
	case !slices.Contains(c.Audience, f.WantedAudience):
		return compared(fail("PROV3", "the cluster gave another audience than was asked for"),
			check.Compare("asked", f.WantedAudience, "aud", strings.Join(c.Audience, " ")))
	case f.Provider.Err != nil:
		if meant := f.meantAudience(); meant != "" {
			return f.otherAudience(fail("PROV3", "the annotation %s is almost the usual one, and STS refused", irsa.AnnotationAudience), meant)
		}
	}
	return pass("%s", f.WantedAudience)
}

func tokenAlgorithm(f Facts) Result {
	if f.Token.Err != nil {
		return unknown("there is no token")
	}
	if alg := f.Token.Value.Parsed.Header.Algorithm; !slices.Contains(oidc.Algorithms(), alg) {
		return fail("ALG1", "it is signed with %s; AWS takes %s", alg, list(oidc.Algorithms()))
	}
	return pass("%s", f.Token.Value.Parsed.Header.Algorithm)
}

// The deviations of a clock. AWS takes a token up to about five minutes after
// its end, and a signature within five minutes of its own clock:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html.
const (
	skewToLookAt = 30 * time.Second
	skewThatBars = 4 * time.Minute
)

func tokenValidNow(f Facts) Result {
	if f.Token.Err != nil {
		return unknown("there is no token")
	}
	if strings.Contains(f.refusal(), "token expired") {
		return fail("TOK1", "STS says: %v", f.STS.Err)
	}
	c := f.Token.Value.Parsed.Claims
	now := f.Token.Value.At
	// AWS's clock is the one that counts; ours stands in for it.
	for _, r := range f.Clocks {
		if r.Whose == "STS" {
			now = now.Add(-r.Ahead())
		}
	}
	switch {
	case now.After(c.Expiry):
		return fail("TOK2", "it is fresh, and expired at %s already", c.Expiry.UTC().Format(time.TimeOnly))
	case c.IssuedAt.Sub(now) > skewThatBars:
		return fail("TOK2", "it is fresh, and begins at %s, %s from now", c.IssuedAt.UTC().Format(time.TimeOnly), c.IssuedAt.Sub(now).Round(time.Second))
	}
	return pass("until %s UTC", c.Expiry.UTC().Format(time.TimeOnly))
}

func clocksAgree(f Facts) Result {
	readings := f.Clocks
	if f.Token.Err == nil {
		issued := f.Token.Value.Parsed.Claims.IssuedAt
		readings = append(slices.Clone(readings), Reading{Whose: "the token's iat", Theirs: issued, Ours: f.Token.Value.At})
	}
	if len(readings) == 0 {
		return unknown("no answer carried a date")
	}
	var off []string
	worst := time.Duration(0)
	for _, r := range readings {
		if d := r.Ahead().Abs(); d > skewToLookAt {
			way := "behind"
			if r.Ahead() > 0 {
				way = "ahead of"
			}
			off = append(off, "this machine is "+d.Round(time.Second).String()+" "+way+" "+r.Whose)
			worst = max(worst, d)
		}
	}
	if len(off) == 0 {
		return pass("%d were read", len(readings))
	}
	r := warn("TOK2", "%s", strings.Join(off, "\n"))
	if worst > skewThatBars {
		r.Status = check.Fail
	}
	return fixed(r, "sudo chronyc makestep")
}
