package doctor

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

func bindingChecks() []SurveyCheck {
	return []SurveyCheck{
		{ID: "bindings-hold", Link: linkRole, Title: "every role that is named trusts who names it", Run: bindingsHold},
	}
}

// bindingsHold holds every annotated ServiceAccount against the checks of a role
// that inspect has, with one list of the account's roles in place of a GetRole
// for each.
func bindingsHold(s Survey) Result {
	a := s.Sweep.Accounts
	switch {
	case a.Err != nil:
		return unread("ServiceAccounts", a.Err)
	case len(a.Value.Annotated) == 0:
		return skip("no ServiceAccount names a role")
	case s.AllRoles.Err != nil:
		return withheld("iam:ListRoles", s.AllRoles.Err)
	}
	byName := s.rolesByName()
	var broken, open []string
	cause, held := "", 0
	names := slices.SortedFunc(maps.Keys(a.Value.Annotated), func(x, y Named) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	for _, n := range names {
		f := s.bound(n, a.Value.Annotated[n], byName)
		if f.Role.Err != nil {
			continue // annotations-valid says so
		}
		r := roleOfOne(f)
		line, _, _ := strings.Cut(r.Detail, "\n")
		line = n.Namespace + "/" + n.Name + ": role " + f.Role.Value.Name + ": " + line
		switch {
		case r.Status == check.Fail:
			cause = cmp.Or(cause, r.Cause)
			broken = append(broken, line)
		case r.Status == check.Unknown:
			open = append(open, line)
		default:
			held++
		}
	}
	switch {
	case len(broken) > 0:
		return listed(broken, fail(cause, ""), "refused to their ServiceAccounts: %d", s.inspect("sa"))
	case len(open) > 0:
		return listed(open, unknown(""), "not to be judged: %d", s.inspect("sa"))
	}
	return pass("%s", counted(held, "ServiceAccount"))
}

// roleOfOne is the first check of a role that does not hold.
func roleOfOne(f Facts) Result {
	for _, judge := range []func(Facts) Result{roleExists, trustPolicyValid, roleTrusts} {
		if r := judge(f); r.Status != check.Pass {
			return r
		}
	}
	return pass("")
}

// rolesByName are the account's roles as GetRole finds them.
func (s Survey) rolesByName() map[string]Role {
	byName := map[string]Role{}
	for _, r := range s.AllRoles.Value {
		byName[r.ARN[strings.LastIndex(r.ARN, "/")+1:]] = r
	}
	return byName
}

// bound are the facts of one ServiceAccount and its role, as inspect would have
// them but for the exchange.
func (s Survey) bound(n Named, says SweptAnnotations, byName map[string]Role) Facts {
	f := s.Facts
	f.Namespace, f.ServiceAccount = n.Namespace, n.Name
	f.RoleText, f.WantedAudience = says.Role, orDefault(says.Audience)
	f.Issuer = cmp.Or(f.Issuer, s.Plain.Value.Parsed.Claims.Issuer)
	f.Role = check.Know(irsa.ParseRoleARN(says.Role, f.AnyAccount))
	f.IAMRole = Known[Role]{Err: &types.NoSuchEntityException{}}
	f.STS = Known[Exchange]{Err: ErrNotAsked}
	if r, there := byName[f.Role.Value.Name]; there {
		f.IAMRole = Known[Role]{Value: r}
	}
	if f.Caller.Err == nil && f.Caller.Value.Account != f.Role.Value.Account {
		f.IAMRole = Known[Role]{Err: &elsewhere{f.Caller.Value.Account, f.Role.Value.Account}}
	}
	return f
}
