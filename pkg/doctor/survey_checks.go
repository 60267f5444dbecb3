package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// SurveyCheck is a check over a Survey.
type SurveyCheck = check.Check[Survey]

// The links of doctor that inspect does not have.
const (
	linkStation = "workstation"
	linkCluster = "cluster"
	linkAccess  = "access"
)

// SurveySentences sum up the links of doctor, which judges less of some links
// than inspect does.
var SurveySentences = map[string]string{
	linkStation:   "nothing on this machine beats or breaks a profile",
	linkAccess:    "you may do what a login needs",
	linkToken:     "all clocks agree",
	linkIssuer:    "the issuer's name is public",
	linkDocuments: "anybody can read what AWS has to read",
	linkKeys:      "the API server's keys are published, and AWS can use them",
	linkCluster:   "ServiceAccounts and pods are as they should be",
	linkWebhook:   "a webhook gives pods the token",
	linkProvider:  "the account knows issuer and audience",
	linkRole:      "every role that is named is there and trusts who names it",
}

// SurveyChecks are those of doctor, in order.
func SurveyChecks() []SurveyCheck {
	issuer := slices.Concat(pick(tokenChecks(), "clocks-agree"), IssuerChecks())
	webhook := pick(podChecks(), "webhook-present", "webhook-serves")
	provider := slices.Concat(pick(providerChecks(), "provider-exists", "audience-registered"), homeChecks())
	return arrange(slices.Concat(stationChecks(), accessChecks(), over(issuer), clusterChecks(), over(webhook), over(provider), bindingChecks()))
}

// over lets a survey be judged by checks over its facts.
func over(checks []Check) []SurveyCheck {
	var lifted []SurveyCheck
	for _, c := range checks {
		lifted = append(lifted, SurveyCheck{
			ID: c.ID, Link: c.Link, Title: c.Title, Needs: c.Needs, Aside: c.Aside,
			Run: func(s Survey) Result { return c.Run(s.Facts) },
		})
	}
	return lifted
}

func stationChecks() []SurveyCheck {
	return []SurveyCheck{
		{ID: "environment-quiet", Link: linkStation, Title: "no variable beats a profile", Run: environmentQuiet},
		{ID: "aws-profile-there", Link: linkStation, Title: "the profile that AWS_PROFILE names is there", Run: awsProfileThere},
		{ID: "kubeconfig-no-cycle", Link: linkStation, Title: "the kubeconfig rests on no profile of ours", Run: noCycle},
		{ID: "plugin-allowed", Link: linkStation, Title: "kuberc lets the kubeconfig's plugin run", Run: pluginAllowed},
		{ID: "profiles-run", Link: linkStation, Title: "the programs of our profiles are there", Run: profilesRun},
		{ID: "profiles-lead-here", Link: linkStation, Title: "our profiles lead where they were made for", Run: profilesLeadHere},
	}
}

func environmentQuiet(s Survey) Result {
	if len(s.Station.Rivals) == 0 {
		return pass("")
	}
	is := "is"
	if len(s.Station.Rivals) > 1 {
		is = "are"
	}
	r := warn("WS1", "%s %s set: every SDK takes it before a profile named in AWS_PROFILE", list(s.Station.Rivals), is)
	return fixed(r, "unset "+strings.Join(s.Station.Rivals, " "))
}

func awsProfileThere(s Survey) Result {
	switch {
	case s.Station.Lost == "":
		return pass("")
	case len(s.Station.LostNear) > 0:
		return fixed(fail("WS7", "AWS_PROFILE is %s, and there is no such AWS profile; there is %s", s.Station.Lost, list(s.Station.LostNear)), "unset AWS_PROFILE")
	}
	return fixed(fail("WS7", "AWS_PROFILE is %s, and there is no such AWS profile", s.Station.Lost), "unset AWS_PROFILE")
}

func noCycle(s Survey) Result {
	if s.Station.Cycle == "" {
		return pass("")
	}
	return fixed(fail("WS2", "this context gets its credentials through AWS profile %s, which gets its own through this context: the cluster cannot be asked until its exec plugin names another profile", s.Station.Cycle),
		"kubectl config view --minify -o jsonpath={.users[0].user.exec}")
}

// pluginAllowed judges the credential plugin policy of kuberc:
// https://kubernetes.io/docs/reference/kubectl/kuberc/#credential-plugin-policy.
func pluginAllowed(s Survey) Result {
	if s.Station.Forbidden == "" {
		return pass("")
	}
	return fixed(fail("WS3", "%s: the cluster cannot be asked", s.Station.Forbidden), s.Station.Allow)
}

func profilesRun(s Survey) Result {
	if len(s.Station.Dead) == 0 {
		return pass("%s", counted(s.Station.Profiles, "profile"))
	}
	return fixed(fail("WS4", "the program of %s is gone", few(s.Station.Dead, 5)), s.Station.Again...)
}

func profilesLeadHere(s Survey) Result {
	if len(s.Station.Astray) == 0 {
		return pass("%s", counted(s.Station.Profiles, "profile"))
	}
	name, _, _ := strings.Cut(s.Station.Astray[0], ": ")
	return fixed(fail("WS5", "%s", strings.Join(s.Station.Astray, "\n")), "kubectl irsa logout --profile "+shell.Word(name))
}

// firstAccess is the check of doctor that asks the API server first: one whose
// credentials it does not accept learns nothing by the others.
const firstAccess = "token-creation-allowed"

func accessChecks() []SurveyCheck {
	return []SurveyCheck{
		{ID: firstAccess, Link: linkAccess, Title: "you may ask for tokens in this namespace", Run: mintingAllowed},
		{ID: "api-audience", Link: linkAccess, Title: "the API server takes its own tokens", Run: apiAudience},
		{ID: "clients-accepted", Link: linkAccess, Title: "the API server lets its network plugin in", Run: clientsAccepted},
		{ID: "token-lifetime", Link: linkAccess, Title: "tokens may live as long as they are asked to", Run: tokenLifetime},
	}
}

func mintingAllowed(s Survey) Result {
	switch {
	case apierrors.IsUnauthorized(s.MayMint.Err):
		return s.unaccepted(s.MayMint.Err)
	case s.MayMint.Err != nil:
		return unread("your own rights", s.MayMint.Err)
	case s.MayMint.Value.All:
		return pass("namespace %s", s.Namespace)
	case len(s.MayMint.Value.Names) > 0:
		return pass("namespace %s, for %s", s.Namespace, few(s.MayMint.Value.Names, 5))
	case s.MayMint.Value.Partial:
		return unknown("you may not create serviceaccounts/token for every ServiceAccount of namespace %s, and the API server does not say for which", s.Namespace)
	}
	r := fail("RBAC1", "you may not create serviceaccounts/token in namespace %s", s.Namespace)
	return fixed(r, s.granting(s.Plain.Err, func(user string) []string {
		return []string{kubeapi.Grant(s.Namespace, "", user)}
	})...)
}

// apiAudience looks for an API server that was told audiences and forgot its
// own: a token without a wish is then refused by clients that ask for the issuer.
// https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/.
func apiAudience(s Survey) Result {
	if s.Plain.Err != nil {
		return unknown("no token of ServiceAccount default: %v", root(s.Plain.Err))
	}
	c := s.Plain.Value.Parsed.Claims
	if slices.Contains(c.Audience, "sts.amazonaws.com") && !slices.Contains(c.Audience, c.Issuer) {
		return warn("ISS4", "--api-audiences is %s, without the issuer %s: pods are answered 401", list(c.Audience), c.Issuer)
	}
	return pass("%s", list(c.Audience))
}

// clientsAccepted looks for whoever still has a token of an issuer, or of a key,
// that the API server does not know any more.
func clientsAccepted(s Survey) Result {
	if s.Refused.Err != nil {
		return unread("events", s.Refused.Err)
	}
	if len(s.Refused.Value) == 0 {
		return pass("no event says otherwise")
	}
	latest := slices.MaxFunc(s.Refused.Value, func(a, b corev1.Event) int { return seen(a).Compare(seen(b)) })
	r := warn("ISS3", "pods have no network, since the API server answers their plugin 401 (events: %d), the last of %s/%s at %s; its token is of an issuer or a key that was changed, or has expired",
		len(s.Refused.Value), latest.InvolvedObject.Namespace, latest.InvolvedObject.Name, seen(latest).UTC().Format("15:04 MST"))
	for _, p := range s.Plugins {
		r.Fix = append(r.Fix, s.cluster("rollout restart daemonset %s -n %s", p.Name, p.Namespace))
	}
	if len(s.Plugins) == 0 {
		r.Fix = []string{s.cluster("get daemonsets -A")} // one of them is to be restarted
	}
	return r
}

// seen is when an event was last seen.
func seen(e corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func tokenLifetime(s Survey) Result {
	if s.Plain.Err != nil {
		return unknown("no token of ServiceAccount default: %v", root(s.Plain.Err))
	}
	if t := s.Plain.Value; t.Granted > 0 && t.Granted < t.Asked {
		return warn("TOK6", "%s was asked for, the API server grants %s (--service-account-max-token-expiration)", t.Asked, t.Granted)
	}
	return pass("%s", s.Plain.Value.Granted)
}

func clusterChecks() []SurveyCheck {
	return []SurveyCheck{
		{ID: "annotations-spelled", Link: linkCluster, Title: "no ServiceAccount has a misspelt annotation", Run: annotationsSpelled},
		{ID: "annotations-valid", Link: linkCluster, Title: "every annotation is a role's ARN", Run: annotationsValid},
		{ID: "pods-have-tokens", Link: linkCluster, Title: "every pod of an annotated ServiceAccount has its token", Run: podsHaveTokens},
		{ID: "pods-no-static-keys", Link: linkCluster, Title: "no pod has keys that beat its role", Run: podsNoKeys},
	}
}

// listed is a list of a sweep as a result; each entry begins with
// NAMESPACE/NAME and a colon.
func listed(found []string, r Result, format string, fix func(object string) string) Result {
	shown := found[:min(len(found), 5)]
	r.Detail = fmt.Sprintf(format+"\n%s", len(found), strings.Join(shown, "\n"))
	if more := len(found) - len(shown); more > 0 {
		r.Detail += fmt.Sprintf("\nand %d more", more)
	}
	first, _, _ := strings.Cut(found[0], ": ")
	return fixed(r, fix(first))
}

func (s Survey) inspect(kind string) func(string) string {
	return func(object string) string {
		namespace, name, _ := strings.Cut(object, "/")
		return "kubectl irsa inspect " + kind + " " + name + " -n " + namespace + s.Paste.Kube + s.Paste.AWS
	}
}

func annotationsSpelled(s Survey) Result {
	a := s.Sweep.Accounts
	switch {
	case a.Err != nil:
		return unread("ServiceAccounts", a.Err)
	case len(a.Value.Typos) == 0:
		return pass("%s", counted(a.Value.Total, "ServiceAccount"))
	}
	return listed(a.Value.Typos, warn("SA1", ""), "with an annotation that is almost the right one: %d", s.inspect("sa"))
}

func annotationsValid(s Survey) Result {
	a := s.Sweep.Accounts
	switch {
	case a.Err != nil:
		return unread("ServiceAccounts", a.Err)
	case len(a.Value.BadARNs) == 0:
		return pass("%d of %s", len(a.Value.Annotated), counted(a.Value.Total, "ServiceAccount"))
	}
	return listed(a.Value.BadARNs, fail("ROLE9", ""), "with an annotation that is no role: %d", s.inspect("sa"))
}

func podsHaveTokens(s Survey) Result {
	found := s.without()
	switch {
	case s.Sweep.Accounts.Err != nil:
		return unread("ServiceAccounts", s.Sweep.Accounts.Err)
	case s.Sweep.Pods.Err != nil:
		return unread("pods", s.Sweep.Pods.Err)
	case len(found) == 0:
		return pass("%s", counted(s.Sweep.Pods.Value.Total, "pod"))
	}
	cause := "POD1"
	switch {
	case found[0].half:
		cause = "POD3"
	case s.Hooks.Err == nil && len(s.Hooks.Value) == 0:
		cause = "POD2"
	}
	var names []string
	for _, b := range found {
		names = append(names, b.of.Namespace+"/"+b.pod.Name+": container "+b.container)
	}
	r := listed(names, fail(cause, ""), "made without: %d", func(string) string { return s.remedy(found[0]) })
	for _, b := range found {
		r.Fix = once(r.Fix, s.remedy(b))
	}
	return r
}

// remedy is the line that gives a pod its token, or looks at one that has half
// of what it needs.
func (s Survey) remedy(b bare) string {
	if b.half {
		return s.inspect("pod")(b.of.Namespace + "/" + b.pod.Name)
	}
	there := s.Facts
	there.Paste.Namespace = " -n " + b.of.Namespace
	return there.restart(b.pod)
}

func podsNoKeys(s Survey) Result {
	p := s.Sweep.Pods
	static, perhaps := s.Sweep.rivals()
	switch {
	case p.Err != nil:
		return unread("pods", p.Err)
	case len(static) > 0:
		return listed(static, fail("POD4", ""), "with other credentials that win: %d", s.inspect("pod"))
	case len(perhaps) > 0:
		return listed(perhaps, unknown(""), "with variables that were not read: %d", s.inspect("pod"))
	}
	return pass("%s", counted(p.Value.Total, "pod"))
}
