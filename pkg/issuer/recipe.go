package issuer

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
)

// A Distribution is a way of running an API server, and so of telling it its issuer.
type Distribution string

// The distributions that NewRecipe knows.
const (
	Kubeadm  Distribution = "kubeadm"
	Kind     Distribution = "kind"
	Minikube Distribution = "minikube"
	K3s      Distribution = "k3s"
	RKE2     Distribution = "rke2"
	Talos    Distribution = "talos"
	K0s      Distribution = "k0s"
)

// Distributions are those that NewRecipe knows.
func Distributions() []string {
	return []string{string(Kubeadm), string(Kind), string(Minikube), string(K3s), string(RKE2), string(Talos), string(K0s)}
}

// NewBucketName is a name for an issuer's bucket that nobody guesses: a bucket
// whose name is known beforehand can be taken by somebody else, who then
// publishes keys of his own. The suffix has 100 random bits.
func NewBucketName() string {
	var random [13]byte
	_, _ = rand.Read(random[:]) // never fails since Go 1.24
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))
	return "irsa-issuer-" + text[:20]
}

// BucketURL is the issuer's URL of a bucket in a region.
func BucketURL(bucket, region string) string {
	domain := "amazonaws.com"
	switch irsa.PartitionOf(region) {
	case "aws-cn":
		domain = "amazonaws.com.cn"
	case "aws-eusc":
		domain = "amazonaws.eu"
	}
	return "https://" + bucket + ".s3." + region + "." + domain
}

// managed are the issuers of services that publish their documents themselves:
// EKS, GKE and AKS.
var managed = []struct {
	service string
	issuer  func() *regexp.Regexp
}{
	{"EKS", lazyregexp.New(`^https://oidc\.eks\.[a-z0-9-]+\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws|amazonaws\.eu)/id/`)},
	{"GKE", lazyregexp.New(`^https://container\.googleapis\.com/v1/projects/`)},
	{"AKS", lazyregexp.New(`^https://[a-z0-9.-]+\.oic\.(?:prod-)?aks\.azure\.(?:com|us|cn)/`)},
}

// Managed is the service that publishes this issuer's documents itself: EKS, GKE
// or AKS; "" where none does. Its issuer is fixed, and public already.
func Managed(issuer string) string {
	for _, m := range managed {
		if m.issuer().MatchString(issuer) {
			return m.service
		}
	}
	return ""
}

// Known is what is known of a cluster beforehand; empty fields are unknown.
type Known struct {
	Old          string // the issuer that signs now
	Kubernetes   string // version of the API server, such as v1.37.2
	Talos        string // version of Talos, such as v1.13.0
	Nodes        []string
	KindCluster  string
	ControlPlane int // how many nodes run an API server
}

// A Recipe is how a cluster gets a new issuer. Where Old is that issuer already
// it has no phases.
type Recipe struct {
	Distribution Distribution `json:"distribution"`
	Issuer       string       `json:"issuer"`
	Old          string       `json:"oldIssuer,omitempty"`
	// BothAtOnce says whether the API server can accept tokens of both issuers.
	BothAtOnce bool    `json:"bothAtOnce"`
	Phases     []Phase `json:"phases"`
}

// A Phase is one part of a recipe, which ends before the next begins: commands
// that fetch what is to be changed, files to write, and further commands.
type Phase struct {
	Title    string   `json:"title"`
	Notes    []string `json:"notes,omitempty"`
	Fetch    []string `json:"fetch,omitempty"`
	Files    []File   `json:"files,omitempty"`
	Commands []string `json:"commands,omitempty"`
}

// A File is what goes into a file.
type File struct {
	Path string `json:"path"`
	Text string `json:"text"`
	// Merge says that the file has more in it, which stays.
	Merge bool `json:"merge,omitempty"`
}

// defaultIssuer is what the distributions sign with where nothing is said.
func defaultIssuer(d Distribution) string {
	switch d {
	case K0s:
		return "https://kubernetes.default.svc"
	case Talos:
		return "" // the URL of the control plane, which only the cluster knows
	}
	return "https://kubernetes.default.svc.cluster.local"
}

// NewRecipe is how an API server of a distribution is told a new issuer. The
// first --service-account-issuer signs and is in the discovery document; tokens
// of all are accepted, from Kubernetes 1.22 on:
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
func NewRecipe(d Distribution, issuer string, k Known) (Recipe, error) {
	if err := irsa.CheckIssuer(issuer); err != nil {
		return Recipe{}, err
	}
	if k.Old == issuer {
		return Recipe{Distribution: d, Issuer: issuer, Old: issuer, BothAtOnce: true, Phases: []Phase{}}, nil
	}
	if k.Old == "" {
		k.Old = defaultIssuer(d)
	}
	how, ok := configurations[d]
	if !ok {
		return Recipe{}, fmt.Errorf("unknown distribution %q: use %s", d, strings.Join(Distributions(), ", "))
	}
	r := Recipe{Distribution: d, Issuer: issuer, Old: k.Old}
	if d == Kind && k.ControlPlane == 0 {
		k.ControlPlane = 1
	}
	c := how(k)
	r.BothAtOnce = c.both && k.Old != ""
	r.Phases = append(r.Phases, Phase{
		Title:    "Publish the documents before any token names them",
		Notes:    []string{"the keys stay the same, so that they can be public under both issuers"},
		Commands: []string{"kubectl irsa publish --create-bucket --issuer " + issuer, "kubectl irsa provider create --issuer " + issuer},
	})
	if c.fresh != nil {
		r.Phases = append(r.Phases, c.fresh(issuer))
	}
	if r.BothAtOnce {
		r.Phases = append(r.Phases, r.twoPhases(c, k)...)
	} else {
		r.Phases = append(r.Phases, r.onePhase(c))
	}
	r.Phases = append(r.Phases, checkPhase(issuer))
	if r.BothAtOnce {
		r.Phases = append(r.Phases, lastPhase(c, r))
	}
	return r, nil
}

// configuration is how one distribution writes a list of issuers.
type configuration struct {
	both     bool     // whether the list may have two
	why      []string // what to know about it
	where    string   // the nodes on which files and commands go
	fetch    []string // commands that get what the files are merged into
	files    func(issuers []string) []File
	commands func(issuers []string) []string
	// fresh is what a cluster takes that is yet to be made, in place of all phases
	// that change one; nil where that is done in the same way.
	fresh func(issuer string) Phase
}

func (c configuration) phase(title string, issuers []string) Phase {
	title += ": " + c.where
	if c.fresh != nil {
		title = "For a cluster that exists: " + strings.ToLower(title[:1]) + title[1:]
	}
	p := Phase{Title: title, Notes: slices.Clone(c.why), Fetch: c.fetch}
	if c.files != nil {
		p.Files = c.files(issuers)
	}
	if c.commands != nil {
		p.Commands = c.commands(issuers)
	}
	return p
}

// twoPhases keep tokens of both issuers valid at every moment. With several API
// servers each must accept the new issuer before the first signs with it.
func (r Recipe) twoPhases(c configuration, k Known) []Phase {
	sign := c.phase("Let the new issuer sign, and go on accepting the old one", []string{r.Issuer, r.Old})
	if k.ControlPlane == 1 {
		return []Phase{sign}
	}
	accept := c.phase("With more than one API server, let each accept the new issuer first", []string{r.Old, r.Issuer})
	accept.Notes = append(accept.Notes, "a server that does not know the issuer yet answers 401 to tokens that its neighbour signed")
	return []Phase{accept, sign}
}

func (r Recipe) onePhase(c configuration) Phase {
	p := c.phase("Change the issuer", []string{r.Issuer})
	if r.Old != "" {
		p.Notes = append(p.Notes, "tokens of "+r.Old+" are refused from then on, so that everything that holds one is restarted")
		p.Commands = append(p.Commands, "kubectl rollout restart daemonset,deployment,statefulset -n kube-system   # and in the other namespaces")
	}
	return p
}

func checkPhase(issuer string) Phase {
	return Phase{
		Title:    "Check",
		Notes:    []string{"the API server's discovery document names " + issuer},
		Commands: []string{"kubectl get --raw /.well-known/openid-configuration", "kubectl irsa issuer show"},
	}
}

func lastPhase(c configuration, r Recipe) Phase {
	p := c.phase("When no token of the old issuer is in use any more, accept only the new one", []string{r.Issuer})
	p.Notes = append(p.Notes,
		"the kubelet renews the tokens of pods within a day; what keeps a token for itself (CNI plugins, controllers outside) is restarted first")
	p.Commands = append([]string{"kubectl rollout restart daemonset,deployment -n kube-system"}, p.Commands...)
	return p
}
