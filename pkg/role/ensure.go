package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// The IDs of steps. A step for a policy has its number behind StepPolicy.
const (
	StepRole     = "role"
	StepTrust    = "role-trust"
	StepSettings = "role-settings"
	StepPolicy   = "role-policy"
	StepInline   = "role-inline-policy"
)

// Ensure is a role that is to be there and to trust subjects of one issuer. It
// is used for one plan; its steps share their looks.
type Ensure struct {
	IAM  IAM
	STS  STS // asked only where an ARN, or an annotation, names a role that is not there
	Spec Spec
	// Named is the ARN that the role was named by; without an account it was
	// Spec.Name alone.
	Named    irsa.RoleARN
	Issuer   string
	Audience string
	Subjects []string // * and ? make a pattern; none asks for no trust
	// Provider gives the ARN of the issuer's provider, "" where there is none.
	Provider func(context.Context) (string, error)
	// NewProvider says that an earlier step makes the provider where it is missing.
	NewProvider bool
	// Existing refuses to make the role: it must be there.
	Existing bool
	// Apart gives each subject in a role that is not ours a statement of its own
	// under a Sid of ours, so that it can be told from the owner's.
	Apart bool
	// Foreign lets the trust of a role that is not ours be extended. Its
	// policies and settings are never touched.
	Foreign bool
	// MadeUp says that nobody chose the name: a role of it that was made for
	// others in the cluster is theirs alone.
	MadeUp bool
	// Instead is what else to do where Named is a role elsewhere: a clause or a
	// line, with what stands before it.
	Instead string

	once     sync.Once
	found    *Role
	findErr  error
	listOnce sync.Once
	attached []string
	listErr  error
	created  bool
}

// Look finds the role; nil where there is none yet. It asks once.
func (e *Ensure) Look(ctx context.Context) (*Role, error) {
	e.once.Do(func() { e.found, e.findErr = e.read(ctx) })
	return e.found, e.findErr
}

// read finds the role as it is now.
func (e *Ensure) read(ctx context.Context) (*Role, error) {
	named := e.Named
	if !whole(named) {
		named.Name = e.Spec.Name
	}
	return find(ctx, e.IAM, named, e.home)
}

func (e *Ensure) home(ctx context.Context) (irsa.RoleARN, error) { return home(ctx, e.Provider, e.STS) }

// is reports whether an ARN is that of the role, or will be once it is made.
func (e *Ensure) is(ctx context.Context, arn string) (bool, error) {
	found, err := e.Look(ctx)
	if err != nil {
		return false, err
	}
	return names(ctx, arn, found, irsa.RoleARN{Name: e.Spec.Name, Path: cmp.Or(e.Spec.Path, "/")}, e.home)
}

// Role is what is known of the role after the looks or the applies, nil where
// there is none.
func (e *Ensure) Role() *Role { return e.found }

// Created reports whether this run made the role: IAM may take some seconds
// until STS knows it.
func (e *Ensure) Created() bool { return e.created }

// Steps are the changes, in order.
func (e *Ensure) Steps() []plan.Step {
	name := e.Spec.Name
	var steps []plan.Step
	if !e.Existing {
		steps = append(steps, plan.Step{ID: StepRole, Title: "create the role " + name, Look: e.lookRole, Apply: e.create})
	}
	if len(e.Subjects) > 0 {
		steps = append(steps, plan.Step{
			ID: StepTrust, Title: "let the role " + name + " trust " + e.who(),
			Look: e.lookTrust, Apply: e.applyTrust,
		})
	}
	if e.Spec.Boundary != "" || e.Spec.MaxSession != 0 || len(e.Spec.Tags) > 0 {
		steps = append(steps, plan.Step{
			ID: StepSettings, Title: "set " + e.Spec.settings() + " of the role " + name, Look: e.lookSettings, Apply: e.applySettings,
		})
	}
	for i, arn := range e.Spec.PolicyARNs {
		steps = append(steps, plan.Step{
			ID: fmt.Sprintf("%s-%d", StepPolicy, i+1), Title: "attach " + arn + " to the role " + name,
			Look:  func(ctx context.Context) (plan.State, string, error) { return e.lookAttached(ctx, arn) },
			Apply: func(ctx context.Context) error { return e.attach(ctx, arn) },
		})
	}
	if e.Spec.Inline != nil {
		steps = append(steps, plan.Step{
			ID: StepInline, Title: "write the inline policy " + e.inlineName() + " of the role " + name,
			Look: e.lookInline, Apply: e.putInline,
		})
	}
	return steps
}

// who is trusted, in words short enough for a title.
func (e *Ensure) who() string {
	if n := len(e.Subjects); n > 2 {
		return fmt.Sprintf("%s and %d more", e.Subjects[0], n-1)
	}
	return strings.Join(e.Subjects, " and ")
}

func (e *Ensure) lookRole(ctx context.Context) (plan.State, string, error) {
	go e.Provider(ctx) //nolint:errcheck // it asks once: this only begins early
	found, err := e.Look(ctx)
	switch {
	case err != nil:
		return missed(err, e.Instead)
	case found == nil:
		return e.lookNew(ctx)
	case !found.Owned(e.Issuer) && !e.Foreign:
		return plan.Conflict, found.foreign() + "; to let it trust another ServiceAccount:\n" +
			"kubectl irsa role trust add " + found.Name + " --sa NAME -n NAMESPACE", nil
	case e.taken(found) != "":
		return plan.Conflict, e.taken(found), nil
	case e.Spec.Path != "" && e.Spec.Path != found.Path:
		return plan.Conflict, fmt.Sprintf("%s is there with the path %s, and a role's path cannot be changed", found.ARN, found.Path), nil
	case !found.Owned(e.Issuer):
		return plan.Done, found.foreign(), nil
	}
	return plan.Done, found.ARN, nil
}

// unknown is a look that failed, where this step is the first to tell: a cause
// that several steps share is told once.
func (e *Ensure) unknown(err error, first bool) (plan.State, string, error) {
	if first {
		return missed(err, e.Instead)
	}
	return plan.Needed, "", nil
}

// lookNew checks a role that is to be made as far as the provider is known.
func (e *Ensure) lookNew(ctx context.Context) (plan.State, string, error) {
	return e.withProvider(ctx, e.powerless(), func(provider string) (plan.State, string, error) {
		document, err := e.newTrust(provider)
		if err != nil {
			return plan.Conflict, err.Error(), nil
		}
		if refusal := tooLarge(nil, document); refusal != "" {
			return plan.Conflict, refusal, nil
		}
		return plan.Needed, e.powerless(), nil
	})
}

// withProvider is a look that takes the provider's ARN. Where an earlier step makes
// the provider the change is needed, with a detail.
func (e *Ensure) withProvider(ctx context.Context, unmade string, look func(provider string) (plan.State, string, error)) (plan.State, string, error) {
	provider, err := e.Provider(ctx)
	switch {
	case err != nil:
		return e.unknown(err, !e.NewProvider)
	case provider == "" && !e.NewProvider:
		return plan.Conflict, "the account has no OIDC provider of " + e.Issuer + "\nkubectl irsa provider create", nil
	case provider == "":
		return plan.Needed, unmade, nil
	}
	return look(provider)
}

// powerless says that a new role is given no policy, "" where it is.
func (e *Ensure) powerless() string {
	if len(e.Spec.PolicyARNs) > 0 || e.Spec.Inline != nil {
		return ""
	}
	return "it may do nothing yet: --policy-arn or --policy-file says what"
}

func (e *Ensure) trust(provider, subject string) trustpolicy.Trust {
	return trustpolicy.Trust{Provider: provider, Audience: e.Audience, Subject: subject}
}

// newTrust is the trust policy of a new role.
func (e *Ensure) newTrust(provider string) ([]byte, error) {
	if len(e.Subjects) == 0 {
		return nil, errors.New("a role needs somebody to trust: name a ServiceAccount")
	}
	document, err := trustpolicy.New(e.trust(provider, e.Subjects[0]))
	for _, subject := range e.Subjects[1:] {
		if err != nil {
			break
		}
		document, _, err = grown(document, e.trust(provider, subject), false)
	}
	return document, err
}

func (e *Ensure) create(ctx context.Context) error {
	provider, err := e.Provider(ctx)
	if err != nil {
		return err
	}
	document, err := e.newTrust(provider)
	if err != nil {
		return err
	}
	if refusal := tooLarge(nil, document); refusal != "" {
		return errors.New(refusal)
	}
	input := &iam.CreateRoleInput{
		RoleName: &e.Spec.Name, AssumeRolePolicyDocument: aws.String(string(document)), Tags: awsapi.IAMTags(irsa.Mark(e.Spec.Tags, e.Issuer)),
		Path: optional(e.Spec.Path), Description: optional(e.Spec.Description), PermissionsBoundary: optional(e.Spec.Boundary),
	}
	if e.Spec.MaxSession != 0 {
		input.MaxSessionDuration = aws.Int32(int32(e.Spec.MaxSession / time.Second))
	}
	out, err := e.IAM.CreateRole(ctx, input)
	switch awsapi.Code(err) {
	case "EntityAlreadyExists":
		return e.appeared(ctx)
	case "LimitExceeded":
		return hint.Wrap(awsapi.Brief(err), "the account's quota of roles is used up", "kubectl irsa get roles -A")
	}
	if err != nil {
		return awsapi.Denied(err, "iam:CreateRole and iam:TagRole")
	}
	if e.found, err = roleOf(out.Role); err != nil {
		return err
	}
	// What an answer leaves out is what was asked for.
	e.found.Trust, e.found.Tags, e.found.Boundary = document, irsa.Mark(e.Spec.Tags, e.Issuer), e.Spec.Boundary
	if e.Spec.MaxSession != 0 {
		e.found.MaxSession = e.Spec.MaxSession
	}
	e.created = true
	return nil
}

// appeared takes over a role that another run made since the look.
func (e *Ensure) appeared(ctx context.Context) error {
	found, err := e.read(ctx)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fmt.Errorf("IAM says that a role %s exists, and gives none of that name", e.Spec.Name)
	case !found.Owned(e.Issuer) && !e.Foreign:
		return fmt.Errorf("somebody else made a role %s meanwhile", found.ARN)
	case e.taken(found) != "":
		return errors.New(e.taken(found))
	}
	e.found, e.created = found, true
	return nil
}

func (e *Ensure) inlineName() string {
	if e.Spec.InlineName != "" {
		return e.Spec.InlineName
	}
	return InlinePolicy
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// lacking are the tags that a role does not have as they were asked for.
func lacking(have, want map[string]string) map[string]string {
	missing := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v, ok := have[k]; !ok || v != want[k] {
			missing[k] = want[k]
		}
	}
	return missing
}
