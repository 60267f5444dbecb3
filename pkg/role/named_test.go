package role

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// nobody is an STS that is not to be asked.
type nobody struct{}

func (nobody) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return nil, errors.New("STS was asked")
}

func TestAnARNNamesARoleWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		named string
		found bool
		err   string
		asks  []string
	}{
		"a name is that of this account":       {named: "cart", found: true, asks: []string{"iam:GetRole"}},
		"a name that is not there":             {named: "web", asks: []string{"iam:GetRole"}},
		"the ARN of a role that is there":      {named: "arn:aws:iam::111122223333:role/cart", found: true, asks: []string{"iam:GetRole"}},
		"the ARN of one of this account":       {named: "arn:aws:iam::111122223333:role/web", asks: []string{"iam:GetRole", "sts:GetCallerIdentity"}},
		"of another account, with a namesake":  {named: "arn:aws:iam::999999999999:role/cart", err: "arn:aws:iam::999999999999:role/cart is a role of account 999999999999, and these credentials are of account 111122223333, where arn:aws:iam::111122223333:role/cart is another role", asks: []string{"iam:GetRole"}},
		"of another account, without one":      {named: "arn:aws:iam::999999999999:role/web", err: "arn:aws:iam::999999999999:role/web is a role of account 999999999999, and these credentials are of account 111122223333", asks: []string{"iam:GetRole", "sts:GetCallerIdentity"}},
		"of another partition":                 {named: "arn:aws-cn:iam::111122223333:role/web", err: "arn:aws-cn:iam::111122223333:role/web is a role of account 111122223333 of aws-cn, and these credentials are of account 111122223333 of aws", asks: []string{"iam:GetRole", "sts:GetCallerIdentity"}},
		"of another path":                      {named: "arn:aws:iam::111122223333:role/team/cart", err: "there is no arn:aws:iam::111122223333:role/team/cart: the role of that name is arn:aws:iam::111122223333:role/cart", asks: []string{"iam:GetRole"}},
		"of a path where the name is not used": {named: "arn:aws:iam::111122223333:role/team/web", asks: []string{"iam:GetRole", "sts:GetCallerIdentity"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Account.AddRole("cart", theirs)
			named, err := Named(tc.named)
			if err != nil {
				t.Fatal(err)
			}
			found, err := Find(t.Context(), client, sts.NewFromConfig(server.Config()), named)
			if text := errorText(err); text != tc.err || (found != nil) != tc.found {
				t.Errorf("found %v, error %q\nwant %v, %q", found != nil, text, tc.found, tc.err)
			}
			if diff := cmp.Diff(tc.asks, awstest.Names(server.Requests())); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Every step that is given an ARN of another account leaves the role of the same
// name alone, and nobody but the provider tells which account this is.
func TestARoleElsewhereIsInTheWay(t *testing.T) {
	elsewhere := irsa.RoleARN{Partition: "aws", Account: "999999999999", Path: "/", Name: "theirs"}
	for name, tc := range map[string]struct {
		steps  func(IAM, irsa.RoleARN) []plan.Step
		remedy string
	}{
		"of making or binding": {
			steps: func(c IAM, named irsa.RoleARN) []plan.Step {
				e := ensure(c, Spec{Name: named.Name}, cart)
				e.Named, e.Foreign, e.MadeUp, e.Instead = named, true, false, ", or another"
				return e.Steps()
			},
			remedy: "; choose credentials of account 999999999999 with --aws-profile, or another",
		},
		"of trusting": {
			steps: func(c IAM, named irsa.RoleARN) []plan.Step {
				e := ensure(c, Spec{Name: named.Name}, cart)
				e.Named, e.Existing, e.Foreign = named, true, true
				return e.Steps()
			},
			remedy: "; choose credentials of account 999999999999 with --aws-profile",
		},
		"of unbinding": {
			steps: func(c IAM, named irsa.RoleARN) []plan.Step {
				return []plan.Step{(&Untrust{IAM: c, STS: nobody{}, Role: named, Issuer: issuer, Subject: cart, Provider: known(providerARN), Own: true, Instead: ", or another"}).Step()}
			},
			remedy: "; choose credentials of account 999999999999 with --aws-profile, or another",
		},
	} {
		for _, there := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				server, client := start(t)
				what := "arn:aws:iam::999999999999:role/theirs is a role of account 999999999999, and these credentials are of account 111122223333"
				if there {
					own(t, server, client, "theirs", trusting(t, cart))
					what += ", where arn:aws:iam::111122223333:role/theirs is another role"
				}
				server.ForgetRequests()
				outlook, _ := run(t, tc.steps(client, elsewhere))
				if outlook[0].State != plan.Conflict || outlook[0].Detail != what+tc.remedy || len(changes(server)) > 0 {
					t.Errorf("there %v: %s: %s, changed %v", there, outlook[0].State, outlook[0].Detail, changes(server))
				}
			})
		}
	}
}

// own makes a role as this program makes it for the issuer.
func own(t *testing.T, server *awstest.Server, client *iam.Client, name, trust string) {
	t.Helper()
	server.Account.AddRole(name, trust)
	if _, err := client.TagRole(t.Context(), &iam.TagRoleInput{RoleName: &name, Tags: awsapi.IAMTags(irsa.Mark(nil, issuer))}); err != nil {
		t.Fatal(err)
	}
}

// trusting is the trust policy of a role for subjects.
func trusting(t *testing.T, subjects ...string) string {
	t.Helper()
	document, err := ensure(nil, Spec{}, subjects...).newTrust(providerARN)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

func TestARoleWhoseNameNobodyChoseIsNotShared(t *testing.T) {
	const web = "system:serviceaccount:shop:web"
	for name, tc := range map[string]struct {
		trust  string
		chosen bool
		state  plan.State // of the role's own step
		detail string
	}{
		"it was made for another":         {trust: trusting(t, web), state: plan.Conflict, detail: "theirs was made for " + web + "; name another with --role"},
		"it was named":                    {trust: trusting(t, web), chosen: true, state: plan.Done, detail: "arn:aws:iam::111122223333:role/theirs"},
		"it was made for both":            {trust: trusting(t, web, cart), state: plan.Done, detail: "arn:aws:iam::111122223333:role/theirs"},
		"a pattern lets it in":            {trust: trusting(t, "system:serviceaccount:shop:*"), state: plan.Done, detail: "arn:aws:iam::111122223333:role/theirs"},
		"a pattern of others":             {trust: trusting(t, "system:serviceaccount:pay:*"), state: plan.Conflict, detail: "theirs was made for system:serviceaccount:pay:*; name another with --role"},
		"nobody of the issuer is trusted": {trust: theirs, state: plan.Done, detail: "arn:aws:iam::111122223333:role/theirs"},
		"others of another issuer are":    {trust: strings.ReplaceAll(trusting(t, web), "oidc.example.com/blue", "oidc.example.com/green"), state: plan.Done, detail: "arn:aws:iam::111122223333:role/theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			own(t, server, client, "theirs", tc.trust)
			e := ensure(client, Spec{Name: "theirs"}, cart)
			e.MadeUp, e.Foreign, e.Apart = !tc.chosen, tc.chosen, true
			server.ForgetRequests()
			outlook, _ := run(t, e.Steps())
			if outlook[0].State != tc.state || outlook[0].Detail != tc.detail || tc.state == plan.Conflict && len(changes(server)) > 0 {
				t.Errorf("%s: %s, changed %v; want %s: %s", outlook[0].State, outlook[0].Detail, changes(server), tc.state, tc.detail)
			}
		})
	}
}

// What an annotation names is the role, or the one that is to be made in its
// place, only where all of the ARN is the same.
func TestAnAnnotationNamesTheRoleWhole(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:role/team/cart"
	here := irsa.RoleARN{Partition: "aws", Account: "111122223333"}
	away := errors.New("away")
	for name, tc := range map[string]struct {
		arn   string
		found *Role
		like  irsa.RoleARN
		err   error // of who says whose credentials these are
		want  bool
		asks  bool
	}{
		"the role that is there":              {arn: arn, found: &Role{ARN: arn}, want: true},
		"one of another path":                 {arn: arn, found: &Role{ARN: "arn:aws:iam::111122223333:role/cart"}},
		"one of another account":              {arn: arn, found: &Role{ARN: "arn:aws:iam::999999999999:role/team/cart"}},
		"a role that is to be made":           {arn: arn, like: irsa.RoleARN{Path: "/team/", Name: "cart"}, want: true, asks: true},
		"to be made below another path":       {arn: arn, like: irsa.RoleARN{Path: "/", Name: "cart"}},
		"to be made below a longer path":      {arn: arn, like: irsa.RoleARN{Path: "/team/a/", Name: "cart"}},
		"of a path that nobody named":         {arn: arn, like: irsa.RoleARN{Name: "cart"}, want: true, asks: true},
		"of another name":                     {arn: arn, like: irsa.RoleARN{Path: "/team/", Name: "web"}},
		"to be made in another account":       {arn: "arn:aws:iam::999999999999:role/team/cart", like: irsa.RoleARN{Path: "/team/", Name: "cart"}, asks: true},
		"to be made in another partition":     {arn: "arn:aws-cn:iam::111122223333:role/team/cart", like: irsa.RoleARN{Path: "/team/", Name: "cart"}, asks: true},
		"to be made in an account not known":  {arn: arn, like: irsa.RoleARN{Path: "/team/", Name: "cart"}, err: away, asks: true},
		"what is no ARN names none":           {arn: "cart", like: irsa.RoleARN{Name: "cart"}},
		"an annotation that is empty":         {arn: "", like: irsa.RoleARN{Name: "cart"}},
		"a user of the name is no role of it": {arn: "arn:aws:iam::111122223333:user/team/cart", like: irsa.RoleARN{Name: "cart"}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			got, err := names(t.Context(), tc.arn, tc.found, tc.like, func(context.Context) (irsa.RoleARN, error) {
				if asked = true; tc.err != nil {
					return irsa.RoleARN{}, tc.err
				}
				return here, nil
			})
			if got != tc.want || asked != tc.asks || !errors.Is(err, tc.err) {
				t.Errorf("%v, asked %v, error %v; want %v, %v, %v", got, asked, err, tc.want, tc.asks, tc.err)
			}
		})
	}
}
