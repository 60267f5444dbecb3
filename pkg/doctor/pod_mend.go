package doctor

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/inject"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/shell"
)

// maker is what makes a pod's like anew: the Deployment of one whose name says
// that it has one, DEPLOYMENT-HASH-SUFFIX; the StatefulSet or DaemonSet that owns
// it. Of other pods it is the pod itself.
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
func (w Workload) maker() Workload {
	hash := w.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	if name, _, found := strings.Cut(w.Name, "-"+hash+"-"); found && hash != "" && w.Kind == "Pod" {
		return Workload{Kind: "Deployment", Name: name}
	}
	if w.owner != nil && (w.owner.Kind == "StatefulSet" || w.owner.Kind == "DaemonSet") {
		return Workload{Kind: w.owner.Kind, Name: w.owner.Name}
	}
	return w
}

// remake is the line that makes a workload anew, as it was but for the edits,
// each a command between two pipes. What a pod's containers are given cannot be
// changed while it lives.
func (f Facts) remake(w Workload, edits ...string) string {
	w = w.maker()
	replace := "replace -f -"
	if w.Kind == "Pod" {
		replace = "replace --force -f -"
	}
	line := append([]string{f.kubectl("get %s %s -o yaml", strings.ToLower(w.Kind), w.Name)}, edits...)
	return strings.Join(append(line, f.kubectl("%s", replace)), " | ")
}

// restart makes a pod anew, as it was but for what the webhook adds, or inject in
// its place. Nobody else might make one that is only deleted.
func (f Facts) restart(w Workload) string {
	if made := w.maker(); made.Kind != "Pod" && len(f.injection()) == 0 {
		return f.kubectl("rollout restart %s %s", strings.ToLower(made.Kind), made.Name)
	}
	return f.remake(w, f.injection()...)
}

// altered makes a workload anew with another role or audience. What a webhook
// gave the pods of a Deployment is not in its template: it gives new ones theirs.
func (f Facts) altered(w Workload, edit string) string {
	if w.maker().Kind != w.Kind && len(f.injection()) == 0 {
		return f.restart(w)
	}
	return f.remake(w, edit)
}

// injection is the edit that stands in for a webhook, none where there is one. A
// container that brings a region keeps it.
func (f Facts) injection() []string {
	if f.Hooks.Err != nil || len(f.Hooks.Value) > 0 {
		return nil
	}
	return []string{f.kubectl("irsa inject -f - --region %s", shell.Word(f.podRegion()))}
}

// podRegion is the region for the SDKs of pods.
func (f Facts) podRegion() string { return cmp.Or(f.Region, f.Role.Value.Region()) }

// whole makes a workload anew without what it has of a role: neither webhook nor
// inject touches a container that has part of it.
func (f Facts) whole(w Workload, c part) string {
	return f.remake(w, append([]string{setEnv(c, envRole+"-", envFile+"-")}, f.injection()...)...)
}

// unskipped makes a workload anew without the annotation that leaves containers
// out.
func (f Facts) unskipped(w Workload) string {
	path := "/metadata/annotations/" + strings.ReplaceAll(irsa.AnnotationSkipContainers, "/", "~1")
	return f.remake(w, append([]string{operation(`{"op":"remove","path":"` + w.pointer(path) + `"}`)}, f.injection()...)...)
}

// without makes a workload anew without some variables of a container; "" where
// there are none.
func (f Facts) without(w Workload, c part, names []string) string {
	var settings []string
	for _, name := range names {
		if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }) {
			settings = append(settings, name+"-")
		}
	}
	if len(settings) == 0 {
		return ""
	}
	return f.remake(w, setEnv(c, settings...))
}

// inRegion makes a workload anew with a region for its SDKs.
func (f Facts) inRegion(w Workload, c part) string {
	return f.remake(w, setEnv(c, "AWS_REGION="+f.podRegion()))
}

// grouped makes a workload anew with the group that may read its token.
func (f Facts) grouped(w Workload) string {
	group := strconv.FormatInt(*w.Spec.SecurityContext.RunAsUser, 10)
	return f.remake(w, w.patched(`{"securityContext":{"fsGroup":`+group+`}}`))
}

// housed makes a workload anew with a home to write to.
func (f Facts) housed(w Workload, c part) string {
	list := "containers"
	if c.first {
		list = "initContainers"
	}
	return f.remake(w, w.patched(`{"volumes":[{"name":"irsa-home","emptyDir":{}}],"`+list+`":[{"name":`+quoted(c.Name)+
		`,"env":[{"name":"HOME","value":"/home/irsa"}],"volumeMounts":[{"name":"irsa-home","mountPath":"/home/irsa"}]}]}`))
}

// setEnv is the edit that sets variables of a container, NAME=VALUE, or takes
// them away, NAME-.
func setEnv(c part, settings ...string) string {
	return "kubectl set env --local -f - -o yaml -c " + shell.Word(c.Name) + " " + strings.Join(settings, " ")
}

// patched is the edit that merges something into a workload's pod.
func (w Workload) patched(spec string) string {
	text := `{"spec":` + spec + `}`
	if w.maker().Kind != "Pod" {
		text = `{"spec":{"template":` + text + `}}`
	}
	return patch(text, "")
}

// replaced is the edit that gives a value of a workload's pod another one.
func (w Workload) replaced(path, value string) string {
	return operation(`{"op":"replace","path":"` + w.pointer(path) + `","value":` + quoted(value) + `}`)
}

// added is the edit that gives a value of a workload's pod that has none.
func (w Workload) added(path, value string) string {
	return operation(`{"op":"add","path":"` + w.pointer(path) + `","value":` + quoted(value) + `}`)
}

// renewed makes a workload anew with the volume of its token mounted whole in place of
// the one file, in a folder of its own: it would hide what else is beside that file.
func (f Facts) renewed(w Workload, c part, m mount) string {
	at := w.pointer("/spec" + c.pointer + "/volumeMounts/" + strconv.Itoa(m.fixed-1))
	edits := []string{operation(`{"op":"remove","path":"` + at + `/subPath"},{"op":"replace","path":"` + at + `/mountPath","value":` + quoted(inject.MountPath) + `}`)}
	if file := path.Join(inject.MountPath, m.token.Path); file != m.file { // kubectl prints nothing where it sets nothing
		edits = append(edits, setEnv(c, envFile+"="+shell.Word(file)))
	}
	return f.remake(w, edits...)
}

// mendAll adds the lines that mend some workloads, each once.
func (f Facts) mendAll(r Result, workloads []Workload, line func(Workload) string) Result {
	for _, w := range workloads {
		r.Fix = once(r.Fix, line(w))
	}
	return r
}

// template reports whether a workload makes pods and is none.
func (w Workload) template() bool { return w.Kind != "Pod" }

// operation is the edit of a JSON patch, some steps (RFC 6902).
func operation(step string) string { return patch("["+step+"]", " --type=json") }

// pointer is a JSON pointer into a pod as one into the workload.
func (w Workload) pointer(path string) string {
	if w.maker().Kind != "Pod" {
		return "/spec/template" + path
	}
	return path
}

// quoted is a value as JSON; strings and maps of them can always be written.
func quoted(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

func patch(text, kind string) string {
	return "kubectl patch --local -f - -o yaml" + kind + " -p " + shell.Word(text)
}
