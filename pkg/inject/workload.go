package inject

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is a pod template in a document, or a Pod.
type template struct {
	kind, name  string
	namespace   string
	annotations map[string]string // the pod's
	spec        *yaml.Node        // the pod's
	own         bool              // no alias or anchor on the way to spec
}

func (t *template) account() Account {
	for _, key := range []string{"serviceAccountName", "serviceAccount"} {
		if name := text(t.spec, key); name != "" {
			return Account{t.namespace, name}
		}
	}
	return Account{t.namespace, "default"}
}

// templatePaths are the kinds that hold a pod, and where.
var templatePaths = map[string]struct {
	groups []string
	path   []string // to what has metadata and spec of a pod
}{
	"Pod":                   {[]string{""}, nil},
	"PodTemplate":           {[]string{""}, []string{"template"}},
	"ReplicationController": {[]string{""}, []string{"spec", "template"}},
	"Deployment":            {[]string{"apps", "extensions"}, []string{"spec", "template"}},
	"ReplicaSet":            {[]string{"apps", "extensions"}, []string{"spec", "template"}},
	"DaemonSet":             {[]string{"apps", "extensions"}, []string{"spec", "template"}},
	"StatefulSet":           {[]string{"apps"}, []string{"spec", "template"}},
	"Job":                   {[]string{"batch"}, []string{"spec", "template"}},
	"CronJob":               {[]string{"batch"}, []string{"spec", "jobTemplate", "spec", "template"}},
}

// mentions are words of which one stands in every document that matters here.
var mentions = [][]byte{
	[]byte("Pod"), []byte("ReplicationController"), []byte("Deployment"), []byte("ReplicaSet"), []byte("DaemonSet"),
	[]byte("StatefulSet"), []byte("Job"), []byte("List"), []byte("ServiceAccount"),
}

// matters reports whether a document has to be parsed at all.
func matters(document []byte) bool {
	if Blank(document) {
		return false
	}
	for _, word := range mentions {
		if bytes.Contains(document, word) {
			return true
		}
	}
	// A word can be written in escapes; few people do.
	return bytes.Contains(document, []byte(`\u`)) || bytes.Contains(document, []byte(`\x`))
}

func parse(document []byte) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("not a manifest: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return &root, nil
}

// objects walks the objects of a document, and those of Lists in it.
func objects(root *yaml.Node, visit func(object *yaml.Node, apiVersion, kind string, own bool)) {
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return
	}
	walkObject(root.Content[0], "", "", true, maxNested, visit)
}

// maxNested bounds how deep Lists hold Lists.
const maxNested = 8

func walkObject(n *yaml.Node, apiVersion, kind string, alone bool, depth int, visit func(*yaml.Node, string, string, bool)) {
	alone = alone && own(n)
	if n = follow(n); n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return
	}
	if k := text(n, "kind"); k != "" {
		apiVersion, kind = text(n, "apiVersion"), k
	}
	element, isList := strings.CutSuffix(kind, "List")
	list := at(n, "items")
	if !isList || list == nil || list.Kind != yaml.SequenceNode {
		visit(n, apiVersion, kind, alone)
		return
	}
	alone = alone && own(child(n, "items"))
	for _, item := range list.Content {
		walkObject(item, apiVersion, element, alone, depth-1, visit)
	}
}

// templates are the pods and pod templates of a document.
func templates(root *yaml.Node) []*template {
	var all []*template
	objects(root, func(n *yaml.Node, apiVersion, kind string, alone bool) {
		where, known := templatePaths[kind]
		group, _, grouped := strings.Cut(apiVersion, "/")
		if !grouped {
			group = ""
		}
		if !known || !contains(where.groups, group) {
			return
		}
		t := &template{kind: kind, name: text(n, "metadata", "name"), namespace: text(n, "metadata", "namespace"), own: alone}
		if t.name == "" {
			t.name = text(n, "metadata", "generateName")
		}
		pod := n
		for _, key := range where.path {
			t.own = t.own && own(child(pod, key))
			if pod = at(pod, key); pod == nil {
				return
			}
		}
		t.own = t.own && own(child(pod, "spec"))
		t.annotations, t.spec = texts(pod, "metadata", "annotations"), at(pod, "spec")
		if t.spec != nil && t.spec.Kind == yaml.MappingNode {
			all = append(all, t)
		}
	})
	return all
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// Found is what a document says and asks about ServiceAccounts.
type Found struct {
	Accounts map[Account]map[string]string // those it holds, with their annotations
	Users    []Account                     // those that its pods run as
}

// Look reads a document without changing it. The namespaces are "" where the
// document names none.
func Look(document []byte) (Found, error) {
	found := Found{Accounts: map[Account]map[string]string{}}
	if !matters(document) {
		return found, nil
	}
	root, err := parse(document)
	if err != nil {
		return found, err
	}
	objects(root, func(n *yaml.Node, apiVersion, kind string, _ bool) {
		if kind == "ServiceAccount" && apiVersion == "v1" {
			found.Accounts[Account{text(n, "metadata", "namespace"), text(n, "metadata", "name")}] = texts(n, "metadata", "annotations")
		}
	})
	for _, t := range templates(root) {
		found.Users = append(found.Users, t.account())
	}
	return found, nil
}
