package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/lazyregexp"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/trustpolicy"
)

// meantRole is a role of the account that may be meant.
type meantRole struct {
	arn, name, account string
	trusts             bool // this ServiceAccount
	byName             bool // it names the ServiceAccount, and no pattern lets it in
}

func (m meantRole) about() string {
	if m.trusts {
		return fmt.Sprintf("role %s of account %s trusts this ServiceAccount", m.name, m.account)
	}
	return fmt.Sprintf("account %s has a role %s", m.account, m.name)
}

// mostMeant is how many roles are offered at most.
const mostMeant = 2

// meant are the roles of the account that trust this ServiceAccount already, and
// those whose name is a slip away from the one that was given ("" for none).
func (f Facts) meant(name string) []meantRole {
	var all []meantRole
	names := map[string]bool{}
	for _, r := range f.Roles.Value {
		role, err := irsa.ParseRoleARN(r.ARN, f.AnyAccount)
		if err != nil {
			continue
		}
		m := meantRole{arn: r.ARN, name: role.Name, account: role.Account}
		m.trusts, m.byName = f.letIn(role, r.Trust)
		names[m.name] = true
		all = append(all, m)
	}
	var near []string
	if name != "" {
		near = hint.Nearest(name, slices.Sorted(maps.Keys(names)))
	}
	all = slices.DeleteFunc(all, func(m meantRole) bool { return !m.trusts && !slices.Contains(near, m.name) })
	rank := func(m meantRole) int {
		switch {
		case m.byName:
			return 0
		case m.trusts:
			return 1
		}
		return 2 + slices.Index(near, m.name)
	}
	slices.SortStableFunc(all, func(a, b meantRole) int { return cmp.Compare(rank(a), rank(b)) })
	return all[:min(len(all), mostMeant)]
}

// letIn reports whether a trust policy lets this ServiceAccount in, and whether
// it does so by name.
func (f Facts) letIn(role irsa.RoleARN, trust string) (trusts, byName bool) {
	policy, err := trustpolicy.Parse([]byte(trust))
	if err != nil || f.Issuer == "" {
		return false, false
	}
	provider := ProviderARN(role, f.Issuer)
	subject := irsa.Subject(f.Namespace, f.ServiceAccount)
	e := trustpolicy.Evaluate(policy, trustpolicy.WebIdentity(provider, f.WantedAudience, subject))
	trusts = e.Decision == trustpolicy.Allowed
	return trusts, trusts && slices.Contains(namedIn(policy, provider), Named{f.Namespace, f.ServiceAccount})
}

// useRole is the line that has a role taken in place of the one that was.
func (f Facts) useRole(arn string) string {
	if f.RoleFromFlag {
		other := f.Target
		other.RoleARN = arn
		return other.look("", "inspect sa %s", f.ServiceAccount)
	}
	return f.annotate(arn)
}

// nameRole are the lines that give the ServiceAccount a role where it names
// none that there could be; text is what it names.
func (f Facts) nameRole(text string) (about string, lines []string) {
	named := roleIn(text)
	for _, m := range f.meant("") {
		if about == "" {
			about = m.about()
		}
		lines = append(lines, f.useRole(m.arn))
	}
	switch {
	case len(lines) > 0 || f.RoleFromFlag:
	case f.noProviderSeen():
		lines = []string{f.buildHere("setup %s", f.ServiceAccount)}
	case text == "":
		lines = []string{f.buildHere("bind %s", f.ServiceAccount)}
	case named == "":
		lines = []string{f.buildHere("bind %s --overwrite", f.ServiceAccount)}
	default:
		lines = []string{f.buildHere("bind %s --role %s --overwrite", f.ServiceAccount, named)}
	}
	return about, lines
}

// noProviderSeen reports that the account of the credentials has no provider
// for the issuer: a role alone would be of no use.
func (f Facts) noProviderSeen() bool {
	return f.Providers.Err == nil && f.Issuer != "" && !slices.ContainsFunc(f.Providers.Value, func(arn string) bool {
		return strings.HasSuffix(arn, ":oidc-provider/"+hostPath(f.Issuer))
	})
}

var roleName = lazyregexp.New(`(?:assumed-role/|role/(?:[^/\s]+/)*)([\w+=,.@-]{1,64})(?:/|["'\s]*$)`)

// roleIn is the name of a role in a text that is no ARN of one, "" where there
// is none.
func roleIn(text string) string {
	if m := roleName().FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
