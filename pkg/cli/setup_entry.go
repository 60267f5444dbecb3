package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/doctor"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// entry is the proof that the chain holds: an exchange of a real token, and the
// profile that comes of it.
type entry struct {
	made    *creds.Session // by the look: the chain holds as it is
	written *login.Result
}

// prepareEntry checks, before anything is changed, what the last phases write.
func (o *setupCommand) prepareEntry() error {
	o.entered = &entry{}
	if !o.runs(phaseLogin) && !o.runs(phaseVerify) {
		return nil
	}
	o.login = &loginCommand{factory: o.factory, profile: o.profile, mode: string(login.Process), create: false, overwrite: o.overwrite}
	if !o.runs(phaseServiceAccount) {
		o.login.exchangeFlags.audience = o.binding.audience // there may be no annotation that says so
	}
	return o.login.complete([]string{o.serviceAccount})
}

// entrySteps are the phases verify and login.
func (o *setupCommand) entrySteps() []plan.Step {
	var steps []plan.Step
	who := o.cluster.namespace + "/" + o.serviceAccount
	if o.runs(phaseVerify) {
		steps = append(steps, plan.Step{
			ID: phaseVerify, Title: "become the role with a token of " + who, Look: o.lookVerify, Apply: o.verify,
		})
	}
	if o.runs(phaseLogin) {
		steps = append(steps, plan.Step{
			ID: phaseLogin, Title: "write the profile " + o.login.profile, Look: o.lookLogin, Apply: o.applyLogin,
		})
	}
	return steps
}

// lookVerify tries the exchange where the ServiceAccount names its role
// already. Neither a dry run nor a chain that is yet to be built is tried: a
// server mints a real token even for a dry run.
func (o *setupCommand) lookVerify(ctx context.Context) (plan.State, string, error) {
	account, err := o.binding.account.Look(ctx)
	switch {
	case !o.mayMint():
		return plan.Needed, "not tried in a dry run", nil
	case err != nil || account == nil || account.Annotations[irsa.AnnotationRoleARN] == "":
		return plan.Needed, "", nil // what is amiss with the account, its own step says
	}
	request := o.login.login.Request
	request.RoleARN, request.Audience = account.Annotations[irsa.AnnotationRoleARN], o.binding.audience
	session, err := o.login.login.Exchanger.Run(ctx, request)
	if err != nil || !o.isRole(ctx, session.RoleARN) {
		return plan.Needed, "", nil
	}
	session.RoleSource, session.Account = creds.FromAnnotation, account
	if o.login.login.Request.Audience == "" {
		session.AudienceSource = creds.FromDefault
		if account.Annotations[irsa.AnnotationAudience] != "" {
			session.AudienceSource = creds.FromAnnotation
		}
	}
	o.entered.made = &session
	return plan.Done, session.Credentials.RoleSessionARN, nil
}

// isRole reports whether an ARN is that of the role. Where neither the role nor
// the annotation is looked at, what the ServiceAccount is bound to tells.
func (o *setupCommand) isRole(ctx context.Context, arn irsa.RoleARN) bool {
	if o.runs(phaseRole) || o.runs(phaseServiceAccount) {
		found, err := o.links.role.Look(ctx)
		return err == nil && found != nil && found.ARN == arn.String()
	}
	return arn == o.binding.role || o.binding.role.Account == "" && arn.Name == o.binding.role.Name
}

// lookLogin compares the profile with what a login writes.
func (o *setupCommand) lookLogin(ctx context.Context) (plan.State, string, error) {
	l := &o.login.login
	if _, err := l.Check(); err != nil {
		return plan.Conflict, err.Error(), nil
	}
	file, err := awsconfig.Read(l.ConfigPath)
	if err != nil {
		return plan.Unknown, "", err
	}
	at := o.factory.short(l.ConfigPath)
	profile, exists := file.Profile(l.Profile)
	if !exists {
		return plan.Needed, at, nil
	}
	ours, _ := login.Recognise(runtime.GOOS, profile)
	named, err := irsa.ParseRoleARN(ours.Pinned.RoleARN, irsa.AnyAccount)
	want := l.Pinned
	if err == nil && ours.Mode == login.Process && ours.Binary == l.Binary && o.isRole(ctx, named) &&
		ours.Pinned.Context == want.Context && ours.Pinned.Kubeconfig == want.Kubeconfig && ours.Pinned.Namespace == want.Namespace &&
		ours.Pinned.ServiceAccount == want.ServiceAccount && ours.Pinned.Audience == o.binding.audience && ours.Pinned.Issuer == o.live.Discovery.Issuer {
		return plan.Done, at, nil
	}
	return plan.Needed, "in place of another of ours in " + at, nil
}

// short is a path as a shell writes it: with ~ for the home folder.
func (f *Factory) short(path string) string {
	home := f.Getenv("HOME")
	if rest, inside := strings.CutPrefix(path, home+string(filepath.Separator)); inside && home != "" {
		return filepath.Join("~", rest)
	}
	return path
}

// patience is how long IAM is given to let STS know a role or a provider that
// was made a moment ago; AWS promises no time:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency.
const patience = time.Minute

// verify makes the exchange until it works: where something was made a moment
// ago, a refusal may only mean that not every server knows it yet. A login that
// is to be made as well is the exchange.
func (o *setupCommand) verify(ctx context.Context) error {
	if role := o.links.role.Role(); role != nil && !o.runs(phaseServiceAccount) {
		o.login.login.Request.RoleARN = role.ARN
	}
	err := o.enter(ctx)
	for wait := range plan.Waits(patience) {
		if err == nil || !o.fresh() || !unknownYet(err) {
			break
		}
		plan.Note(ctx, "waiting for STS to know what IAM was told (%s)", awsapi.Code(err))
		if err := plan.Pause(ctx, wait); err != nil {
			return err
		}
		err = o.enter(ctx)
	}
	if err == nil {
		o.warnOfStrangers()
	}
	return err
}

// unknownYet reports whether STS may refuse since it has not heard of a role or a
// provider yet.
func unknownYet(err error) bool {
	switch awsapi.Code(err) {
	case "AccessDenied", "InvalidIdentityToken", "IDPCommunicationError":
		return true
	}
	return false
}

// fresh reports whether STS may not know yet what IAM was told: by this run, or
// by one that was interrupted.
func (o *setupCommand) fresh() bool {
	const settled = 5 * time.Minute
	held, provider := o.links.role.Role(), o.links.provider.Provider()
	return o.changed || held != nil && o.factory.Now().Sub(held.Created) < settled ||
		provider != nil && o.factory.Now().Sub(provider.Created) < settled
}

// enter makes one exchange.
func (o *setupCommand) enter(ctx context.Context) error {
	if !o.runs(phaseLogin) {
		_, err := o.login.login.Exchanger.Run(ctx, o.login.login.Request)
		return err
	}
	result, err := o.login.login.Run(ctx)
	if err == nil {
		o.entered.written = &result
	}
	return err
}

// applyLogin writes the profile, where the proof did not do it already.
func (o *setupCommand) applyLogin(ctx context.Context) error {
	if o.entered.written != nil {
		return nil
	}
	if role := o.links.role.Role(); role != nil && !o.runs(phaseServiceAccount) {
		o.login.login.Request.RoleARN = role.ARN
	}
	o.login.login.Made = o.entered.made
	result, err := o.login.login.Run(ctx)
	if err == nil {
		o.entered.written = &result
	}
	return err
}

// warnOfStrangers evaluates whom else the role lets in, which costs no request.
func (o *setupCommand) warnOfStrangers() {
	held := o.links.role.Role()
	if held == nil {
		return
	}
	policy, err := trustpolicy.Parse(held.Trust)
	if err != nil {
		return
	}
	facts := doctor.Facts{}
	facts.Namespace, facts.ServiceAccount, facts.WantedAudience = o.cluster.namespace, o.serviceAccount, o.binding.audience
	for _, s := range facts.Strangers() {
		request := trustpolicy.WebIdentity(o.links.provider.ARN(), s.Audience, irsa.Subject(s.Namespace, s.Account))
		if !trustpolicy.Evaluate(policy, request).Decision.Denied() {
			o.factory.note("warning: not so that %s: the role %s lets it in; kubectl irsa role get %s", s.Title, held.Name, held.Name)
		}
	}
}

// finish says how to use what was built.
func (o *setupCommand) finish() error {
	if o.entered.written != nil {
		for _, warning := range o.entered.written.Warnings {
			o.factory.note("warning: %s", warning)
		}
		fmt.Fprintln(o.factory.Streams.Out)
		return o.factory.print("", o.login.report(*o.entered.written))
	}
	if o.runs(phaseLogin) {
		_, err := fmt.Fprintf(o.factory.Streams.Out, "\n%s\n", nextLine(o.login.profile))
		return err
	}
	return nil
}
