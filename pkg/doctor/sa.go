package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
		if f.Workload != nil {
			r = either(r, f.runAs(f.Near)...)
		}
		return either(r, f.kubectl("create serviceaccount %s", f.ServiceAccount))
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
	if near, value := nearAnnotation(f.Account.Value.Annotations); near != "" {
		r := compared(fail("SA1", "it has an annotation that is almost the right one"), check.Compare("expected", irsa.AnnotationRoleARN, "actual", near))
		return fixed(r, f.annotate(value))
	}
	if of, role := f.misplaced(); of != "" {
		return fixed(fail("SA1", "%s has the annotation %s, which counts on the ServiceAccount alone", of, irsa.AnnotationRoleARN), f.annotate(role))
	}
	return f.withRole(fail("SA1", "it has no annotation %s", irsa.AnnotationRoleARN), "")
}

// annotate is the line that has the ServiceAccount name a role.
func (f Facts) annotate(role string) string {
	return f.kubectl("annotate serviceaccount %s --overwrite %s=%s", f.ServiceAccount, irsa.AnnotationRoleARN, shell.Word(role))
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
	return either(r, f.runAs(f.Annotated.Value)...)
}

// runAs are the lines that have a workload run as one of some ServiceAccounts. A
// pod has to be made anew for that.
func (f Facts) runAs(names []string) (lines []string) {
	w := f.Workload.maker()
	for _, name := range names[:min(len(names), mostOffered)] {
		if w.template() {
			lines = append(lines, f.kubectl("set serviceaccount %s %s %s", strings.ToLower(w.Kind), w.Name, name))
			continue
		}
		lines = append(lines, f.remake(w, "kubectl set serviceaccount --local -f - "+name+" -o yaml"))
	}
	return lines
}

// misplaced is the role that a pod, or what makes pods, names in an annotation:
// the webhook reads those of ServiceAccounts alone.
func (f Facts) misplaced() (of, role string) {
	for _, w := range f.workloads() {
		for _, annotations := range []map[string]string{w.Annotations, w.Outer} {
			if role := annotations[irsa.AnnotationRoleARN]; role != "" {
				return strings.ToLower(w.Kind) + "/" + w.Name, role
			}
		}
	}
	return "", ""
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
	r := fail("ROLE9", "%s", strings.TrimPrefix(f.Role.Err.Error(), fmt.Sprintf("role ARN %q: ", f.RoleText))) // it stands at the head of a report
	if repaired := repairARN(f.RoleText); repaired != "" {
		r.Compare = check.Compare("expected", repaired, "actual", f.RoleText)
		return fixed(r, f.useRole(repaired))
	}
	if meant := f.meant(""); len(meant) > 0 && strings.HasPrefix(f.RoleText, "arn:") {
		r.Compare = check.Compare("IAM", meant[0].arn, "used", f.RoleText)
	} else if i := strings.IndexFunc(f.RoleText, func(c rune) bool { return c > unicode.MaxASCII }); i >= 0 {
		strange, _ := utf8.DecodeRuneInString(f.RoleText[i:])
		r.Detail += fmt.Sprintf("\nits %q is %U: no letter of an ARN, whatever it looks like", strange, strange)
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

// repairARN is the role that was meant, where only what stands around it is
// wrong: blanks, quotes and what does not print, a slash at the end, a region, or
// the case of the words that every such ARN has.
func repairARN(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Quotation_Mark, r) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	parts := strings.SplitN(strings.TrimRight(clean, "/"), ":", 6)
	if len(parts) != 6 {
		return ""
	}
	for i := range 3 {
		parts[i] = strings.ToLower(parts[i])
	}
	parts[3] = ""
	if kind, rest, ok := strings.Cut(parts[5], "/"); ok && strings.EqualFold(kind, "role") {
		parts[5] = "role/" + rest
	}
	if role, err := irsa.ParseRoleARN(strings.Join(parts, ":"), irsa.TwelveDigits); err == nil {
		return role.String()
	}
	return ""
}
