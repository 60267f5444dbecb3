package creds

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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
	other := &smithy.GenericAPIError{Code: "SomethingNew"}
	failing := &smithyhttp.ResponseError{Err: errors.New("no XML"), Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusBadGateway}}}
	foreign := &smithyhttp.ResponseError{Err: denied, Response: &smithyhttp.Response{Response: &http.Response{Header: http.Header{"Server": {"MinIO"}}}}}
	for name, tc := range map[string]struct {
		session Session
		err     error
		want    []string
	}{
		"the role": {Session{Issuer: good, Audience: irsa.DefaultAudience}, denied, []string{
			"AWS took the token and knows the provider: it is the role that refuses",
			"see why, with AWS credentials that may read IAM:", inspect + " --aws-profile 'my ops'",
			"likely causes:",
			"1. role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com",
			"   kubectl irsa role trust add cart --sa cart -n shop",
			"2. account 111122223333 has no role cart",
			"   kubectl irsa role create cart --sa cart -n shop",
			"3. role cart was made or changed within the last minute: wait ten seconds and try again"}},
		"the role of an annotation": {Session{Issuer: good, Audience: irsa.DefaultAudience, RoleSource: FromAnnotation}, other, []string{
			"see why, with AWS credentials that may read IAM:", "kubectl irsa inspect sa cart -n shop --aws-profile 'my ops'"}},
		"an audience of an annotation": {Session{Issuer: good, Audience: "other", AudienceSource: FromAnnotation, RoleSource: FromAnnotation}, other, []string{
			"see why, with AWS credentials that may read IAM:", "kubectl irsa inspect sa cart -n shop --aws-profile 'my ops'"}},
		"STS is in trouble, and says no code": {Session{Issuer: good, Audience: irsa.DefaultAudience}, failing, []string{
			"sts.us-east-1.amazonaws.com is busy or failing: try again in a moment"}},
		"a server in AWS's place": {Session{Issuer: good, Audience: irsa.DefaultAudience}, foreign, []string{
			"sts.us-east-1.amazonaws.com is not AWS: its code does not say whether the provider or the role refuses",
			"see why, with AWS credentials that may read IAM:", inspect + " --aws-profile 'my ops'",
			"likely causes:",
			"1. account 111122223333 has no OIDC provider for https://oidc.example.com",
			"   kubectl irsa provider create",
			"2. role cart does not trust system:serviceaccount:shop:cart with the audience sts.amazonaws.com",
			"   kubectl irsa role trust add cart --sa cart -n shop",
			"3. account 111122223333 has no role cart",
			"   kubectl irsa role create cart --sa cart -n shop",
			"4. the provider does not know the audience sts.amazonaws.com",
			"   kubectl irsa provider audience add sts.amazonaws.com",
			"5. the published keys are not those that the cluster signs with now",
			"   kubectl irsa publish"}},
		"the provider, with an audience of one's own": {Session{Issuer: good, Audience: "other", AudienceSource: FromFlag}, invalid, []string{
			"see why, with AWS credentials that may read IAM:", inspect + " --audience other --aws-profile 'my ops'",
			"likely causes:",
			"1. account 111122223333 has no OIDC provider for https://oidc.example.com",
			"   kubectl irsa provider create --audience other",
			"2. the provider does not know the audience other",
			"   kubectl irsa provider audience add other",
			"3. the published keys are not those that the cluster signs with now",
			"   kubectl irsa publish"}},
		"an issuer that nobody configured": {Session{Issuer: "https://kubernetes.default.svc.cluster.local", Audience: irsa.DefaultAudience}, invalid, []string{
			"AWS cannot read this cluster's issuer: https://kubernetes.default.svc.cluster.local names kubernetes.default.svc.cluster.local, which only pods of the cluster can resolve",
			"kubectl irsa issuer plan --distro kubeadm --new-bucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			role, err := irsa.ParseRoleARN("arn:aws:iam::111122223333:role/cart", irsa.TwelveDigits)
			if err != nil {
				t.Fatal(err)
			}
			tc.session.RoleARN = role
			client := &awsapi.STS{Endpoint: &url.URL{Scheme: "https", Host: "sts.us-east-1.amazonaws.com"}}
			got := refused(client, Request{Namespace: "shop", ServiceAccount: "cart"}, &tc.session, "my ops", tc.err)
			if diff := cmp.Diff(tc.want, hint.Lines(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
