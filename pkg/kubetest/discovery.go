package kubetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// discoveryOf is the API's description of itself below a path, in the form that
// clients without aggregated discovery read; empty for a path that is none.
func discoveryOf(path string) string {
	if path == "/apis" {
		return groups()
	}
	group, version := "", ""
	switch parts := strings.Split(strings.Trim(path, "/"), "/"); {
	case len(parts) == 2 && parts[0] == "api":
		version = parts[1]
	case len(parts) == 3 && parts[0] == "apis":
		group, version = parts[1], parts[2]
	default:
		return ""
	}
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: strings.TrimPrefix(group+"/"+version, "/"),
	}
	short := map[string][]string{
		"serviceaccounts": {"sa"}, "pods": {"po"}, "namespaces": {"ns"}, "nodes": {"no"}, "deployments": {"deploy"},
		"configmaps": {"cm"}, "statefulsets": {"sts"}, "daemonsets": {"ds"}, "replicasets": {"rs"}, "cronjobs": {"cj"},
	}
	for _, resource := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[resource]
		if k.group == group && k.version == version {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: resource, SingularName: strings.ToLower(k.kind), Namespaced: k.namespaced, Kind: k.kind,
				Verbs: strings.Fields(k.verbs), ShortNames: short[resource],
			})
		}
	}
	if list.APIResources == nil {
		return ""
	}
	return asJSON(list)
}

func groups() string {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	seen := map[string]bool{"": true}
	for _, resource := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[resource]
		if seen[k.group] {
			continue
		}
		seen[k.group] = true
		version := metav1.GroupVersionForDiscovery{GroupVersion: k.group + "/" + k.version, Version: k.version}
		list.Groups = append(list.Groups, metav1.APIGroup{
			Name: k.group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
		})
	}
	return asJSON(list)
}

func asJSON(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		panic(err) // plain structs can always be written
	}
	return string(out)
}
