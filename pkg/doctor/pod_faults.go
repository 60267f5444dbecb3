package doctor

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

func podsInjected(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		given := w.given()
		for _, c := range w.containers() {
			if x := f.faultOf(w, c, given); x.what != "" {
				x.of, x.container = w, c.Name
				found = append(found, x)
			}
		}
	}
	if len(found) == 0 {
		return pass("%d looked at", len(f.workloads()))
	}
	return f.report(found)
}

// podFault is what is wrong with one container, or with a pod as a whole.
type podFault struct {
	of          Workload
	container   string
	status      check.Status
	cause, what string
	compare     *check.Comparison // two strings that ought to be equal, nil where none do not
	fix         string            // the line that mends it, "" where none does
}

// faultOf is what keeps a container from its role; given says that another one
// of the pod has it.
func (f Facts) faultOf(w Workload, c part, given bool) podFault {
	m := injected(w.Spec, c.Container)
	fault := func(cause, fix, format string, args ...any) podFault {
		return podFault{status: check.Fail, cause: cause, what: fmt.Sprintf(format, args...), fix: fix}
	}
	differs := func(x podFault, whose, expected, actual string) podFault {
		x.compare = check.Compare(whose, expected, strings.ToLower(w.Kind), actual)
		return x
	}
	switch {
	case m.complete() && m.role != f.RoleText && !strings.HasPrefix(m.role, "$") && f.RoleText != "":
		whose := linkAccount
		if f.RoleFromFlag {
			whose = "--role-arn"
		}
		return differs(fault("POD1", f.altered(w, setEnv(c, envRole+"="+shell.Word(f.RoleText))), "it has another role"), whose, f.RoleText, m.role)
	case m.complete() && m.audience() != f.WantedAudience:
		return differs(fault("PROV3", f.altered(w, w.replaced("/spec"+m.source+"/audience", f.WantedAudience)), "its token is for another audience"), "wanted", f.WantedAudience, m.audience())
	case m.complete():
		return podFault{}
	case m.container:
		return fault("POD12", f.associations(), "it has EKS Pod Identity's credentials in place of the role")
	case leftOut(w.Annotations, c.Container):
		x := fault("POD3", f.unskipped(w), "left out by the annotation %s", irsa.AnnotationSkipContainers)
		x.status = check.Warn
		return x
	case m.none():
		return f.bare(w, c, given)
	case m.file == "":
		return fault("POD6", f.whole(w, c), "%s is set and %s is not", envRole, envFile)
	case m.role == "":
		return fault("POD6", f.whole(w, c), "%s is set and %s is not", envFile, envRole)
	case m.token != nil && strings.HasPrefix(path.Clean(slashed(m.file)), apiToken):
		return fault("PROV3", f.whole(w, c), "%s leads to the token for the API server, which AWS refuses", envFile)
	case m.token != nil:
		return fault("PROV3", f.altered(w, w.added("/spec"+m.source+"/audience", f.WantedAudience)), "its token is for the API server: the volume asks for no audience")
	case m.near != "":
		return differs(fault("POD3", f.altered(w, setEnv(c, envFile+"="+shell.Word(m.near))), "%s leads past the token", envFile), "mounted", m.near, m.file)
	}
	return fault("POD3", f.whole(w, c), "%s leads to %s, where no token is mounted", envFile, m.file)
}

// apiToken is where every pod has a token for the API server:
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/.
const apiToken = "/var/run/secrets/kubernetes.io/serviceaccount/"

// bare is what is wrong with a container that has nothing of the role. Where
// others of its pod have it, another webhook may have added this one later: it
// need not ask AWS for anything.
func (f Facts) bare(w Workload, c part, given bool) podFault {
	without := len(f.injection()) > 0
	x := podFault{status: check.Fail, cause: f.notInjected(w), what: "it has neither the token nor the role", fix: f.restart(w)}
	switch {
	case c.first && !given:
		return podFault{} // the others say so
	case w.template() && f.Hooks.Err != nil:
		x.status, x.cause, x.fix = check.Unknown, "", ""
		x.what += ", and whether a webhook gives them to its pods was not seen"
	case w.template() && !without:
		return podFault{} // it gets its token when its pods are made
	case given && !without:
		x.status, x.cause, x.fix = check.Warn, "POD3", ""
		x.what += ", which the pod's others have: added by another webhook? It cannot call AWS"
	case c.first:
		x.status = check.Warn
	}
	return x
}

// notInjected tells why a pod was left as it was.
func (f Facts) notInjected(w Workload) string {
	if f.Hooks.Err == nil && len(f.Hooks.Value) == 0 {
		return "POD2"
	}
	if f.Account.Err == nil && f.Account.Value != nil {
		if age := w.Created.Sub(f.Account.Value.CreationTimestamp.Time); age >= 0 && age.Seconds() < 5 {
			return "POD13"
		}
	}
	return "POD1"
}

// associations is the line that lists what gives a pod other credentials:
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html.
func (f Facts) associations() string {
	return "aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace " + f.Namespace + " --service-account " + f.ServiceAccount + f.Paste.CLI
}

// What a report tells at most.
const (
	mostFaults = 5
	mostMended = 5
)

// report tells each fault once for all pods of one maker, and every line that
// mends one of the worst.
func (f Facts) report(found []podFault) Result {
	worst, alike := found[0], map[string]int{}
	var kept []podFault
	for _, x := range found {
		if severity(x.status) > severity(worst.status) {
			worst = x
		}
		if alike[x.key()]++; alike[x.key()] == 1 {
			kept = append(kept, x)
		}
	}
	r := Result{Status: worst.status, Cause: worst.cause}
	var details []string
	for _, x := range kept {
		text := x.where(alike[x.key()]) + ": " + x.what
		if c := x.compare; c != nil && len(kept) > 1 {
			text += ": " + c.Actual + ", not " + c.Expected
		}
		details = append(details, text)
	}
	if len(kept) == 1 {
		r.Compare = worst.compare
	}
	if n := len(details) - mostFaults; n > 0 {
		details = append(details[:mostFaults], fmt.Sprintf("and %d more", n))
	}
	r.Detail = strings.Join(details, "\n")
	if worst.status == check.Unknown {
		r.Cause = "" // nothing was found
		return r
	}
	for _, x := range found {
		if x.status == worst.status {
			r.Fix = once(r.Fix, x.fix)
		}
	}
	return r
}

// once adds a line to those that mend, unless it is among them or they are many.
func once(lines []string, line string) []string {
	if line == "" || len(lines) == mostMended || slices.Contains(lines, line) {
		return lines
	}
	return append(lines, line)
}

// key is the same for faults that are told together.
func (x podFault) key() string {
	made, actual := x.of.maker(), ""
	if x.compare != nil {
		actual = x.compare.Actual
	}
	return strings.Join([]string{made.Kind, made.Name, x.container, x.what, actual}, "\n")
}

// where is the container of one pod, or of several of one maker.
func (x podFault) where(pods int) string {
	at := strings.ToLower(x.of.Kind) + "/" + x.of.Name
	if made := x.of.maker(); pods > 1 {
		at = fmt.Sprintf("%d pods of %s/%s", pods, strings.ToLower(made.Kind), made.Name)
	}
	if x.container != "" {
		at += ", container " + x.container
	}
	return at
}

// severity orders what a podFault can be.
func severity(s check.Status) int {
	return slices.Index([]check.Status{check.Unknown, check.Warn, check.Fail}, s)
}
