package issuer

import (
	"fmt"
	"strconv"
	"strings"
)

// configurations say how each distribution is told its issuers.
var configurations = map[Distribution]func(Known) configuration{
	Kubeadm: kubeadm, Kind: kind, Minikube: minikube, K3s: rancher("k3s"), RKE2: rancher("rke2"), Talos: talos, K0s: k0s,
}

// kubeadm, by its configuration of version v1beta4, which is a list, from
// Kubernetes 1.31 on; before that only a static pod's manifest holds two.
// https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
func kubeadm(k Known) configuration {
	if before(k.Kubernetes, 31) {
		return configuration{
			both: true, where: "on every control-plane node, one after the other",
			why: []string{
				"the configuration of kubeadm before 1.31 is a map, which holds one issuer: so change the manifest itself, which the kubelet follows",
				"kubeadm upgrade writes the manifest anew: upgrade first, or repeat this after it",
			},
			commands: func(issuers []string) []string {
				return []string{manifestEdit("sudo ", k.Old, issuers)}
			},
		}
	}
	return configuration{
		both: true, where: "on every control-plane node, one after the other",
		why: []string{
			"extraArgs is a list, so that a name may stand twice: these take the place of others of that name; on further nodes they stand there already",
			"the kubelet restarts the API server by itself as soon as its manifest changes",
		},
		fetch: []string{"kubectl get configmap kubeadm-config -n kube-system -o jsonpath='{.data.ClusterConfiguration}' > cluster.yaml"},
		files: func(issuers []string) []File {
			return []File{{Path: "cluster.yaml", Merge: true, Text: "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n" + nameValues("  ", issuers)}}
		},
		commands: func([]string) []string {
			return []string{
				"sudo kubeadm init phase upload-config kubeadm --config cluster.yaml",
				"sudo kubeadm init phase control-plane apiserver --config cluster.yaml",
			}
		},
	}
}

func nameValues(indent string, issuers []string) string {
	var b strings.Builder
	for _, issuer := range issuers {
		fmt.Fprintf(&b, "%s- name: service-account-issuer\n%s  value: %s\n", indent, indent, issuer)
	}
	return b.String()
}

// manifestEdit replaces the issuers in the manifest of the API server.
func manifestEdit(run, old string, issuers []string) string {
	var lines []string
	for _, issuer := range issuers {
		lines = append(lines, `\1- --service-account-issuer=`+issuer)
	}
	// The first issuer's line becomes the new ones; further ones go.
	return fmt.Sprintf(`%ssed -i -e '\#--service-account-issuer=#{x;s/^/x/;/^x$/!{x;d};x;s#^\( *\)-.*#%s#}' /etc/kubernetes/manifests/kube-apiserver.yaml`,
		run, strings.Join(lines, `\n`)) + oldComment(old)
}

func oldComment(old string) string {
	if old == "" {
		return ""
	}
	return "   # it holds " + old + " now"
}

// kind takes an issuer when a cluster is made; one that exists is changed in its
// node's container. Patches of both versions may stand side by side: kind uses
// v1beta4 from Kubernetes 1.36 on and passes over the other.
// https://kind.sigs.k8s.io/docs/user/configuration/#kubeadm-config-patches
func kind(k Known) configuration {
	cluster := k.KindCluster
	if cluster == "" {
		cluster = "kind"
	}
	node := cluster + "-control-plane"
	return configuration{
		both: true, where: "in the container of the control plane",
		why: []string{"a node that is made again forgets it"},
		fresh: func(issuer string) Phase {
			return Phase{
				Title: "For a new cluster: give it the one issuer from the start",
				Notes: []string{
					"this takes the place of all other steps: a new cluster has new keys, which are published once it is up",
					"of the two patches kind takes the one of its kubeadm's version",
				},
				Files: []File{{Path: "kind.yaml", Text: "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n" +
					"- |\n  apiVersion: kubeadm.k8s.io/v1beta3\n  kind: ClusterConfiguration\n  apiServer:\n    extraArgs:\n      service-account-issuer: " + issuer + "\n" +
					"- |\n  apiVersion: kubeadm.k8s.io/v1beta4\n  kind: ClusterConfiguration\n  apiServer:\n    extraArgs:\n" + nameValues("    ", []string{issuer})}},
				Commands: []string{
					"kind create cluster --name " + cluster + " --config kind.yaml", "kubectl irsa publish --create-bucket", "kubectl irsa provider create",
				},
			}
		},
		commands: func(issuers []string) []string {
			return []string{manifestEdit("docker exec "+node+" ", k.Old, issuers)}
		},
	}
}

// minikube passes one value for each flag on:
// https://minikube.sigs.k8s.io/docs/handbook/config/#modifying-kubernetes-defaults
func minikube(Known) configuration {
	return configuration{
		both: false, where: "on this machine",
		why: []string{"minikube passes one issuer on; the keys of the cluster stay when it is started again"},
		commands: func(issuers []string) []string {
			return []string{"minikube stop", "minikube start --extra-config=apiserver.service-account-issuer=" + issuers[0]}
		},
	}
}

// rancher are k3s and RKE2, which read drop-in files; "+" behind a name appends
// to what other files say, and a flag given twice is passed on twice and in order.
// https://docs.k3s.io/installation/configuration#multiple-config-files
// https://docs.rke2.io/install/configuration#multiple-config-files
func rancher(name string) func(Known) configuration {
	service := map[string]string{"k3s": "k3s", "rke2": "rke2-server"}[name]
	return func(k Known) configuration {
		return configuration{
			both: !before(k.Kubernetes, 24), where: "on every server node, one after the other",
			why: []string{
				"a kube-apiserver-arg=service-account-issuer=… in another file has to go: the first one signs",
				"releases before 1.24 pass on only the last of two issuers",
			},
			files: func(issuers []string) []File {
				text := "kube-apiserver-arg+:\n"
				for _, issuer := range issuers {
					text += "  - service-account-issuer=" + issuer + "\n"
				}
				return []File{{Path: "/etc/rancher/" + name + "/config.yaml.d/50-issuer.yaml", Text: text}}
			},
			commands: func([]string) []string { return []string{"sudo systemctl restart " + service} },
		}
	}
}

// talos has three ways. To 1.12 an extra argument replaces the issuer; in 1.13
// it is accepted beside the control plane's URL, which goes on signing; from 1.14
// on a document of its own names both.
// https://docs.siderolabs.com/talos/v1.14/reference/configuration/kubernetes/kubeserviceaccountconfig
func talos(k Known) configuration {
	patch := func([]string) []string {
		return []string{"talosctl patch machineconfig --nodes CONTROL-PLANE-IP --patch @issuer.yaml"}
	}
	where := "on every control-plane node, one after the other"
	if k.Talos != "" && before(k.Talos, 13) {
		return configuration{
			both: false, where: where, commands: patch,
			why: []string{"Talos before 1.13 passes one issuer on; 1.14 holds both"},
			files: func(issuers []string) []File {
				return []File{{Path: "issuer.yaml", Text: "cluster:\n  apiServer:\n    extraArgs:\n      service-account-issuer: " + issuers[0] + "\n"}}
			},
		}
	}
	why := []string{"talosctl restarts the API server by itself"}
	if k.Talos == "" || before(k.Talos, 14) {
		why = append(why, "this document is of Talos 1.14; in 1.13 an issuer in cluster.apiServer.extraArgs is accepted but does not sign, so upgrade first",
			"before 1.13 it is cluster.apiServer.extraArgs, with the one issuer that signs")
	}
	return configuration{
		both: true, where: where, commands: patch, why: why,
		files: func(issuers []string) []File {
			text := "apiVersion: v1alpha1\nkind: KubeServiceAccountConfig\nissuer:\n  issuerURL: " + issuers[0] + "\n"
			if len(issuers) > 1 {
				text += "accepted:\n  issuers:\n    - " + strings.Join(issuers[1:], "\n    - ") + "\n"
			}
			return []File{{Path: "issuer.yaml", Text: text}}
		},
	}
}

// k0s takes a map of extra arguments, and from 1.35 on a list of raw ones, which
// come behind it.
// https://docs.k0sproject.io/head/configuration/#specapi
func k0s(k Known) configuration {
	c := configuration{
		both: !before(k.Kubernetes, 35), where: "on every controller, one after the other",
		why: []string{"k0s before 1.35 has no rawArgs, and holds one issuer"},
		files: func(issuers []string) []File {
			text := "spec:\n  api:\n    extraArgs:\n      service-account-issuer: " + issuers[0] + "\n"
			if len(issuers) > 1 {
				text += "    rawArgs:\n"
				for _, issuer := range issuers[1:] {
					text += "      - --service-account-issuer=" + issuer + "\n"
				}
			}
			return []File{{Path: "/etc/k0s/k0s.yaml", Text: text, Merge: true}}
		},
		commands: func([]string) []string { return []string{"sudo systemctl restart k0scontroller"} },
	}
	return c
}

// before reports whether a version such as v1.30.4+k3s1 is older than 1.MINOR;
// an unknown one is not.
func before(version string, minor int) bool {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(strings.TrimRight(parts[1], "+"))
	return errA == nil && errB == nil && (a < 1 || a == 1 && b < minor)
}
