package doctor

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// mount is what a container has of IAM roles for ServiceAccounts.
type mount struct {
	role, file, region string
	token              *corev1.ServiceAccountTokenProjection // that file leads to, nil where it leads to none
	source             string                                // JSON pointer of that token in the pod's spec
	fixed              int                                   // 1 + the index of the mount, where it is one of the file alone: such a file is never renewed
	near               string                                // the file of a token for AWS that is mounted, where file leads to none
	container          bool                                  // container credentials: EKS Pod Identity
}

func (m mount) complete() bool { return m.role != "" && m.file != "" && m.audience() != "" }

// none reports whether a container has nothing of a role.
func (m mount) none() bool { return m.role == "" && m.file == "" && !m.container }

// audience is that of the token, "" where there is none, or it is one for the
// API server.
func (m mount) audience() string {
	if m.token == nil {
		return ""
	}
	return m.token.Audience
}

// The variables that an SDK reads for web identities:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html.
const (
	envRole = "AWS_ROLE_ARN"
	envFile = "AWS_WEB_IDENTITY_TOKEN_FILE"
)

// injected looks at one container of a pod.
func injected(spec corev1.PodSpec, c *corev1.Container) mount {
	m := mount{}
	for _, v := range c.Env {
		value := v.Value
		if value == "" && v.ValueFrom != nil {
			value = "$" + v.Name
		}
		switch v.Name {
		case envRole:
			m.role = value
		case envFile:
			m.file = value
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			m.region = value
		case "AWS_CONTAINER_CREDENTIALS_FULL_URI":
			m.container = true
		}
	}
	for i, vm := range c.VolumeMounts {
		for _, t := range tokensOf(spec, vm.Name) {
			m.lead(t, vm, i)
		}
	}
	return m
}

// lead sees whether a token that is mounted is the one that the variable means.
func (m *mount) lead(t projected, vm corev1.VolumeMount, index int) {
	at, alone := path.Join(slashed(vm.MountPath), t.token.Path), 0
	if vm.SubPath != "" {
		if path.Clean(vm.SubPath) != path.Clean(t.token.Path) {
			return
		}
		at, alone = slashed(vm.MountPath), 1+index
	}
	switch {
	case path.Clean(slashed(m.file)) == path.Clean(at) && m.file != "":
		m.token, m.source, m.fixed = t.token, t.source, alone
	case m.near == "" && t.token.Audience != "":
		m.near = at
	}
}

// slashed is a path without what it has on Windows: the variable says
// C:\var\run\..., and the mount path has no drive.
func slashed(file string) string {
	return strings.ReplaceAll(strings.TrimPrefix(file, "C:"), `\`, "/")
}

// projected is a token of a volume, and the JSON pointer to it in the pod's spec.
type projected struct {
	token  *corev1.ServiceAccountTokenProjection
	source string
}

func tokensOf(spec corev1.PodSpec, volume string) (tokens []projected) {
	for i, v := range spec.Volumes {
		if v.Name != volume || v.Projected == nil {
			continue
		}
		for j, source := range v.Projected.Sources {
			if source.ServiceAccountToken != nil {
				tokens = append(tokens, projected{source.ServiceAccountToken, fmt.Sprintf("/volumes/%d/projected/sources/%d/serviceAccountToken", i, j)})
			}
		}
	}
	return tokens
}

// containers are those of a pod, the ones that come first last: what is wrong
// with those that stay weighs more.
func (w *Workload) containers() []part {
	var all []part
	for i := range w.Spec.Containers {
		all = append(all, part{&w.Spec.Containers[i], fmt.Sprintf("/containers/%d", i), false})
	}
	for i := range w.Spec.InitContainers {
		all = append(all, part{&w.Spec.InitContainers[i], fmt.Sprintf("/initContainers/%d", i), true})
	}
	return all
}

// part is a container of a pod.
type part struct {
	*corev1.Container
	pointer string // into the pod's spec
	first   bool   // it is an init container
}

// given reports whether a container of the pod has its token.
func (w *Workload) given() bool {
	return slices.ContainsFunc(w.containers(), func(c part) bool { return injected(w.Spec, c.Container).complete() })
}
