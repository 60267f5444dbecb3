package bindings

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Scope is which ServiceAccounts are looked at.
type Scope struct {
	Namespace string // "" is all
	Selector  string // of labels, as kubectl has it
	PageSize  int64  // objects to a request
}

// Sources are where the two sides are read.
type Sources struct {
	Core   corev1client.CoreV1Interface
	Issuer func(context.Context) (string, error) // the cluster's issuer
	IAM    roleLister                            // nil where there are no credentials
	NoIAM  error                                 // why IAM is nil
}

// roleLister is the part of IAM that is read.
type roleLister interface {
	ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error)
}

// Table is what Collect found. A side that could not be read leaves its reason
// and the other side stands.
type Table struct {
	Bindings  []Binding
	Issuer    string
	IssuerErr error
	IAMErr    error // why roles are unknown
	PodsErr   error // why pods are not counted
}

// Collect reads the ServiceAccounts, the pods, the issuer and the roles side by
// side, page by page, and keeps of each object only what the table needs. Its
// error is that of the ServiceAccounts; without them there is no table.
func Collect(ctx context.Context, s Sources, scope Scope) (Table, error) {
	var (
		table    Table
		accounts []Account
		pods     map[[2]string]int
		trust    map[string]string
		listErr  error
		side     sync.WaitGroup
	)
	side.Go(func() { accounts, listErr = listAccounts(ctx, s.Core, scope) })
	side.Go(func() { pods, table.PodsErr = countPods(ctx, s.Core, scope) })
	side.Go(func() { table.Issuer, table.IssuerErr = s.Issuer(ctx) })
	side.Go(func() {
		if s.IAM == nil {
			table.IAMErr = s.NoIAM
			return
		}
		trust, table.IAMErr = listRoles(ctx, s.IAM)
	})
	side.Wait()
	if listErr != nil {
		return table, listErr
	}
	for i := range accounts {
		accounts[i].Pods = pods[[2]string{accounts[i].Namespace, accounts[i].Name}]
	}
	var roles *Roles
	switch {
	case table.IAMErr != nil:
	case table.IssuerErr != nil:
		table.IAMErr = fmt.Errorf("the cluster's issuer is not known: %w", table.IssuerErr)
	default:
		roles = rolesOf(trust, table.Issuer)
	}
	provider := func(account, partition string) string { return irsa.ProviderARN(partition, account, table.Issuer) }
	for _, b := range Join(accounts, provider, roles, table.IAMErr) {
		if scope.has(b) {
			table.Bindings = append(table.Bindings, b)
		}
	}
	return table, nil
}

// has keeps ServiceAccounts that only a trust policy names out of a table that
// was narrowed: nobody looked whether they are there.
func (s Scope) has(b Binding) bool {
	if s.Namespace != "" && b.Namespace != s.Namespace {
		return false
	}
	return s.Selector == "" || b.Status != AccountGone && b.Status != NotAnnotated
}

func listAccounts(ctx context.Context, core corev1client.CoreV1Interface, scope Scope) ([]Account, error) {
	var all []Account
	options := metav1.ListOptions{Limit: scope.PageSize, LabelSelector: scope.Selector}
	for {
		page, err := core.ServiceAccounts(scope.Namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing serviceaccounts: %w", err)
		}
		for i := range page.Items {
			item := &page.Items[i]
			all = append(all, Account{
				Namespace: strings.Clone(item.Namespace), Name: strings.Clone(item.Name),
				RoleARN:  strings.Clone(item.Annotations[irsa.AnnotationRoleARN]),
				Audience: strings.Clone(item.Annotations[irsa.AnnotationAudience]),
			})
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return all, nil
		}
	}
}

func countPods(ctx context.Context, core corev1client.CoreV1Interface, scope Scope) (map[[2]string]int, error) {
	counts := map[[2]string]int{}
	options := metav1.ListOptions{Limit: scope.PageSize, FieldSelector: "status.phase!=Succeeded,status.phase!=Failed"}
	for {
		page, err := core.Pods(scope.Namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing pods: %w", err)
		}
		for i := range page.Items {
			counts[accountOf(&page.Items[i])]++
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return counts, nil
		}
	}
}

func accountOf(pod *corev1.Pod) [2]string {
	name := pod.Spec.ServiceAccountName
	if name == "" {
		name = "default"
	}
	return [2]string{pod.Namespace, name}
}

// listRoles reads the trust policy of every role: ListRoles brings it along, and
// no tags and no boundary.
func listRoles(ctx context.Context, client roleLister) (map[string]string, error) {
	trust := map[string]string{}
	in := &iam.ListRolesInput{MaxItems: aws.Int32(1000)}
	for {
		page, err := client.ListRoles(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("listing roles: %w", awsapi.Brief(err))
		}
		for _, role := range page.Roles {
			trust[aws.ToString(role.Arn)] = aws.ToString(role.AssumeRolePolicyDocument)
		}
		if !page.IsTruncated {
			return trust, nil
		}
		in.Marker = page.Marker
	}
}

// rolesOf are the roles of one account, which their ARNs name.
func rolesOf(trust map[string]string, issuer string) *Roles {
	roles := &Roles{Trust: trust, Issuer: strings.TrimPrefix(issuer, "https://")}
	for arn := range trust {
		if parsed, err := irsa.ParseRoleARN(arn, irsa.AnyAccount); err == nil {
			roles.Account = parsed.Account
			break
		}
	}
	return roles
}
