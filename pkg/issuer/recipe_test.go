package issuer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

const newIssuer = "https://new.s3.eu-west-1.amazonaws.com"

// TestRecipes compares each recipe, whole, with its file in testdata/recipes,
// which UPDATE=1 writes anew.
func TestRecipes(t *testing.T) {
	const old = "https://kubernetes.default.svc.cluster.local"
	tests := map[string]struct {
		distribution Distribution
		known        Known
	}{
		"kubeadm":               {Kubeadm, Known{Kubernetes: "v1.37.2", ControlPlane: 3}},
		"kubeadm-one-server":    {Kubeadm, Known{Kubernetes: "v1.37.2", ControlPlane: 1}},
		"kubeadm-before-1.31":   {Kubeadm, Known{Kubernetes: "v1.30.4", ControlPlane: 1}},
		"kind":                  {Kind, Known{KindCluster: "dev"}},
		"minikube":              {Minikube, Known{}},
		"k3s":                   {K3s, Known{Kubernetes: "v1.33.1+k3s1", ControlPlane: 1}},
		"k3s-before-1.24":       {K3s, Known{Kubernetes: "v1.23.1+k3s1", ControlPlane: 1}},
		"rke2":                  {RKE2, Known{Kubernetes: "v1.33.1+rke2r1"}},
		"talos":                 {Talos, Known{Old: "https://10.0.0.1:6443", Talos: "v1.14.0", ControlPlane: 1}},
		"talos-before-1.13":     {Talos, Known{Old: "https://10.0.0.1:6443", Talos: "v1.12.4", ControlPlane: 1}},
		"talos-unknown-version": {Talos, Known{}},
		"k0s":                   {K0s, Known{Kubernetes: "v1.35.1+k0s", ControlPlane: 1}},
		"k0s-before-1.35":       {K0s, Known{Kubernetes: "v1.34.1+k0s", ControlPlane: 1}},
		"nothing-to-change":     {K3s, Known{Old: newIssuer}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.known.Old == "" && tc.distribution != Talos && tc.distribution != K0s {
				tc.known.Old = old
			}
			recipe, err := NewRecipe(tc.distribution, newIssuer, tc.known)
			if err != nil {
				t.Fatal(err)
			}
			checkFiles(t, recipe)
			got, err := yaml.Marshal(recipe)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "recipes", name+".yaml"), got)
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// checkFiles holds every recipe to what a reader relies on: files that are YAML,
// and while two issuers are in one the old one accepted wherever the new one is.
func checkFiles(t *testing.T, r Recipe) {
	t.Helper()
	for _, phase := range r.Phases {
		for _, file := range phase.Files {
			var parsed map[string]any
			if err := yaml.UnmarshalStrict([]byte(file.Text), &parsed); err != nil {
				t.Errorf("%s: %s is no YAML: %v", phase.Title, file.Path, err)
			}
			if file.Path == "kind.yaml" || !strings.HasPrefix(phase.Title, "Let the new issuer sign") {
				continue
			}
			if newAt, oldAt := strings.Index(file.Text, r.Issuer), strings.Index(file.Text, r.Old); newAt < 0 || oldAt < newAt {
				t.Errorf("%s: the new issuer is not before the old one in\n%s", phase.Title, file.Text)
			}
		}
	}
}

func TestAnIssuerThatCannotBePublicHasNoRecipe(t *testing.T) {
	if _, err := NewRecipe(K3s, "https://10.0.0.1", Known{}); err == nil {
		t.Error("an IP address was accepted")
	}
	if _, err := NewRecipe("openshift", newIssuer, Known{}); err == nil {
		t.Error("an unknown distribution was accepted")
	}
}

func TestProposedBuckets(t *testing.T) {
	seen := map[string]bool{}
	form := regexp.MustCompile(`^irsa-issuer-[a-z2-7]{20}$`)
	for range 100 {
		name := NewBucketName()
		if !form.MatchString(name) || seen[name] {
			t.Fatalf("%q", name)
		}
		seen[name] = true
	}
	for region, want := range map[string]string{
		"eu-west-1":      "https://bkt.s3.eu-west-1.amazonaws.com",
		"cn-north-1":     "https://bkt.s3.cn-north-1.amazonaws.com.cn",
		"us-gov-west-1":  "https://bkt.s3.us-gov-west-1.amazonaws.com",
		"eusc-de-east-1": "https://bkt.s3.eusc-de-east-1.amazonaws.eu",
	} {
		if got := BucketURL("bkt", region); got != want {
			t.Errorf("%s: %s", region, got)
		}
		if at, ok := LocationOf(want); !ok || at.Bucket != "bkt" || at.Region != region {
			t.Errorf("%s leads to %+v, %t", want, at, ok)
		}
	}
}

func TestServicesWithAFixedIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF":                     "EKS",
		"https://oidc.eks.cn-north-1.amazonaws.com.cn/id/0123456789ABCDEF":                 "EKS",
		"https://container.googleapis.com/v1/projects/p/locations/europe-west1/clusters/c": "GKE",
		"https://westeurope.oic.prod-aks.azure.com/tenant/uuid/":                           "AKS",
		testIssuer: "",
		"https://oidc.eks.eu-west-1.amazonaws.com.evil.example/id/X": "",
	} {
		if got := Managed(issuer); got != want {
			t.Errorf("%s: %q, want %q", issuer, got, want)
		}
	}
}

func TestWhatAClusterGivesAway(t *testing.T) {
	master := map[string]string{"node-role.kubernetes.io/control-plane": ""}
	tests := map[string]struct {
		version, server, context string
		nodes                    []corev1.Node
		want                     Found
	}{
		"k3s by its version":      {version: "v1.33.1+k3s1", want: Found{Distribution: K3s, Known: Known{Kubernetes: "v1.33.1+k3s1"}}},
		"RKE2 by its version":     {version: "v1.33.1+rke2r1", want: Found{Distribution: RKE2, Known: Known{Kubernetes: "v1.33.1+rke2r1"}}},
		"k0s by its version":      {version: "v1.35.1+k0s", want: Found{Distribution: K0s, Known: Known{Kubernetes: "v1.35.1+k0s"}}},
		"EKS by its version":      {version: "v1.33.1-eks-1234567", want: Found{Service: "EKS", Known: Known{Kubernetes: "v1.33.1-eks-1234567"}}},
		"AKS by its server":       {version: "v1.33.1", server: "https://x.hcp.westeurope.azmk8s.io:443", want: Found{Service: "AKS", Known: Known{Kubernetes: "v1.33.1"}}},
		"kind by its context":     {version: "v1.37.2", context: "kind-dev", want: Found{Distribution: Kind, Known: Known{Kubernetes: "v1.37.2", KindCluster: "dev"}}},
		"nothing where nothing":   {version: "v1.37.2", want: Found{Known: Known{Kubernetes: "v1.37.2"}}},
		"minikube by its context": {version: "v1.37.2", context: "minikube", want: Found{Distribution: Minikube, Known: Known{Kubernetes: "v1.37.2"}}},
		"kind by its node": {version: "v1.37.2", nodes: []corev1.Node{{
			ObjectMeta: metav1.ObjectMeta{Name: "dev-control-plane", Labels: master}, Spec: corev1.NodeSpec{ProviderID: "kind://docker/dev/dev-control-plane"},
		}}, want: Found{Distribution: Kind, Known: Known{Kubernetes: "v1.37.2", KindCluster: "dev", ControlPlane: 1, Nodes: []string{"dev-control-plane"}}}},
		"Talos by its image": {version: "v1.37.2", nodes: []corev1.Node{{
			ObjectMeta: metav1.ObjectMeta{Name: "cp", Labels: master}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{OSImage: "Talos (v1.14.1)"}},
		}}, want: Found{Distribution: Talos, Known: Known{Kubernetes: "v1.37.2", Talos: "v1.14.1", ControlPlane: 1, Nodes: []string{"cp"}}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			found := Found{Known: Known{Kubernetes: tc.version}}
			found.fromVersion(tc.server)
			for _, node := range tc.nodes {
				found.fromNode(node)
			}
			found.fromContext(tc.context)
			if diff := cmp.Diff(tc.want, found); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDetectingAndReadingARealClient(t *testing.T) {
	server := kubetest.New(t)
	core, err := corev1client.NewForConfig(server.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	found := Detect(t.Context(), core.RESTClient(), core.Nodes(), server.URL, "world")
	if found.Known.Kubernetes != "v1.37.2" || found.Distribution != "" {
		t.Errorf("%+v", found)
	}
	live, err := Read(t.Context(), core.RESTClient())
	if err != nil {
		t.Fatal(err)
	}
	if live.Discovery.Issuer != server.URL || len(server.Issuer.KeySet().Without(live.Keys).Keys) != 0 {
		t.Errorf("%+v", live.Discovery)
	}
	config := server.RESTConfig()
	config.BearerToken = server.AddUser("alice")
	if core, err = corev1client.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), core.RESTClient()); err == nil || !strings.Contains(err.Error(), `User "alice" cannot get path`) {
		t.Errorf("alice read it: %v", err)
	}
}

func TestComparingClusterAndPublic(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if got := Compare(c.live(t), c.outside(t)); got.InStep || len(got.Unreachable) != 1 {
		t.Errorf("nothing is public: %+v", got)
	}
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	if got := Compare(c.live(t), c.outside(t)); !got.InStep {
		t.Errorf("all is public: %+v", got)
	}
	if err := c.issuer.Rotate("P-256"); err != nil {
		t.Fatal(err)
	}
	kid := c.issuer.KeySet().Keys[1].ID
	want := []string{
		"the public document does not name ES256, with which the cluster signs",
		"key " + kid + " of the cluster is not public: AWS refuses tokens that it signed",
	}
	if diff := cmp.Diff(want, Compare(c.live(t), c.outside(t)).Differences); diff != "" {
		t.Errorf("a new key (-want +got):\n%s", diff)
	}
	live := c.live(t)
	live.Discovery.Issuer = testIssuer + "/"
	want = []string{"the public document names another issuer, and AWS compares byte for byte\n" +
		"  cluster  " + testIssuer + "/\n  public   " + testIssuer + "\n           " + strings.Repeat(" ", len(testIssuer)) + "^"}
	o := c.outside(t)
	live.Keys = *o.Keys
	live.Discovery.SigningAlgorithms = []string{"RS256"}
	if diff := cmp.Diff(want, Compare(live, o).Differences); diff != "" {
		t.Errorf("a slash (-want +got):\n%s", diff)
	}
	live.Discovery = oidc.Discovery{Issuer: "https://kubernetes.default.svc"}
	if got := Compare(live, Outside{}); got.Private == "" || got.InStep {
		t.Errorf("private: %+v", got)
	}
}

func TestTheCronJobAndItsPolicy(t *testing.T) {
	got, err := CronJob{
		Name: "issuer-publisher", Namespace: "kube-system", Image: "example.com/kubectl-irsa:v1", Schedule: "*/15 * * * *",
		RoleARN: "arn:aws:iam::111122223333:role/publisher", Audience: "sts.amazonaws.com", Region: "eu-west-1", Target: "s3://bkt",
	}.YAML()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "cronjob.yaml"), got)
	var policy map[string]any
	if err := json.Unmarshal([]byte(Policy(Location{"bkt", "cn-north-1", "a"}, "a/openid/v1/jwks")), &policy); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws-cn:s3:::bkt"},
		map[string]any{"Effect": "Allow", "Action": []any{"s3:GetObject", "s3:PutObject"}, "Resource": []any{
			"arn:aws-cn:s3:::bkt/a/.well-known/openid-configuration", "arn:aws-cn:s3:::bkt/a/openid/v1/jwks",
		}},
	}}
	if diff := cmp.Diff(want, policy); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTheCronJobsPolicySuffices publishes with no more than Policy allows.
func TestTheCronJobsPolicySuffices(t *testing.T) {
	c := newCluster(t, testIssuer, "RSA", awstest.Options{})
	if _, err := c.publish(t, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.issuer.Rotate("P-256"); err != nil {
		t.Fatal(err)
	}
	at, _ := LocationOf(testIssuer)
	c.as = c.aws.Account.AddUser("publisher", Policy(at, JWKSPath))
	if _, err := c.publish(t, func(p *Publisher) { p.CreateBucket = false }); err != nil {
		t.Fatal(err)
	}
	if got := Compare(c.live(t), c.outside(t)); !got.InStep {
		t.Errorf("%+v", got)
	}
}
