package creds

import (
	"net/url"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

func TestARefusedExchangeSaysWhatIsPossibleAndWhoMendsIt(t *testing.T) {
	const (
		good    = "https://oidc.example.com"
		inspect = "kubectl irsa inspect sa cart -n shop --role-arn arn:aws:iam::111122223333:role/cart"
	)
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	invalid := &smithy.GenericAPIError{Code: "InvalidIdentityToken", Message: "The web identity token provided could not be validated."}
	for name, tc := range map[string]struct {
		session Session
		err     error
		want    []string
	}{
		"the role": {Session{Issuer: good, Audience: irsa.DefaultAudience}, denied, []string{
			"AWS says that once it took the token and found the provider, so it is the role:",
			"either role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com, or account 111122223333 has no role cart, or it was made or changed within the last minute",
			"what mends the first, for whoever may:", "kubectl irsa role trust add cart --sa cart -n shop",
			"to see which it is:", inspect}},
		"the provider, with an audience of one's own": {Session{Issuer: good, Audience: "other", AudienceSource: FromFlag}, invalid, []string{
			"AWS says that where:",
			"either account 111122223333 has no OIDC provider for https://oidc.example.com, or the provider does not know the audience other, or the published keys are not those that the cluster signs with now",
			"what mends the first, for whoever may:", "kubectl irsa provider create --audience other",
			"to see which it is:", inspect + " --audience other"}},
		"an issuer that nobody configured": {Session{Issuer: "https://kubernetes.default.svc.cluster.local", Audience: irsa.DefaultAudience}, invalid, []string{
			"AWS cannot read this cluster's issuer: https://kubernetes.default.svc.cluster.local names kubernetes.default.svc.cluster.local, which only pods of the cluster can resolve",
			"kubectl irsa issuer plan --distro kubeadm --new-bucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			role, err := irsa.ParseRoleARN("arn:aws:iam::111122223333:role/cart", false)
			if err != nil {
				t.Fatal(err)
			}
			tc.session.RoleARN = role
			client := &awsapi.STS{Endpoint: &url.URL{Scheme: "https", Host: "sts.us-east-1.amazonaws.com"}}
			got := refused(client, Request{Namespace: "shop", ServiceAccount: "cart"}, &tc.session, tc.err)
			if diff := cmp.Diff(tc.want, hint.Lines(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
