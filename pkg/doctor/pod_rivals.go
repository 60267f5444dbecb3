package doctor

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
)

func podsUnrivalled(f Facts) Result {
	if r, none := f.noPods(); none {
		return r
	}
	var found []podFault
	for _, w := range f.workloads() {
		for _, c := range w.containers() {
			x := podFault{of: w, container: c.Name, cause: "POD4"}
			rivals, files, sources := rivalsOf(c.Container), filesOf(c.Container), unreadOf(c.Container)
			switch {
			case len(rivals) > 0:
				x.status, x.what, x.fix = check.Fail, "the role loses to "+list(rivals), f.without(w, c, rivals)
			case len(files) > 0:
				x.status, x.what = check.Warn, "credentials in "+list(files)+" come before the role in some SDKs, such as that for JavaScript"
			case len(sources) > 0:
				x.status, x.what = check.Unknown, "the variables of "+list(sources)+" were not read"
			default:
				continue
			}
			found = append(found, x)
		}
	}
	if len(found) == 0 {
		return pass("")
	}
	return f.report(found)
}

// rivalVariables are those that an SDK asks before a web identity:
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html.
var rivalVariables = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"}

// rivalsOf are the variables of a container that every SDK asks first; names
// only, never values. One that is empty is not asked.
func rivalsOf(c *corev1.Container) []string {
	var rivals []string
	for _, v := range c.Env {
		if slices.Contains(rivalVariables, v.Name) && (v.Value != "" || v.ValueFrom != nil) {
			rivals = append(rivals, v.Name)
		}
	}
	return rivals
}

// filesOf are the files of profiles that a container may have: only some SDKs
// ask them before a web identity.
func filesOf(c *corev1.Container) []string {
	var files []string
	for _, v := range c.Env {
		if v.Name == "AWS_SHARED_CREDENTIALS_FILE" && (v.Value != "" || v.ValueFrom != nil) {
			files = append(files, "the file of "+v.Name)
		}
	}
	for _, m := range c.VolumeMounts {
		if strings.HasSuffix(strings.TrimSuffix(m.MountPath, "/"), "/.aws") || strings.Contains(m.MountPath, "/.aws/") {
			files = append(files, "the volume at "+m.MountPath)
		}
	}
	return files
}

// unreadOf are the Secrets and ConfigMaps that may give a container variables
// that an SDK asks first: what is in them is nobody's business here.
func unreadOf(c *corev1.Container) []string {
	var sources []string
	for _, source := range c.EnvFrom {
		if !slices.ContainsFunc(rivalVariables, func(name string) bool { return strings.HasPrefix(name, source.Prefix) }) {
			continue
		}
		switch {
		case source.SecretRef != nil:
			sources = append(sources, "Secret "+source.SecretRef.Name)
		case source.ConfigMapRef != nil:
			sources = append(sources, "ConfigMap "+source.ConfigMapRef.Name)
		}
	}
	return sources
}
