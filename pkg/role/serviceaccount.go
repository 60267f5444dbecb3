package role

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubeapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// The IDs of the steps on a ServiceAccount.
const (
	StepAnnotate   = "serviceaccount"
	StepUnannotate = "serviceaccount-unbind"
)

// Accounts is the part of the Kubernetes API that binding reads and writes.
type Accounts interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.ServiceAccount, error)
	Create(ctx context.Context, account *corev1.ServiceAccount, opts metav1.CreateOptions) (*corev1.ServiceAccount, error)
	Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (*corev1.ServiceAccount, error)
}

// An Account is a ServiceAccount that is looked at once.
type Account struct {
	Accounts        Accounts
	Namespace, Name string

	once    sync.Once
	found   *corev1.ServiceAccount
	findErr error
}

// Look reads the ServiceAccount; nil where there is none.
func (a *Account) Look(ctx context.Context) (*corev1.ServiceAccount, error) {
	a.once.Do(func() {
		a.found, a.findErr = a.Accounts.Get(ctx, a.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(a.findErr) {
			a.found, a.findErr = nil, nil
		}
		if a.findErr != nil {
			a.findErr = fmt.Errorf("reading serviceaccount %s/%s: %w", a.Namespace, a.Name, a.findErr)
		}
	})
	return a.found, a.findErr
}

// Annotate writes a role, and an audience that is not the default, on a
// ServiceAccount, which is created where it is missing.
type Annotate struct {
	Account   *Account
	Role      *Ensure
	Audience  string
	Overwrite bool // replace annotations that say otherwise
}

// Step writes the annotations.
func (a *Annotate) Step() plan.Step {
	return plan.Step{
		ID: StepAnnotate, Title: "annotate the serviceaccount " + a.Account.Namespace + "/" + a.Account.Name + " with the role",
		Look:  a.look,
		Apply: func(ctx context.Context) error { return a.write(ctx, nil) },
		Try:   func(ctx context.Context) error { return a.write(ctx, []string{metav1.DryRunAll}) },
	}
}

func (a *Annotate) look(ctx context.Context) (plan.State, string, error) {
	found, err := a.Account.Look(ctx)
	if err != nil {
		return plan.Unknown, "", err
	}
	target, err := a.Role.Look(ctx)
	switch {
	case err != nil:
		return a.Role.unknown(err, a.Role.Existing)
	case target == nil && a.Role.Existing:
		return plan.Conflict, "the account has no role " + a.Role.Spec.Name, nil
	case found == nil:
		return plan.Needed, "it is created", nil
	}
	arn, audience := found.Annotations[irsa.AnnotationRoleARN], cmp.Or(found.Annotations[irsa.AnnotationAudience], irsa.DefaultAudience)
	same := arn == ""
	if !same {
		same, err = a.Role.is(ctx, arn)
	}
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case !same && !a.Overwrite:
		return plan.Conflict, "it names the role " + arn + "; --overwrite replaces it", nil
	case arn != "" && audience != a.Audience && !a.Overwrite:
		return plan.Conflict, "it asks for the audience " + audience + ", not " + a.Audience + "; --overwrite replaces it", nil
	case !same:
		return plan.Needed, "in place of " + arn, nil
	case target != nil && arn != "" && audience == a.Audience:
		return plan.Done, "", nil
	}
	return plan.Needed, "", nil
}

func (a *Annotate) write(ctx context.Context, dryRun []string) error {
	found, err := a.Account.Look(ctx)
	if err != nil {
		return err
	}
	arn := "arn:aws:iam::000000000000:role/" + a.Role.Spec.Name // a dry run makes no role
	switch role := a.Role.Role(); {
	case role != nil:
		arn = role.ARN
	case dryRun == nil:
		return fmt.Errorf("the role %s was not made", a.Role.Spec.Name)
	}
	annotations := map[string]any{irsa.AnnotationRoleARN: arn, irsa.AnnotationOwned: "role-arn"}
	if a.Audience != irsa.DefaultAudience {
		annotations[irsa.AnnotationAudience], annotations[irsa.AnnotationOwned] = a.Audience, "role-arn,audience"
	} else if found != nil && found.Annotations[irsa.AnnotationAudience] != "" {
		annotations[irsa.AnnotationAudience] = nil
	}
	if found == nil {
		done, err := a.create(ctx, annotations, dryRun)
		if done || err != nil {
			return err
		}
	}
	return a.Account.patch(ctx, annotations, dryRun)
}

// create makes the ServiceAccount; false where somebody else did meanwhile.
func (a *Annotate) create(ctx context.Context, annotations map[string]any, dryRun []string) (bool, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: a.Account.Name, Annotations: map[string]string{}}}
	for k, v := range annotations {
		account.Annotations[k] = v.(string)
	}
	_, err := a.Account.Accounts.Create(ctx, account, metav1.CreateOptions{FieldManager: kubeapi.FieldManager, DryRun: dryRun})
	switch {
	case apierrors.IsAlreadyExists(err):
		return false, nil
	case apierrors.IsNotFound(err):
		return true, hint.Wrap(err, "kubectl create namespace "+a.Account.Namespace)
	}
	return true, err
}

func (a *Account) patch(ctx context.Context, annotations map[string]any, dryRun []string) error {
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err != nil {
		return err
	}
	_, err = a.Accounts.Patch(ctx, a.Name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: kubeapi.FieldManager, DryRun: dryRun})
	return err
}

// Unannotate removes the annotations that binding wrote.
type Unannotate struct {
	Account *Account
	Role    *Untrust
}

// Step removes them.
func (u *Unannotate) Step() plan.Step {
	return plan.Step{
		ID: StepUnannotate, Title: "remove the role from the serviceaccount " + u.Account.Namespace + "/" + u.Account.Name, Removes: true,
		Look:  u.look,
		Apply: func(ctx context.Context) error { return u.write(ctx, nil) },
		Try:   func(ctx context.Context) error { return u.write(ctx, []string{metav1.DryRunAll}) },
	}
}

func (u *Unannotate) look(ctx context.Context) (plan.State, string, error) {
	found, err := u.Account.Look(ctx)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case found == nil:
		return plan.Done, "there is no such serviceaccount", nil
	}
	arn := found.Annotations[irsa.AnnotationRoleARN]
	same, err := u.Role.is(ctx, arn)
	switch {
	case err != nil:
		return plan.Needed, arn, nil // the step on the role says what is amiss
	case arn == "" && found.Annotations[irsa.AnnotationOwned] == "":
		return plan.Done, "it names none", nil
	case arn != "" && !same:
		return plan.Done, "it names another role: " + arn, nil
	case !slices.Contains(owned(found), "role-arn"):
		return plan.Done, "its annotation was not written by kubectl irsa and stays:\n" +
			fmt.Sprintf("kubectl annotate sa %s -n %s %s-", u.Account.Name, u.Account.Namespace, irsa.AnnotationRoleARN), nil
	}
	return plan.Needed, arn, nil
}

func owned(account *corev1.ServiceAccount) []string {
	return strings.Split(account.Annotations[irsa.AnnotationOwned], ",")
}

func (u *Unannotate) write(ctx context.Context, dryRun []string) error {
	gone := map[string]any{irsa.AnnotationRoleARN: nil, irsa.AnnotationOwned: nil}
	if slices.Contains(owned(u.Account.found), "audience") {
		gone[irsa.AnnotationAudience] = nil
	}
	err := u.Account.patch(ctx, gone, dryRun)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
