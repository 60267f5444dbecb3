// Package bindings lists which ServiceAccount of a cluster is bound to which
// role, from both sides: the annotations in the cluster and the trust policies
// in IAM. It judges whole tables cheaply; package doctor judges one chain to
// the bottom.
package bindings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// Status is what is known of one binding.
type Status string

// What a binding can be.
const (
	Bound        Status = "bound"         // annotated, and the role lets it in
	NotTrusted   Status = "not trusted"   // annotated, and the role refuses it
	RoleMissing  Status = "role missing"  // annotated with a role that is not there
	NotAnnotated Status = "not annotated" // the role would let it in, and it says nothing
	AccountGone  Status = "sa missing"    // the role would let in a ServiceAccount that is not there
	BadARN       Status = "bad role arn"  // annotated with what is no ARN
	Unknown      Status = "unknown"       // IAM could not be read, or belongs to another account
)

// Dangling reports whether one side of the binding is missing.
func (s Status) Dangling() bool {
	return s == RoleMissing || s == AccountGone || s == BadARN
}

// Binding is one ServiceAccount and one role.
type Binding struct {
	Namespace      string
	ServiceAccount string
	RoleARN        string
	Audience       string
	Pods           int // that run as the ServiceAccount, by their spec
	Status         Status
	Detail         string // why, where the status alone does not say it
}

// Account is what the cluster says of a ServiceAccount that matters here.
type Account struct {
	Namespace, Name   string
	RoleARN, Audience string // annotations; Audience "" is the default
	Pods              int
}

// Roles are the roles of one AWS account.
type Roles struct {
	Account string            // twelve digits
	Trust   map[string]string // trust policies by the role's ARN, as IAM gives them
	Issuer  string            // the cluster's, without https://
}

// policy parses a role's trust policy.
func (r *Roles) policy(arn string) (*trustpolicy.Policy, error) {
	document, err := trustpolicy.Decode(r.Trust[arn])
	if err != nil {
		return nil, fmt.Errorf("its trust policy cannot be read: %w", err)
	}
	policy, err := trustpolicy.Parse(document)
	if err != nil {
		return nil, fmt.Errorf("its trust policy cannot be read: %w", err)
	}
	return policy, nil
}

// Join brings the two sides together: a binding for each annotated
// ServiceAccount, and one for each ServiceAccount that a trust policy names
// and that has no annotation, or is not there. A nil roles means that IAM was
// not read, and why is said by err.
func Join(accounts []Account, provider func(account, partition string) string, roles *Roles, err error) []Binding {
	byName := map[[2]string]Account{}
	var all []Binding
	for _, a := range accounts {
		byName[[2]string{a.Namespace, a.Name}] = a
		if a.RoleARN != "" {
			all = append(all, judge(a, provider, roles, err))
		}
	}
	if roles != nil {
		all = append(all, unanswered(byName, provider, roles)...)
	}
	slices.SortFunc(all, func(x, y Binding) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.ServiceAccount, y.ServiceAccount), cmp.Compare(x.RoleARN, y.RoleARN))
	})
	return all
}

func judge(a Account, provider func(account, partition string) string, roles *Roles, err error) Binding {
	b := Binding{Namespace: a.Namespace, ServiceAccount: a.Name, RoleARN: a.RoleARN, Audience: a.Audience, Pods: a.Pods}
	if b.Audience == "" {
		b.Audience = irsa.DefaultAudience
	}
	arn, parseErr := irsa.ParseRoleARN(a.RoleARN, irsa.TwelveDigits)
	switch {
	case parseErr != nil:
		b.Status, b.Detail = BadARN, parseErr.Error()
		return b
	case roles == nil:
		b.Status, b.Detail = Unknown, "IAM was not read"
		if err != nil {
			b.Detail = err.Error()
		}
		return b
	case roles.Account == "":
		b.Status, b.Detail = Unknown, "IAM lists no role, which leaves open which account that is"
		return b
	case roles.Account != arn.Account:
		b.Status, b.Detail = Unknown, "the role is in account "+arn.Account+", the credentials are for "+roles.Account
		return b
	}
	if _, there := roles.Trust[a.RoleARN]; !there {
		b.Status = RoleMissing
		return b
	}
	policy, err := roles.policy(a.RoleARN)
	if err != nil {
		b.Status, b.Detail = Unknown, err.Error()
		return b
	}
	evaluation := trustpolicy.Evaluate(policy,
		trustpolicy.WebIdentity(provider(arn.Account, arn.Partition), b.Audience, irsa.Subject(a.Namespace, a.Name)))
	switch {
	case evaluation.Decision == trustpolicy.Allowed:
		b.Status = Bound
	case evaluation.Decision.Denied():
		b.Status, b.Detail = NotTrusted, whyNot(evaluation)
	default:
		b.Status, b.Detail = Unknown, "its trust policy has conditions that cannot be judged from here"
	}
	return b
}

// whyNot says where a refusal is not for the ServiceAccount alone.
func whyNot(e *trustpolicy.Evaluation) string {
	for _, t := range e.Statements {
		if t.Effect == trustpolicy.Allow && t.Checks[0].Kind == trustpolicy.PrincipalCheck && t.Checks[0].Result != trustpolicy.False {
			return ""
		}
	}
	return "its trust policy does not name this cluster's issuer"
}

// unanswered are the ServiceAccounts that trust policies name by their exact
// subject, and let in, and that do not name the role in return.
func unanswered(accounts map[[2]string]Account, provider func(account, partition string) string, roles *Roles) (all []Binding) {
	for arn, trust := range roles.Trust {
		if !strings.Contains(trust, "serviceaccount") {
			continue // most roles of an account, which are not worth a parser
		}
		policy, err := roles.policy(arn)
		role, arnErr := irsa.ParseRoleARN(arn, irsa.AnyAccount)
		if err != nil || arnErr != nil {
			continue
		}
		seen := map[[2]string]bool{}
		for _, grant := range trustpolicy.Grants(policy) {
			if grant.Issuer != roles.Issuer {
				continue // the ServiceAccounts of another cluster
			}
			for _, subject := range grant.Subjects {
				namespace, name, ok := irsa.ParseSubject(subject.Text)
				key := [2]string{namespace, name}
				if !ok || subject.Pattern || seen[key] {
					continue
				}
				seen[key] = true
				account, exists := accounts[key]
				if account.RoleARN == arn {
					continue
				}
				b := Binding{Namespace: namespace, ServiceAccount: name, RoleARN: arn, Pods: account.Pods, Status: NotAnnotated}
				audience := irsa.DefaultAudience
				if len(grant.Audiences) > 0 {
					b.Audience, audience = grant.Audiences[0], grant.Audiences[0]
				}
				request := trustpolicy.WebIdentity(provider(role.Account, role.Partition), audience, subject.Text)
				if trustpolicy.Evaluate(policy, request).Decision.Denied() {
					continue
				}
				if !exists {
					b.Status = AccountGone
				} else if account.RoleARN != "" {
					b.Detail = "it is annotated with " + account.RoleARN
				}
				all = append(all, b)
			}
		}
	}
	return all
}
