package issuer

import (
	"context"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// Nodes is the call that Detect makes for the nodes of the cluster.
type Nodes interface {
	List(ctx context.Context, opts metav1.ListOptions) (*corev1.NodeList, error)
}

// Found is what Detect could tell of a cluster.
type Found struct {
	Distribution Distribution // "" where nothing gave it away
	Service      string       // EKS, GKE or AKS, whose issuer is fixed
	Known        Known
}

// Detect tells how the cluster is run from what may be read of it: the version of
// the API server, its nodes, its name. What may not be read is left out.
func Detect(ctx context.Context, api rest.Interface, nodes Nodes, server, contextName string) Found {
	var f Found
	if text, err := api.Get().AbsPath("/version").DoRaw(ctx); err == nil {
		var v struct {
			GitVersion string `json:"gitVersion"`
		}
		if json.Unmarshal(text, &v) == nil {
			f.Known.Kubernetes = v.GitVersion
		}
	}
	f.fromVersion(server)
	if list, err := nodes.List(ctx, metav1.ListOptions{}); err == nil {
		for _, node := range list.Items {
			f.fromNode(node)
		}
	}
	f.fromContext(contextName)
	if f.Distribution == "" && f.Service == "" {
		if err := api.Get().AbsPath("/api/v1/namespaces/kube-system/configmaps/kubeadm-config").Do(ctx).Error(); err == nil {
			f.Distribution = Kubeadm
		}
	}
	return f
}

func (f *Found) fromVersion(server string) {
	version := f.Known.Kubernetes
	switch {
	case strings.Contains(version, "+k3s"):
		f.Distribution = K3s
	case strings.Contains(version, "+rke2"):
		f.Distribution = RKE2
	case strings.Contains(version, "+k0s"):
		f.Distribution = K0s
	case strings.Contains(version, "-eks-"), strings.Contains(server, ".eks.amazonaws.com"):
		f.Service = "EKS"
	case strings.Contains(version, "-gke."):
		f.Service = "GKE"
	case strings.Contains(server, ".azmk8s.io"):
		f.Service = "AKS"
	}
}

func (f *Found) fromContext(name string) {
	if f.Distribution != "" || f.Service != "" {
		return
	}
	switch cluster, isKind := strings.CutPrefix(name, "kind-"); {
	case isKind:
		f.Distribution, f.Known.KindCluster = Kind, cluster
	case name == "minikube":
		f.Distribution = Minikube
	}
}

var talosImage = lazyregexp.New(`^Talos \((v[0-9.]+)`)

func (f *Found) fromNode(node corev1.Node) {
	f.Known.Nodes = append(f.Known.Nodes, node.Name)
	for _, label := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
		if _, ok := node.Labels[label]; ok {
			f.Known.ControlPlane++
			break
		}
	}
	switch image := talosImage().FindStringSubmatch(node.Status.NodeInfo.OSImage); {
	case image != nil:
		f.Distribution, f.Known.Talos = Talos, image[1]
	case strings.HasPrefix(node.Spec.ProviderID, "kind://"):
		f.Distribution = Kind
		// kind://PROVIDER/CLUSTER/NODE
		if parts := strings.Split(node.Spec.ProviderID, "/"); len(parts) == 5 {
			f.Known.KindCluster = parts[3]
		}
	case node.Labels["minikube.k8s.io/name"] != "":
		f.Distribution = Minikube
	}
}
