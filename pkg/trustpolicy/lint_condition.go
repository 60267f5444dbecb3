package trustpolicy

import (
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// operators judges what is written in the conditions, whatever they are for.
func (l *linter) operators() {
	st := l.statement
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if !c.Operator.Known() {
			l.report("", Warn, c.name, Patch{}, "%s is no condition operator that IAM documents", c.Operator)
		}
		for j := range c.Keys {
			k := &c.Keys[j]
			if k.twice {
				l.report("ROLE3", Warn, k.name, Patch{}, "the key %s is there twice, in different case", k.Key)
			}
			for n := range k.Values {
				if v := &k.Values[n]; strings.Contains(v.Text, "${") && !l.policy.variables() {
					l.report("ROLE4", Warn, v.Span, Patch{}, "%q has a policy variable, which is plain text without \"Version\": %q", v.Text, Version2012)
				}
			}
		}
	}
}

// each visits the keys of the statement's conditions, until the answer is full.
func (l *linter) each(visit func(c *Condition, k *ConditionKey)) {
	for i := range l.statement.Conditions {
		c := &l.statement.Conditions[i]
		for j := range c.Keys {
			if len(l.findings) < maxFindings {
				visit(c, &c.Keys[j])
			}
		}
	}
}

// keys judges which keys are asked and by what operators.
func (l *linter) keys() {
	p, st := l.policy, l.statement
	providers := st.providers()
	l.each(func(c *Condition, k *ConditionKey) {
		prefix, claim := claimOf(k.Key)
		if !providerKey(k.Key) || len(providers) == 0 {
			return // a key of AWS
		}
		near := ""
		for _, provider := range providers {
			if want := cleanPrefix(provider); near == "" || sameIssuer(prefix, want) {
				near = want
			}
		}
		switch {
		case !st.owns(prefix):
			patch := Patch{}
			if len(providers) == 1 || sameIssuer(prefix, near) {
				patch = p.patch("use the key of this provider", p.edit(k.name, quote(near+":"+claim)))
			}
			l.report("ROLE3", Fail, k.name, patch, "the key %s belongs to another issuer: this provider's keys begin with %s", k.Key, near)
		case MeantClaim(claim) != claim:
			meant := MeantClaim(claim)
			l.report("ROLE3", Fail, k.name, p.patch("use the key "+meant, p.edit(k.name, quote(prefix+":"+meant))),
				"no token has a claim %s: the key should be %s:%s", claim, prefix, meant)
		case !knownClaim(claim):
			l.report("ROLE3", Warn, k.name, Patch{}, "%s is no claim IAM makes a condition key of for every provider: a token may not satisfy it", claim)
		}
		if claim != "aud" && claim != "sub" || c.Operator.negated || c.Operator.family == null {
			return
		}
		l.absence(c, k, claim)
		l.wildcards(c, k, claim)
	})
}

// cleanPrefix is the prefix of a provider's condition keys, also where its ARN
// has a scheme or a slash too many.
func cleanPrefix(provider string) string {
	prefix := ConditionPrefix(provider)
	prefix = strings.TrimPrefix(strings.TrimPrefix(prefix, "https://"), "http://")
	return strings.TrimRight(prefix, "/")
}

// owns reports whether keys with this prefix are those of a provider the
// statement names.
func (st *Statement) owns(prefix string) bool {
	return slices.ContainsFunc(st.providers(), func(provider string) bool {
		return strings.EqualFold(prefix, cleanPrefix(provider))
	})
}

// knownClaim reports whether a claim is a key with every OIDC provider:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif.
func knownClaim(claim string) bool {
	switch claim {
	case "aud", "sub", "amr", "oaud", "azp", "email", "id":
		return true
	}
	return false
}

// MeantClaim is the claim that a slip of one letter made another of, a claim
// itself where it may be meant as it is.
func MeantClaim(claim string) string {
	if knownClaim(claim) {
		return claim
	}
	for _, meant := range []string{"sub", "aud"} {
		if hint.Distance(claim, meant) == 1 {
			return meant
		}
	}
	return claim
}

// absence finds operators that a missing key satisfies.
func (l *linter) absence(c *Condition, k *ConditionKey, claim string) {
	op := c.Operator
	if op.Set == NoSet && !op.IfExists {
		return
	}
	patch := Patch{}
	if edits := l.policy.moveKey(l.statement, c, k, Operator{Name: op.Name, family: op.family}); len(edits) > 0 {
		patch = l.policy.patch("ask for the key itself", edits...)
	}
	switch {
	case op.Set == ForAllValues:
		l.report("ROLE5", Fail, c.name, patch, "%s of %s is satisfied when the key is absent", op, claim)
	case op.IfExists:
		l.report("ROLE5", Warn, c.name, patch, "%s of %s is satisfied when the key is absent", op, claim)
	default:
		l.report("ROLE5", Warn, c.name, patch, "%s has one value: %s needs no set operator", claim, op)
	}
}

// wildcards finds * and ? that are compared as plain characters.
func (l *linter) wildcards(c *Condition, k *ConditionKey, claim string) {
	if c.Operator.Wildcards() {
		return
	}
	for i := range k.Values {
		v := &k.Values[i]
		if !hasWildcard(v.Text) || strings.Contains(v.Text, "${") && l.policy.variables() {
			continue
		}
		patch := Patch{}
		if claim == "sub" && c.Operator.family == stringEquals {
			if edits := l.policy.moveKey(l.statement, c, k, c.Operator.like()); len(edits) > 0 {
				patch = l.policy.patch("compare the subject as a pattern", edits...)
			}
		} else if claim == "aud" {
			patch = l.audiencePatch(v)
		}
		l.report("ROLE4", Fail, v.Span, patch, "%s compares %q as it is: * and ? are wildcards under StringLike only", c.Operator, v.Text)
	}
}

// audience wants a condition on aud, and the right value in it.
func (l *linter) audience() {
	p, st, want := l.policy, l.statement, l.options.Audience
	// Another provider's tokens may have another audience: only a slip counts.
	intended := l.options.Provider == "" || st.owns(ConditionPrefix(l.options.Provider))
	if l.admits("aud", strangeName) {
		if wide := l.widest("aud"); wide != nil {
			l.report("ROLE2", Warn, wide.Span, l.audiencePatch(wide), "%q matches every audience of the provider", wide.Text)
		} else {
			l.report("ROLE2", Warn, st.Span, l.addCondition("aud", want), "no condition on aud: every audience of the provider is accepted")
		}
	}
	if want == "" {
		return
	}
	l.each(func(c *Condition, k *ConditionKey) {
		if _, claim := claimOf(k.Key); claim != "aud" || c.Operator.negated || !comparesText(c.Operator.family) {
			return
		}
		var typo *Value
		for i := range k.Values {
			if matches(c.Operator.family, k.Values[i].Text, want) == True {
				return
			}
			if audienceTypo(k.Values[i].Text, want) {
				typo = &k.Values[i]
			}
		}
		switch {
		case typo != nil:
			l.report("ROLE2", Fail, typo.Span, p.patch("ask for "+want, p.edit(typo.Span, quote(want))),
				"the audience is %q and should be %q", typo.Text, want)
		case intended && !strings.ContainsAny(strings.Join(texts(k.Values), ""), "*?$"):
			l.report("ROLE2", Fail, k.value, p.patch("also accept "+want, p.addValue(k.Values, k.value, k.list, want)),
				"the audience %q is not among %s", want, quoted(texts(k.Values)))
		}
	})
}

func comparesText(f family) bool { return f == stringEquals || f == stringFold || f == stringLike }

// addCondition makes the patch that adds a condition of a single provider's
// key to StringEquals.
func (l *linter) addCondition(claim, value string) Patch {
	p, st := l.policy, l.statement
	providers := st.providers()
	if value == "" || len(providers) != 1 {
		return Patch{}
	}
	member := quote(cleanPrefix(providers[0])+":"+claim) + ": " + quote(value)
	summary := "ask for " + claim + " " + value
	if st.condition == (Span{}) {
		return p.patch(summary, Edit{Offset: st.action.End, New: `, "Condition": {"StringEquals": {` + member + "}}"})
	}
	for i := range st.Conditions {
		if c := &st.Conditions[i]; c.Operator.String() == "StringEquals" {
			if len(c.Keys) == 0 {
				return p.patch(summary, p.edit(c.value, "{"+member+"}"))
			}
			first := c.Keys[0].name.Start
			return p.patch(summary, Edit{Offset: first, New: member + p.separator(first)})
		}
	}
	separator := ""
	if len(st.Conditions) > 0 {
		separator = ", "
	}
	return p.patch(summary, Edit{Offset: st.condition.Start + 1, New: `"StringEquals": {` + member + "}" + separator})
}

// audiencePatch puts the audience that is meant in the place of a value.
func (l *linter) audiencePatch(v *Value) Patch {
	if l.options.Audience == "" {
		return Patch{}
	}
	return l.policy.patch("ask for the audience", l.policy.edit(v.Span, quote(l.options.Audience)))
}

// subjectPatch puts the subject that is meant in the place of a pattern.
func (l *linter) subjectPatch(v *Value) Patch {
	if l.options.Subject == "" || len(l.statement.providers()) != 1 {
		return Patch{}
	}
	return l.policy.patch("trust "+l.options.Subject, l.policy.edit(v.Span, quote(l.options.Subject)))
}

// widest is the first pattern of a claim that everything matches.
func (l *linter) widest(claim string) (found *Value) {
	l.patterns(claim, func(v *Value) {
		if found == nil && strings.Trim(v.Text, "*") == "" {
			found = v
		}
	})
	return found
}

// patterns visits the values that a claim is compared to by an operator that
// takes wildcards.
func (l *linter) patterns(claim string, visit func(v *Value)) {
	l.each(func(c *Condition, k *ConditionKey) {
		if _, have := claimOf(k.Key); have != claim || c.Operator.negated || !c.Operator.Wildcards() {
			return
		}
		for i := range k.Values {
			if len(l.findings) == maxFindings {
				return
			}
			visit(&k.Values[i])
		}
	})
}

// subject wants conditions that not everybody passes.
func (l *linter) subject() {
	found := false
	l.patterns("sub", func(v *Value) {
		reach, witness := breadth(v.Text)
		if reach == narrow || !l.admits("sub", witness) {
			return
		}
		if reach == anySubject {
			found = true
			l.report("ROLE7", Fail, v.Span, l.subjectPatch(v), "%q matches every ServiceAccount of the cluster", v.Text)
			return
		}
		l.report("ROLE7", Warn, v.Span, Patch{}, "%q matches in namespaces that do not exist yet: whoever may create one can assume the role", v.Text)
	})
	if !found && l.admits("sub", strangeSubject) {
		l.report("ROLE7", Fail, l.statement.Span, l.addCondition("sub", l.options.Subject),
			"no condition on sub: every ServiceAccount, whatever the provider vouches for, can assume the role")
	}
}

type reach uint8

const (
	narrow       reach = iota
	anyNamespace       // a wildcard reaches into the namespace
	anySubject
)

// breadth says how far a subject pattern reaches, and names a stranger that it
// covers where it reaches beyond one namespace.
func breadth(pattern string) (reach, string) {
	if like(pattern, strangeSubject) && like(pattern, otherSubject) {
		return anySubject, strangeSubject
	}
	namespace, _, _ := strings.Cut(strings.TrimPrefix(pattern, subjectPrefix), ":")
	if hasWildcard(namespace) {
		return anyNamespace, strings.NewReplacer("*", strangeName, "?", strangeName[:1]).Replace(pattern)
	}
	return narrow, ""
}
