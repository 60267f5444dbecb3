// Package inject adds to manifests what the EKS pod identity webhook adds to
// pods: a projected token, and the variables with which an AWS SDK finds it. It
// works on text and returns every byte that is not its own as it came in:
// comments, order, quotes and line ends of a manifest stay the user's.
//
// The rules are those of
// https://github.com/aws/amazon-eks-pod-identity-webhook. What a ServiceAccount
// says, and how the cluster is asked about it, is left to the caller.
package inject

import (
	"strconv"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// The names and defaults of the webhook.
const (
	VolumeName          = "aws-iam-token"
	MountPath           = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	TokenPath           = "token"
	DefaultTokenSeconds = 86400
	// MinTokenSeconds is the shortest life that a kube-apiserver grants; what is
	// shorter is raised to it.
	MinTokenSeconds = 600
)

// An Account is a ServiceAccount by its namespace and name.
type Account struct{ Namespace, Name string }

// An Identity is what a ServiceAccount says about its pods.
type Identity struct {
	RoleARN      string // "" leaves its pods as they are
	Audience     string
	TokenSeconds int64
	RegionalSTS  bool // AWS_STS_REGIONAL_ENDPOINTS=regional
}

// Default is an identity where no annotation says anything.
func Default() Identity {
	return Identity{Audience: irsa.DefaultAudience, TokenSeconds: DefaultTokenSeconds}
}

// With is the identity after a ServiceAccount's annotations. A value that the
// webhook could not read is ignored, as the webhook does.
func (i Identity) With(annotations map[string]string) Identity {
	if role, ok := annotations[irsa.AnnotationRoleARN]; ok {
		i.RoleARN = role
	}
	if audience, ok := annotations[irsa.AnnotationAudience]; ok {
		i.Audience = audience
	}
	if regional, err := strconv.ParseBool(annotations[irsa.AnnotationSTSRegionalEndpoints]); err == nil {
		i.RegionalSTS = regional
	}
	i.TokenSeconds = tokenSeconds(annotations, i.TokenSeconds)
	return i
}

func tokenSeconds(annotations map[string]string, fallback int64) int64 {
	seconds, err := strconv.ParseInt(annotations[irsa.AnnotationTokenExpiration], 10, 64)
	if err != nil {
		return fallback
	}
	return max(seconds, MinTokenSeconds)
}

// An Injector changes manifests. It keeps nothing between documents.
type Injector struct {
	// Identity is what a ServiceAccount says; one without a RoleARN leaves its
	// pods as they are. The namespace is "" where the manifest names none.
	Identity func(Account) Identity
	// Region becomes AWS_REGION and AWS_DEFAULT_REGION; "" sets neither.
	Region string
}

// A Workload is one pod template of a manifest, and what became of it.
type Workload struct {
	Kind, Name string
	Account    Account
	Changed    bool
	Role       string   // the role of its ServiceAccount, "" for none
	Notes      []string // what its author should know: clauses about it
}
