package inject

import (
	"encoding/csv"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// variable is one environment variable to add.
type variable struct{ name, value string }

// additions are what a pod lacks.
type additions struct {
	spec       *yaml.Node
	volume     *Identity // the projected token it needs, nil where it has one
	containers []lack
	own        bool // every text that changes stands in one place only
}

// lack is what a container lacks.
type lack struct {
	container *yaml.Node
	env       []variable
	mount     bool
}

func (a *additions) none() bool { return a.volume == nil && len(a.containers) == 0 }

// judge says what the webhook would add to a pod whose ServiceAccount has this
// identity, and what its author should know.
func (j *Injector) judge(t *template, id Identity) (additions, []string) {
	a := additions{spec: t.spec, own: t.own && own(child(t.spec, "volumes"))}
	var notes []string
	switch hasVolume(t.spec, id.Audience) {
	case volumeForeign:
		return additions{}, []string{fmt.Sprintf("has a volume %s that is no token for %s, and was left as it is", VolumeName, id.Audience)}
	case volumeMissing:
		id.TokenSeconds = tokenSeconds(t.annotations, id.TokenSeconds)
		a.volume = &id
	}
	skip := skipped(t.annotations)
	file := tokenFile(t.spec)
	for _, key := range []string{"initContainers", "containers"} {
		a.own = a.own && own(child(t.spec, key))
		for i, c := range items(at(t.spec, key)) {
			if skip[text(c, "name")] {
				continue
			}
			l, note := j.lacking(c, id, file)
			if note != "" {
				notes = append(notes, note)
			}
			if len(l.env) == 0 && !l.mount {
				continue
			}
			a.own = a.own && own(at(t.spec, key).Content[i]) && own(child(c, "env")) && own(child(c, "volumeMounts"))
			a.containers = append(a.containers, l)
		}
	}
	return a, notes
}

// lacking is what a container lacks. The webhook mounts no token where variables for
// role, region and STS's endpoints are all set; here it is mounted, since a role that
// is set is of no use without.
func (j *Injector) lacking(c *yaml.Node, id Identity, file string) (lack, string) {
	l := lack{container: c, mount: true}
	set := map[string]string{}
	for _, e := range items(at(c, "env")) {
		set[text(e, "name")] = text(e, "value")
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, ok := set[name]; ok {
				return true
			}
		}
		return false
	}
	if id.RegionalSTS && !has("AWS_STS_REGIONAL_ENDPOINTS") {
		l.env = append(l.env, variable{"AWS_STS_REGIONAL_ENDPOINTS", "regional"})
	}
	if j.Region != "" && !has("AWS_REGION", "AWS_DEFAULT_REGION") {
		l.env = append(l.env, variable{"AWS_DEFAULT_REGION", j.Region}, variable{"AWS_REGION", j.Region})
	}
	if !has("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") {
		l.env = append(l.env, variable{"AWS_ROLE_ARN", id.RoleARN}, variable{"AWS_WEB_IDENTITY_TOKEN_FILE", file})
	}
	for _, m := range items(at(c, "volumeMounts")) {
		// A second mount at one path would be refused by the API server.
		if text(m, "name") == VolumeName || path.Clean("/"+text(m, "mountPath")) == MountPath {
			l.mount = false
		}
	}
	return l, conflicting(text(c, "name"), set, id)
}

// conflicting says what a user's own variables make of the role.
func conflicting(container string, set map[string]string, id Identity) string {
	role, hasRole := set["AWS_ROLE_ARN"]
	_, hasFile := set["AWS_WEB_IDENTITY_TOKEN_FILE"]
	switch {
	case hasRole && !hasFile:
		return fmt.Sprintf("container %s sets AWS_ROLE_ARN and no AWS_WEB_IDENTITY_TOKEN_FILE, so neither was added", container)
	case hasFile && !hasRole:
		return fmt.Sprintf("container %s sets AWS_WEB_IDENTITY_TOKEN_FILE and no AWS_ROLE_ARN, so neither was added", container)
	case hasRole && role != id.RoleARN && role != "":
		return fmt.Sprintf("container %s keeps its AWS_ROLE_ARN %s", container, role)
	}
	return ""
}

type volumeState int

const (
	volumeMissing volumeState = iota
	volumePresent
	volumeForeign
)

func hasVolume(spec *yaml.Node, audience string) volumeState {
	for _, v := range items(at(spec, "volumes")) {
		if text(v, "name") != VolumeName {
			continue
		}
		for _, s := range items(at(v, "projected", "sources")) {
			if token := at(s, "serviceAccountToken"); token != nil && text(token, "audience") == audience && text(token, "path") == TokenPath {
				return volumePresent
			}
		}
		return volumeForeign
	}
	return volumeMissing
}

// skipped are the containers that a pod keeps to itself. What is no list of
// names skips none.
func skipped(annotations map[string]string) map[string]bool {
	names, err := csv.NewReader(strings.NewReader(annotations[irsa.AnnotationSkipContainers])).Read()
	if err != nil {
		return nil
	}
	skip := map[string]bool{}
	for _, name := range names {
		skip[name] = true
	}
	return skip
}

// tokenFile is where a container finds the token: on Windows nodes the same
// path in their spelling.
func tokenFile(spec *yaml.Node) string {
	file := MountPath + "/" + TokenPath
	nodes := texts(spec, "nodeSelector")
	if nodes["kubernetes.io/os"] == "windows" || nodes["beta.kubernetes.io/os"] == "windows" {
		return "C:" + strings.ReplaceAll(file, "/", `\`)
	}
	return file
}
