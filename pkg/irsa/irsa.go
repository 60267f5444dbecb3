// Package irsa is the vocabulary of IAM roles for ServiceAccounts: the
// annotations, the subject of a token, role ARNs, and the names derived from
// them. It talks to nobody.
package irsa

// The annotations of a ServiceAccount that the pod identity webhook reads:
// https://github.com/aws/amazon-eks-pod-identity-webhook#eks-walkthrough.
const (
	AnnotationRoleARN              = "eks.amazonaws.com/role-arn"
	AnnotationAudience             = "eks.amazonaws.com/audience"
	AnnotationTokenExpiration      = "eks.amazonaws.com/token-expiration"
	AnnotationSTSRegionalEndpoints = "eks.amazonaws.com/sts-regional-endpoints"
	AnnotationSkipContainers       = "eks.amazonaws.com/skip-containers"
)

// DefaultAudience is the audience that AWS tools register with an IAM OIDC
// provider and ask of a cluster where nobody names another.
const DefaultAudience = "sts.amazonaws.com"

// Subject is the sub claim that a cluster gives a ServiceAccount:
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/.
func Subject(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}
