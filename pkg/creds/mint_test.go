package creds

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// overtaken are accounts that somebody else makes just before we do.
type overtaken struct {
	corev1client.ServiceAccountInterface
}

func (o overtaken) Create(ctx context.Context, account *corev1.ServiceAccount, options metav1.CreateOptions) (*corev1.ServiceAccount, error) {
	if _, err := o.ServiceAccountInterface.Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	return o.ServiceAccountInterface.Create(ctx, account, options)
}

func TestTheClustersHalfOfAnExchange(t *testing.T) {
	const role, other = "arn:aws:iam::111122223333:role/cart", "arn:aws:iam::111122223333:role/other"
	annotated := map[string]string{irsa.AnnotationRoleARN: role}
	audience := map[string]string{irsa.AnnotationRoleARN: role, irsa.AnnotationAudience: "vault"}
	const mint, get, create, list = "create serviceaccounts/token shop/cart", "get serviceaccounts shop/cart", "create serviceaccounts shop/cart", "list serviceaccounts shop"
	type outcome struct {
		Role, Audience             string
		RoleSource, AudienceSource Source
		Token                      []string // its audience
		Read, Created              bool
		Failed                     bool
		Asked                      []string // sorted: two go out side by side
	}
	for name, tc := range map[string]struct {
		account  map[string]string // its annotations
		missing  bool
		mintOnly bool // the user may ask for tokens and nothing else
		overtake bool
		request  Request
		want     outcome
	}{
		"both are named": {account: audience, request: Request{RoleARN: other, Audience: "mine"}, want: outcome{
			Audience: "mine", AudienceSource: FromFlag, RoleSource: FromFlag, Token: []string{"mine"}, Asked: []string{mint}}},
		"both are open, and annotated": {account: audience, want: outcome{
			Role: role, RoleSource: FromAnnotation, Audience: "vault", AudienceSource: FromAnnotation, Token: []string{"vault"},
			Read: true, Asked: []string{mint, mint, get}}},
		"the usual audience needs one token": {account: annotated, want: outcome{
			Role: role, RoleSource: FromAnnotation, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience},
			Read: true, Asked: []string{mint, get}}},
		"an audience that is named wins": {account: audience, request: Request{Audience: "mine"}, want: outcome{
			Role: role, RoleSource: FromAnnotation, Audience: "mine", AudienceSource: FromFlag, Token: []string{"mine"},
			Read: true, Asked: []string{mint, get}}},
		"a role that is named wins": {account: audience, request: Request{RoleARN: other}, want: outcome{
			RoleSource: FromFlag, Audience: "vault", AudienceSource: FromAnnotation, Token: []string{"vault"},
			Read: true, Asked: []string{mint, mint, get}}},
		"nobody may look, and the role is named": {account: audience, mintOnly: true, request: Request{RoleARN: other}, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience},
			Asked: []string{mint, get}}},
		"nobody may look, and the role is open": {account: audience, mintOnly: true, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience}, Failed: true,
			Asked: []string{mint, get}}},
		"nobody names a role": {want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience}, Read: true, Failed: true,
			Asked: []string{mint, get}}},
		"it is missing": {missing: true, request: Request{RoleARN: other}, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Failed: true, Asked: []string{mint, get}}},
		"it is missing, and made": {missing: true, request: Request{RoleARN: other, Create: true}, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience}, Read: true, Created: true,
			Asked: []string{create, mint, mint, get}}},
		"it is missing, and somebody else makes it": {missing: true, overtake: true, request: Request{RoleARN: other, Create: true}, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Token: []string{irsa.DefaultAudience},
			Asked: []string{create, create, mint, mint, get}}},
		"it is missing, and there is no role to make it for": {missing: true, request: Request{Create: true}, want: outcome{
			RoleSource: FromFlag, Audience: irsa.DefaultAudience, AudienceSource: FromDefault, Failed: true, Asked: []string{mint, get, list}}},
		"what is annotated is not accepted": {account: audience, request: Request{Accept: func(Session) error { return errors.New("no") }}, want: outcome{
			Role: role, RoleSource: FromAnnotation, Audience: "vault", AudienceSource: FromAnnotation, Token: []string{irsa.DefaultAudience}, Read: true, Failed: true,
			Asked: []string{mint, get}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := kubetest.New(t)
			server.AddNamespace("shop")
			if !tc.missing {
				server.AddServiceAccount("shop", "cart", tc.account)
			}
			config := server.RESTConfig()
			if tc.mintOnly {
				config.BearerToken = server.AddUser("bob", kubetest.Grant{Verbs: []string{"create"}, Resources: []string{"serviceaccounts/token"}})
			}
			client, err := corev1client.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			accounts := client.ServiceAccounts("shop")
			if tc.overtake {
				accounts = overtaken{accounts}
			}
			session := &Session{RoleSource: FromFlag, AudienceSource: FromFlag}
			tc.request.Namespace, tc.request.ServiceAccount = "shop", "cart"
			server.ForgetRequests()
			err = (&minting{tc.request, accounts, session}).run(t.Context())
			got := outcome{
				Audience: session.Audience, RoleSource: session.RoleSource, AudienceSource: session.AudienceSource,
				Read: session.Account != nil, Created: session.Created, Failed: err != nil,
			}
			if session.RoleARN.Name != "" {
				got.Role = session.RoleARN.String()
			}
			if raw := session.Token.Raw(); raw != "" {
				minted, err := oidc.ParseToken(raw)
				if err != nil {
					t.Fatal(err)
				}
				got.Token = minted.Claims.Audience
			}
			for _, r := range server.Requests() {
				got.Asked = append(got.Asked, r.String())
			}
			slices.Sort(got.Asked)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}
