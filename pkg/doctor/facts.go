// Package doctor knows what a working setup of IAM roles for ServiceAccounts
// is. Collect asks the cluster, the public documents, STS and, where there are
// credentials, IAM, all side by side, and gives Facts; the checks judge them
// without asking anybody. What could not be had is a fact too: not allowed to
// look is never taken for not there.
package doctor

import (
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// Target is the chain of trust to look at.
type Target struct {
	Namespace, ServiceAccount string

	RoleARN     string        // "" takes the ServiceAccount's annotation
	Audience    string        // "" takes the annotation, else irsa.DefaultAudience
	Duration    time.Duration // of the session that is wanted, 0 for the role's default
	Region      string        // of the STS endpoint; "" takes that of the role's partition
	SessionName string        // of the probe in CloudTrail
	NoSTS       bool          // leave the exchange out
	AnyAccount  bool          // the STS is not AWS's: an account need not be twelve digits
	WithPods    bool          // look at the pods and the webhook, too
	Webhooks    bool          // look at the webhook alone
	RoleAlone   bool          // of the issuer its name is enough
	Home        bool          // no role is meant: look for the provider in the account of the credentials

	Workload *Workload // the pod, or what makes pods, that is looked at; nil for a ServiceAccount alone
	Paste    Paste     // what the lines to paste need besides
	Profiles []string  // AWS profiles that may hold the credentials that are missing
}

// Workload is a pod, or the template of something that makes pods.
type Workload struct {
	Kind, Name  string            // Pod, Deployment
	Annotations map[string]string // of the pod, or of the pods to come
	Outer       map[string]string // annotations of what makes pods, nil of a pod
	Labels      map[string]string
	Spec        corev1.PodSpec
	Created     time.Time // zero for a template

	owner *metav1.OwnerReference // what made the pod, nil where nobody did
}

// PodWorkload is a pod as a workload.
func PodWorkload(p *corev1.Pod) Workload {
	return Workload{
		Kind: "Pod", Name: p.Name, Annotations: p.Annotations, Labels: p.Labels, Spec: p.Spec,
		Created: p.CreationTimestamp.Time, owner: metav1.GetControllerOf(p),
	}
}

// Reasons why a fact was not looked for.
var (
	ErrNoCredentials = errors.New("no AWS credentials")
	ErrNotAsked      = errors.New("it was not asked for")
	ErrNeedsToken    = errors.New("there is no token to learn the issuer from")
	ErrNeedsRole     = errors.New("no role is known")
)

// Facts are what is known about a chain of trust.
type Facts struct {
	Target
	Now time.Time // this machine's clock when the look began

	Account Known[*corev1.ServiceAccount]
	Near    []string // names of ServiceAccounts like one that is missing

	Role           Known[irsa.RoleARN] // the role's name, parsed
	RoleText       string              // as the flag or the annotation has it
	RoleFromFlag   bool
	RoleFromPod    bool
	WantedAudience string

	Token         Known[Minted]
	Issuer        string // what tokens say; where there is none, what the API server's document says
	LiveDiscovery Known[oidc.Discovery]
	LiveKeys      Known[oidc.KeySet]

	Discovery Known[Published[oidc.Discovery]]
	Keys      Known[Published[oidc.KeySet]]
	Clocks    []Reading

	STS Known[Exchange]

	Caller    Known[Caller]
	Provider  Known[Provider]
	Providers Known[[]string] // ARNs of all OIDC providers of the caller's account
	Owned     Known[bool]     // whether the issuer's bucket is one of the caller's account: only where no role is meant
	Blocks    Known[[]string] // settings of Block Public Access that are on, where S3 refused a document to strangers
	IAMRole   Known[Role]
	Policies  Known[int]     // how many policies give the role permissions
	Absent    Known[[]Named] // ServiceAccounts that the role's trust policy names and the cluster does not have
	Roles     Known[[]Role]  // of the credentials' account, by ARN and trust: only where no role is known, or it is not there

	Hooks   Known[[]Webhook]
	Mutated Known[bool] // whether a probe pod came back from a dry run with its token
	Pods    Known[[]corev1.Pod]
	// Annotated are the ServiceAccounts of the namespace that name a role, where a
	// workload has the one that every pod gets, and that one names none.
	Annotated Known[[]string]
	// Networks are the network policies of the namespace, where a pod is looked at.
	Networks Known[[]networkingv1.NetworkPolicy]
}

// Known is a fact, or why it could not be had.
type Known[T any] = check.Known[T]

// Minted is a token that the cluster issued for this look.
type Minted struct {
	Parsed  oidc.Token
	Asked   time.Duration
	Granted time.Duration
	At      time.Time // this machine's clock when it came

	raw string
}

// Published is a document as a stranger gets it. Document is not nil where an
// answer came, whatever the error beside it.
type Published[T any] struct {
	URL      string
	Document *oidc.Document
	Parsed   T
	Bundled  bool // its certificate is of an authority that this machine knows for AWS alone
}

// Reading is one look at somebody else's clock, by the Date of an answer.
type Reading struct {
	Whose  string
	Theirs time.Time // whole seconds
	Ours   time.Time
}

// Ahead is how far our clock is ahead of theirs, give or take a second.
func (r Reading) Ahead() time.Duration { return r.Ours.Sub(r.Theirs) }

// Exchange is what STS gave for the token; its credentials are dropped.
type Exchange struct {
	ARN      string // of the session
	Endpoint string // host that was asked
}

// Caller is whose AWS credentials IAM is read with.
type Caller struct{ Account, ARN string }

// Provider is an IAM OIDC provider.
type Provider struct {
	ARN       string
	URL       string // as IAM has it: without a scheme
	Audiences []string
	Created   time.Time
}

// Role is an IAM role.
type Role struct {
	ARN, ID    string
	Trust      string // its trust policy, decoded
	MaxSession time.Duration
	Boundary   string // ARN of its permissions boundary, "" where there is none
	Created    time.Time
}

// Webhook is a webhook that ought to inject tokens into pods.
type Webhook struct {
	Configuration, Name string
	URL                 string // where it is reached by URL
	Service             string // NAMESPACE/NAME, where it is reached by a service
	Ready               Known[int]
	CABundle            []byte
	FailurePolicy       string
}
