// Package irsa is the vocabulary of IAM roles for ServiceAccounts: the
// annotations, the subject of a token, role ARNs, and the names derived from
// them. It talks to nobody.
package irsa

import "strings"

// The annotations of a ServiceAccount that the pod identity webhook reads:
// https://github.com/aws/amazon-eks-pod-identity-webhook#eks-walkthrough.
const (
	AnnotationRoleARN              = "eks.amazonaws.com/role-arn"
	AnnotationAudience             = "eks.amazonaws.com/audience"
	AnnotationTokenExpiration      = "eks.amazonaws.com/token-expiration"
	AnnotationSTSRegionalEndpoints = "eks.amazonaws.com/sts-regional-endpoints"
	AnnotationSkipContainers       = "eks.amazonaws.com/skip-containers"
)

// AnnotationOwned lists, on a ServiceAccount, which of its annotations this
// program wrote: "role-arn", or "role-arn,audience". Only those are ever removed.
const AnnotationOwned = "kubectl-irsa/owned"

// DefaultAudience is the audience that AWS tools register with an IAM OIDC
// provider and ask of a cluster where nobody names another.
const DefaultAudience = "sts.amazonaws.com"

// Subject is the sub claim that a cluster gives a ServiceAccount:
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/.
func Subject(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// ParseSubject takes the sub claim of a ServiceAccount apart; ok is false for
// any other subject, and for one with a wildcard in place of a name.
func ParseSubject(subject string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(subject, "system:serviceaccount:")
	if !ok {
		return "", "", false
	}
	namespace, name, ok = strings.Cut(rest, ":")
	return namespace, name, ok && namespace != "" && name != "" && !strings.ContainsAny(rest, "*?") && !strings.Contains(name, ":")
}

// ProviderARN is the ARN that IAM gives the OIDC provider of an issuer: its
// URL without https://.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
func ProviderARN(partition, account, issuer string) string {
	return "arn:" + partition + ":iam::" + account + ":oidc-provider/" + strings.TrimPrefix(issuer, "https://")
}
