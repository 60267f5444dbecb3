package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// linkAccount is the link of the checks in this file.
const linkAccount = "ServiceAccount"

func accountChecks() []Check {
	return []Check{
		{ID: "serviceaccount-exists", Link: linkAccount, Title: "the ServiceAccount exists", Run: accountExists},
		{ID: "role-annotated", Link: linkAccount, Title: "its role is known", Needs: []string{"serviceaccount-exists"}, Run: roleAnnotated},
		{ID: "role-arn-valid", Link: linkAccount, Title: "the role's ARN is well formed", Needs: []string{"role-annotated"}, Run: roleARNValid},
	}
}

func accountExists(f Facts) Result {
	switch {
	case f.Account.Err == nil:
		return pass("%s/%s", f.Namespace, f.ServiceAccount)
	case apierrors.IsNotFound(f.Account.Err):
		r := fail("SA1", "there is no ServiceAccount %s in namespace %s", f.ServiceAccount, f.Namespace)
		if len(f.Near) > 0 {
			r.Detail += "; there is " + list(f.Near)
		}
		return fixed(r, f.kubectl("create serviceaccount %s", f.ServiceAccount))
	}
	return unread("the ServiceAccount", f.Account.Err)
}

func roleAnnotated(f Facts) Result {
	if f.RoleFromFlag {
		return pass("%s, by --role-arn", f.RoleText)
	}
	if f.RoleFromPod {
		return pass("%s, by the pod's %s", f.RoleText, envRole)
	}
	if f.Account.Err != nil {
		return unknown("the ServiceAccount could not be read; name the role with --role-arn")
	}
	if f.RoleText != "" {
		return pass("%s", f.RoleText)
	}
	if f.forgotten() && len(f.Annotated.Value) > 0 {
		return f.otherAccount()
	}
	near, value := nearAnnotation(f.Account.Value.Annotations)
	annotate := fmt.Sprintf("annotate serviceaccount %s --overwrite %s=", f.ServiceAccount, irsa.AnnotationRoleARN)
	if near == "" {
		r := fail("SA1", "it has no annotation %s", irsa.AnnotationRoleARN)
		return f.withRole(r, "")
	}
	r := fail("SA1", "it has an annotation that is almost the right one")
	r.Compare = check.Compare("expected", irsa.AnnotationRoleARN, "actual", near)
	return fixed(r, f.kubectl("%s%s", annotate, shell.Word(value)))
}

// defaultAccount is the ServiceAccount of pods that ask for none.
const defaultAccount = "default"

// forgotten reports whether a workload runs as the ServiceAccount of pods that ask
// for none, and that one names no role: another may be meant.
func (f Facts) forgotten() bool {
	return f.Workload != nil && f.ServiceAccount == defaultAccount && f.RoleText == ""
}

// mostOffered is how many ServiceAccounts are offered at most.
const mostOffered = 3

// otherAccount asks whether a workload's ServiceAccount was forgotten.
func (f Facts) otherAccount() Result {
	r := fail("SA1", "its pods run as ServiceAccount %s, which names no role: is serviceAccountName missing? In namespace %s a role is named by %s",
		defaultAccount, f.Namespace, few(f.Annotated.Value, 5))
	w := f.Workload.maker()
	if w.Kind == "Pod" {
		return r // its ServiceAccount cannot be changed
	}
	for _, name := range f.Annotated.Value[:min(len(f.Annotated.Value), mostOffered)] {
		r = either(r, f.kubectl("set serviceaccount %s %s %s", strings.ToLower(w.Kind), w.Name, name))
	}
	return r
}

// nearAnnotation is an annotation whose key is a slip away from the right one,
// or whose value is a role under a wrong key.
func nearAnnotation(annotations map[string]string) (key, value string) {
	var keys []string
	for k := range annotations {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if hint.Distance(strings.ToLower(k), irsa.AnnotationRoleARN) <= 6 {
			return k, annotations[k]
		}
	}
	for _, k := range keys {
		if strings.HasPrefix(annotations[k], "arn:") && strings.Contains(annotations[k], ":role/") {
			return k, annotations[k]
		}
	}
	return "", ""
}

func roleARNValid(f Facts) Result {
	switch {
	case errors.Is(f.Role.Err, ErrNeedsRole):
		return unknown("%v", f.Role.Err)
	case f.Role.Err == nil:
		if partition := irsa.PartitionOf(f.Region); f.Region != "" && !f.AnyAccount && partition != f.Role.Value.Partition {
			own := f.Role.Value
			own.Partition = partition
			r := fail("SA2", "region %s belongs to partition %s, the role to %s", f.Region, partition, f.Role.Value.Partition)
			return fixed(compared(r, check.Compare("perhaps", own.String(), "used", f.RoleText)), f.useRole(own.String()))
		}
		return pass("account %s", f.Role.Value.Account)
	}
	r := fail("ROLE9", "%v", f.Role.Err)
	if repaired := repairARN(f.RoleText); repaired != "" {
		r.Compare = check.Compare("expected", repaired, "actual", f.RoleText)
		return fixed(r, f.useRole(repaired))
	}
	return f.withRole(r, f.RoleText)
}

// withRole adds how the ServiceAccount gets a role.
func (f Facts) withRole(r Result, text string) Result {
	about, lines := f.nameRole(text)
	if about != "" {
		r.Detail += "\n" + about
	}
	return either(r, lines...)
}

// repairARN is the role that was meant, where only blanks or quotes are wrong.
func repairARN(text string) string {
	clean := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("\"' \t\r\n", r) }), "")
	if role, err := irsa.ParseRoleARN(clean, false); err == nil {
		return role.String()
	}
	return ""
}
