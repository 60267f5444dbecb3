package awstest_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
)

const readOnly = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"

func iamClient(srv *awstest.Server, credentials aws.CredentialsProvider) *iam.Client {
	config := srv.ConfigFor(credentials)
	config.Retryer = once
	return iam.NewFromConfig(config)
}

// trust is a trust policy with one member of its statement replaced.
func trust(member, value string) *string {
	members := map[string]string{
		"Effect": `"Allow"`, "Action": `"sts:AssumeRoleWithWebIdentity"`,
		"Principal": `{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com"}`,
	}
	members[member] = value
	var all []string
	for _, name := range []string{"Sid", "Effect", "Principal", "Action", "Resource", "Condition", "Conditions"} {
		if members[name] != "" {
			all = append(all, fmt.Sprintf("%q:%s", name, members[name]))
		}
	}
	return aws.String(`{"Version":"2012-10-17","Statement":[{` + strings.Join(all, ",") + `}]}`)
}

func TestTrustPoliciesThatIAMRefuses(t *testing.T) {
	malformed := func(text string) refusal { return refusal{400, "MalformedPolicyDocument", text} }
	tests := map[string]struct {
		policy *string
		want   refusal
	}{
		"a good one":                 {trust("Sid", `"a"`), refusal{Status: 200}},
		"white space does not count": {aws.String(*trust("Sid", `"a"`) + strings.Repeat(" \n", 2000)), refusal{Status: 200}},
		"no JSON":                    {aws.String("{"), malformed("This policy contains invalid Json")},
		"a list":                     {aws.String("[]"), malformed("Syntax errors in policy.")},
		"a member of no policy":      {aws.String(`{"Statements":[]}`), malformed("Unknown field Statements")},
		"a member of no statement":   {trust("Conditions", "{}"), malformed("Unknown field Conditions")},
		"a resource":                 {trust("Resource", `"*"`), malformed("Has prohibited field Resource")},
		"no principal":               {trust("Principal", ""), malformed("Missing required field Principal")},
		"another service's action":   {trust("Action", `"s3:GetObject"`), malformed("AssumeRole policy may only specify STS AssumeRole actions.")},
		"a provider with https://":   {trust("Principal", `{"Federated":"https://oidc.example.com"}`), malformed("Federated principals must be valid domain names or SAML metadata ARNs")},
		"a provider's ARN cut off":   {trust("Principal", `{"Federated":"arn:aws:iam::111122223333:oidc-provider/"}`), malformed("Federated principals must be valid domain names or SAML metadata ARNs")},
		"more than 2048 characters":  {trust("Sid", `"`+strings.Repeat("x", 2048)+`"`), refusal{409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			srv := awstest.New(t)
			client := iamClient(srv, srv.Account.Admin)
			_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: tc.policy})
			if diff := cmp.Diff(tc.want, refusalOf(err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARoleIsKeptAsItWasMade(t *testing.T) {
	srv := awstest.New(t)
	client, ctx := iamClient(srv, srv.Account.Admin), t.Context()
	tags := []types.Tag{{Key: aws.String("owner"), Value: aws.String("me + you")}}
	document := trust("Sid", `"ü +%"`)
	created, err := client.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("cart"), Path: aws.String("/apps/"), AssumeRolePolicyDocument: document, Description: aws.String("a <role>"),
		MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: aws.String(readOnly), Tags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("cart")})
	if err != nil {
		t.Fatal(err)
	}
	type role struct {
		ARN, Description, Trust, Boundary string
		Max                               int32
		Tags                              int
	}
	flat := func(r *types.Role) role {
		text, err := url.PathUnescape(*r.AssumeRolePolicyDocument)
		if err != nil {
			t.Error(err)
		}
		out := role{*r.Arn, aws.ToString(r.Description), text, "", *r.MaxSessionDuration, len(r.Tags)}
		if r.PermissionsBoundary != nil {
			out.Boundary = *r.PermissionsBoundary.PermissionsBoundaryArn
		}
		return out
	}
	want := role{"arn:aws:iam::111122223333:role/apps/cart", "a <role>", *document, readOnly, 7200, 1}
	if diff := cmp.Diff([]role{want, want}, []role{flat(created.Role), flat(got.Role)}); diff != "" {
		t.Errorf("created and read (-want +got):\n%s", diff)
	}
	listed, err := client.ListRoles(ctx, nil)
	if err != nil || len(listed.Roles) != 1 {
		t.Fatalf("%v, %v", listed, err)
	}
	want.Boundary, want.Tags = "", 0 // ListRoles tells neither
	if diff := cmp.Diff(want, flat(&listed.Roles[0])); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

func TestRolesAreListedPageByPage(t *testing.T) {
	srv := awstest.New(t)
	for i := range 250 {
		srv.Account.AddRole(fmt.Sprintf("role-%03d", i), "{}")
	}
	pages, roles := 0, 0
	for p := iam.NewListRolesPaginator(iamClient(srv, srv.Account.Admin), nil); p.HasMorePages(); pages++ {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		roles += len(page.Roles)
	}
	if pages != 3 || roles != 250 {
		t.Errorf("%d roles on %d pages", roles, pages)
	}
}

func TestARoleWithPoliciesIsNotDeleted(t *testing.T) {
	srv := awstest.New(t)
	client, ctx := iamClient(srv, srv.Account.Admin), t.Context()
	name := aws.String("cart")
	srv.Account.AddRole("cart", "{}")
	step := func(err error) refusal { return refusalOf(err) }
	remove := func() refusal {
		_, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
		return step(err)
	}
	var got []refusal
	_, err := client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(readOnly)})
	got = append(got, step(err), remove())
	_, err = client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String(readOnly)})
	got = append(got, step(err))
	_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)})
	got = append(got, step(err), remove())
	_, err = client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	got = append(got, step(err), remove(), remove())
	_, err = client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(readOnly)})
	got = append(got, step(err))
	ok := refusal{Status: 200}
	gone := refusal{404, "NoSuchEntity", "The role with name cart cannot be found."}
	want := []refusal{
		ok, {409, "DeleteConflict", "Cannot delete entity, must detach all policies first."}, ok,
		ok, {409, "DeleteConflict", "Cannot delete entity, must delete policies first."}, ok, ok, gone, gone,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProvidersThatIAMRefuses(t *testing.T) {
	srv := awstest.New(t, awstest.Options{ProviderQuota: 2})
	client, ctx := iamClient(srv, srv.Account.Admin), t.Context()
	srv.Account.AddProvider("https://exists.example.com")
	create := func(in iam.CreateOpenIDConnectProviderInput) refusal {
		_, err := client.CreateOpenIDConnectProvider(ctx, &in)
		return refusalOf(err)
	}
	thumbprint := []string{strings.Repeat("a", 40)}
	got := []refusal{
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("http://x.example.com"), ThumbprintList: thumbprint}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://x.example.com:8443"), ThumbprintList: thumbprint}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://x.example.com?q"), ThumbprintList: thumbprint}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://exists.example.com"), ThumbprintList: thumbprint}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://127.0.0.1:1")}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://x.example.com"), ThumbprintList: []string{"short"}}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://x.example.com/a/path"), ThumbprintList: thumbprint}),
		create(iam.CreateOpenIDConnectProviderInput{Url: aws.String("https://y.example.com"), ThumbprintList: thumbprint}),
	}
	want := []refusal{
		{400, "ValidationError", "Invalid Open ID Connect Provider URL"},
		{400, "InvalidInput", "Invalid Open ID Connect Provider URL"},
		{400, "InvalidInput", "Invalid Open ID Connect Provider URL"},
		{409, "EntityAlreadyExists", "Provider with url https://exists.example.com already exists."},
		{400, "OpenIdIdpCommunicationError", "Unable to connect to the OpenID Connect identity provider https://127.0.0.1:1"},
		{400, "ValidationError", "Thumbprint must be 40 hexadecimal characters"},
		{Status: 200},
		{409, "LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAudiencesAndTagsOfAProviderChangeOneByOne(t *testing.T) {
	srv := awstest.New(t)
	client, ctx := iamClient(srv, srv.Account.Admin), t.Context()
	arn := aws.String(srv.Account.AddProvider("https://oidc.example.com/id/A", "first"))
	for _, step := range []func() error{
		func() error {
			_, err := client.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("second")})
			return err
		},
		func() error {
			_, err := client.RemoveClientIDFromOpenIDConnectProvider(ctx, &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("first")})
			return err
		},
		func() error {
			_, err := client.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: []types.Tag{
				{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}})
			return err
		},
		func() error {
			_, err := client.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"a"}})
			return err
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	type provider struct {
		URL  string
		IDs  []string
		Tags string
	}
	if diff := cmp.Diff(provider{"oidc.example.com/id/A", []string{"second"}, "b=2"},
		provider{*got.Url, got.ClientIDList, *got.Tags[0].Key + "=" + *got.Tags[0].Value}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for range 2 { // deleting what is gone is no error
		if _, err := client.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}); err != nil {
			t.Error(err)
		}
	}
	_, err = client.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn})
	if got := refusalOf(err); got.Status != 404 || got.Code != "NoSuchEntity" {
		t.Errorf("after its end: %+v", got)
	}
}

func TestAUserMayDoWhatItsPoliciesSay(t *testing.T) {
	srv := awstest.New(t)
	srv.Account.AddRole("cart", "{}")
	client := iamClient(srv, srv.Account.AddUser("builder",
		`{"Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:DeleteRole"],"Resource":"*"},{"Effect":"Deny","Action":"iam:DeleteRole","Resource":"arn:aws:iam::*:role/cart"}]}`))
	_, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("cart")})
	if err != nil {
		t.Error(err)
	}
	_, err = client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("cart")})
	want := refusal{403, "AccessDenied", "User: arn:aws:iam::111122223333:user/builder is not authorized to perform: iam:DeleteRole on resource: arn:aws:iam::111122223333:role/cart because no identity-based policy allows the iam:DeleteRole action"}
	if diff := cmp.Diff(want, refusalOf(err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheSimulationJudgesPoliciesAndBoundary(t *testing.T) {
	srv := awstest.New(t)
	role := srv.Account.AddRole("cart", "{}")
	srv.Account.SetRolePolicy("cart", "p", `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Get*","Resource":"arn:aws:s3:::secret/*"}]}`)
	client := iamClient(srv, srv.Account.Admin)
	ask := func(ctx context.Context) []string {
		out, err := client.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &role, ActionNames: []string{"s3:GetObject", "s3:PutObject", "iam:GetRole"}, ResourceArns: []string{"arn:aws:s3:::secret/x", "arn:aws:s3:::open/x"},
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range out.EvaluationResults {
			got = append(got, *r.EvalActionName+" "+*r.EvalResourceName+" "+string(r.EvalDecision))
		}
		return got
	}
	want := []string{
		"s3:GetObject arn:aws:s3:::secret/x explicitDeny", "s3:GetObject arn:aws:s3:::open/x allowed",
		"s3:PutObject arn:aws:s3:::secret/x allowed", "s3:PutObject arn:aws:s3:::open/x allowed",
		"iam:GetRole arn:aws:s3:::secret/x implicitDeny", "iam:GetRole arn:aws:s3:::open/x implicitDeny",
	}
	if diff := cmp.Diff(want, ask(t.Context())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := client.PutRolePermissionsBoundary(t.Context(), &iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("cart"), PermissionsBoundary: aws.String(readOnly)}); err != nil {
		t.Fatal(err)
	}
	want[2], want[3] = "s3:PutObject arn:aws:s3:::secret/x implicitDeny", "s3:PutObject arn:aws:s3:::open/x implicitDeny"
	if diff := cmp.Diff(want, ask(t.Context())); diff != "" {
		t.Errorf("within a boundary (-want +got):\n%s", diff)
	}
}

func TestNewRolesAndProvidersAreSeenLate(t *testing.T) {
	srv := awstest.New(t, awstest.Options{RoleLag: 1, ProviderLag: 2})
	issuer := published(t, srv, "P-256")
	client := iamClient(srv, srv.Account.Admin)
	provider, err := client.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &issuer.URL, ClientIDList: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	role, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("cart"), AssumeRolePolicyDocument: aws.String(awstest.TrustPolicy(*provider.OpenIDConnectProviderArn, audience, subject))})
	if err != nil {
		t.Fatal(err)
	}
	token := issuer.Mint("shop", "cart", audience)
	var got []string
	for range 4 {
		_, err := exchange(t, srv, &sts.AssumeRoleWithWebIdentityInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("me"), WebIdentityToken: &token})
		got = append(got, refusalOf(err).Code)
	}
	if diff := cmp.Diff([]string{"InvalidIdentityToken", "InvalidIdentityToken", "AccessDenied", ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
