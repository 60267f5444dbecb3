package trustpolicy

// Names that nobody chose stand for all others: who lets them in, lets anybody
// in.
const (
	strangeName    = "qzqzqzqzqzqz"
	otherName      = "xyxyxyxyxyxy"
	subjectPrefix  = "system:serviceaccount:"
	strangeSubject = subjectPrefix + strangeName + ":" + otherName
	otherSubject   = subjectPrefix + otherName + ":" + strangeName
	// strangeProvider vouches for tokens where a statement trusts every provider.
	strangeProvider = "arn:aws:iam::000000000000" + oidcResource + strangeName + ".invalid"
)

// maxQuestions bounds what a document costs: one that a person wrote takes far
// fewer. Where it is reached a finding says so.
const maxQuestions = 300

// admits reports whether the statement lets in a token with this value of a
// claim, of any provider it names, as far as its conditions go, and no Deny
// statement keeps the token out. A condition on the claim that cannot be judged
// asks for something; one on anything else may be met.
func (l *linter) admits(claim, value string) bool {
	providers := l.statement.providers()
	if l.statement.Principal.Any {
		providers = append(providers, strangeProvider)
		if l.options.Provider != "" {
			providers = append(providers, l.options.Provider)
		}
	}
	for _, provider := range providers {
		switch l.questions++; {
		case l.questions == maxQuestions+1:
			l.report("ROLE7", Warn, l.statement.Span, Patch{}, "too many providers and patterns to try each: from this statement on anybody may be let in")
			return false
		case l.questions > maxQuestions:
			return false
		}
		prefix := cleanPrefix(provider)
		r := Request{Principal: provider, Context: map[string][]string{prefix + ":" + claim: {value}}}.prepare()
		r.prefix = prefix
		e := &Evaluation{policy: l.policy, request: r}
		if e.passes(l.statement, claim) && !e.shut() {
			return true
		}
	}
	return false
}

// passes reports whether the request meets the conditions of a statement.
func (e *Evaluation) passes(st *Statement, claim string) bool {
	for i := range st.Conditions {
		c := &st.Conditions[i]
		for j := range c.Keys {
			_, asked := claimOf(c.Keys[j].Key)
			switch result := e.key(c, &c.Keys[j]).Result; {
			case result == False, result == Unknown && asked == claim:
				return false
			}
		}
	}
	return true
}

// shut reports whether a Deny statement applies to the request for certain.
func (e *Evaluation) shut() bool {
	for i := range e.policy.Statements {
		st := &e.policy.Statements[i]
		if st.Effect != Deny {
			continue
		}
		result := True
		for _, check := range e.statement(st, nil) {
			result = result.and(check.Result)
		}
		if result == True {
			return true
		}
	}
	return false
}
