package role

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/kubetest"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

const (
	ourARN   = "arn:aws:iam::111122223333:role/theirs"
	otherARN = "arn:aws:iam::111122223333:role/other"
)

// says are the annotations of a ServiceAccount: role, audience, and what of them
// binding wrote.
func says(role, audience, owned string) map[string]string {
	annotations := map[string]string{"stays": "here"}
	for key, value := range map[string]string{irsa.AnnotationRoleARN: role, irsa.AnnotationAudience: audience, irsa.AnnotationOwned: owned} {
		if value != "" {
			annotations[key] = value
		}
	}
	return annotations
}

// shop is a cluster with a ServiceAccount cart, unless it is missing.
func shop(t *testing.T, annotations map[string]string) (*kubetest.Server, *Account) {
	t.Helper()
	server := kubetest.New(t)
	server.AddNamespace("shop")
	if annotations != nil {
		server.AddServiceAccount("shop", "cart", annotations)
	}
	client, err := corev1client.NewForConfig(server.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return server, &Account{Accounts: client.ServiceAccounts("shop"), Namespace: "shop", Name: "cart"}
}

type annotated struct {
	State  plan.State
	Detail string
	Left   map[string]string // the annotations, nil where there is no ServiceAccount
}

func outcome(server *kubetest.Server, o plan.Outlook) annotated {
	got := annotated{State: o.State, Detail: o.Detail}
	if account := server.ServiceAccount("shop", "cart"); account != nil {
		got.Left = account.Annotations
	}
	return got
}

func TestAnnotateReplacesOnlyWhatItIsTold(t *testing.T) {
	const usual = irsa.DefaultAudience
	for name, tc := range map[string]struct {
		has       map[string]string // nil is no ServiceAccount
		noRole    bool
		existing  bool
		audience  string
		overwrite bool
		want      annotated
	}{
		"it says nothing":                   {has: says("", "", ""), audience: usual, want: annotated{plan.Applied, "", says(ourARN, "", "role-arn")}},
		"it says nothing, another audience": {has: says("", "", ""), audience: "vault", want: annotated{plan.Applied, "", says(ourARN, "vault", "role-arn,audience")}},
		"it is missing":                     {audience: usual, want: annotated{plan.Applied, "it is created", map[string]string{irsa.AnnotationRoleARN: ourARN, irsa.AnnotationOwned: "role-arn"}}},
		"it says the same":                  {has: says(ourARN, "", ""), audience: usual, want: annotated{plan.Done, "", says(ourARN, "", "")}},
		"it says the same, audience too":    {has: says(ourARN, "vault", ""), audience: "vault", want: annotated{plan.Done, "", says(ourARN, "vault", "")}},
		"it says another role": {has: says(otherARN, "", "role-arn"), audience: usual,
			want: annotated{plan.Conflict, "it names the role " + otherARN + "; --overwrite replaces it", says(otherARN, "", "role-arn")}},
		"it says another role, which is to be replaced": {has: says(otherARN, "", ""), audience: usual, overwrite: true,
			want: annotated{plan.Applied, "in place of " + otherARN, says(ourARN, "", "role-arn")}},
		"it says another audience": {has: says(ourARN, "vault", ""), audience: usual,
			want: annotated{plan.Conflict, "it asks for the audience vault, not " + usual + "; --overwrite replaces it", says(ourARN, "vault", "")}},
		"it says another audience, which is to be replaced": {has: says(ourARN, "vault", ""), audience: usual, overwrite: true,
			want: annotated{plan.Applied, "", says(ourARN, "", "role-arn")}},
		"the role that must be there is not": {has: says("", "", ""), noRole: true, existing: true, audience: usual,
			want: annotated{plan.Conflict, "the account has no role theirs", says("", "", "")}},
	} {
		t.Run(name, func(t *testing.T) {
			cloud, client := start(t)
			if !tc.noRole {
				own(t, cloud, client, "theirs", trusting(t, cart))
			}
			server, account := shop(t, tc.has)
			e := ensure(client, Spec{Name: "theirs"}, cart)
			e.Existing = tc.existing
			a := &Annotate{Account: account, Role: e, Audience: tc.audience, Overwrite: tc.overwrite}
			outlook, _ := run(t, []plan.Step{a.Step()})
			if diff := cmp.Diff(tc.want, outcome(server, outlook[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A ServiceAccount that somebody else makes between the look and the apply is
// annotated all the same, and keeps what they wrote.
func TestAnAccountThatAppearsMeanwhileIsAnnotated(t *testing.T) {
	cloud, client := start(t)
	own(t, cloud, client, "theirs", trusting(t, cart))
	server, account := shop(t, nil)
	a := &Annotate{Account: account, Role: ensure(client, Spec{Name: "theirs"}, cart), Audience: irsa.DefaultAudience}
	outlook, err := plan.Look(t.Context(), []plan.Step{a.Step()})
	if err != nil {
		t.Fatal(err)
	}
	server.AddServiceAccount("shop", "cart", says("", "", ""))
	if err := plan.Apply(t.Context(), outlook, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(says(ourARN, "", "role-arn"), server.ServiceAccount("shop", "cart").Annotations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnannotateTakesAwayWhatBindingWrote(t *testing.T) {
	for name, tc := range map[string]struct {
		has  map[string]string
		want annotated
	}{
		"what binding wrote":           {says(ourARN, "", "role-arn"), annotated{plan.Applied, ourARN, says("", "", "")}},
		"with its audience":            {says(ourARN, "vault", "role-arn,audience"), annotated{plan.Applied, ourARN, says("", "", "")}},
		"beside somebody's audience":   {says(ourARN, "vault", "role-arn"), annotated{plan.Applied, ourARN, says("", "vault", "")}},
		"a role that somebody wrote":   {says(ourARN, "", ""), annotated{plan.Done, "its annotation was not written by kubectl irsa and stays:\nkubectl annotate sa cart -n shop " + irsa.AnnotationRoleARN + "-", says(ourARN, "", "")}},
		"another role":                 {says(otherARN, "", "role-arn"), annotated{plan.Done, "it names another role: " + otherARN, says(otherARN, "", "role-arn")}},
		"none":                         {says("", "", ""), annotated{plan.Done, "it names none", says("", "", "")}},
		"a mark that was left behind":  {says("", "", "role-arn"), annotated{plan.Applied, "", says("", "", "")}},
		"there is no such account any": {nil, annotated{plan.Done, "there is no such serviceaccount", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			cloud, client := start(t)
			own(t, cloud, client, "theirs", trusting(t, cart))
			server, account := shop(t, tc.has)
			role := &Untrust{IAM: client, STS: nobody{}, Role: irsa.RoleARN{Name: "theirs"}, Issuer: issuer, Subject: cart, Provider: known(providerARN), Own: true}
			outlook, err := run(t, []plan.Step{(&Unannotate{Account: account, Role: role}).Step()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, outcome(server, outlook[0])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
