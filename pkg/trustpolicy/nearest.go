package trustpolicy

import "strings"

// A Miss is the Allow statement that came closest to applying.
type Miss struct {
	Statement  int // its index; -1 when the policy allows nothing to anybody
	Sid        string
	Check      *Check      // the first thing that does not match; nil with Statement -1
	Others     []*Check    // what does not match besides
	Difference *Difference // where Check's closest value parts from the request's; nil where nothing compares
	Patch      Patch       // the smallest change that lets the request in; empty when none is known
	InPlace    bool        // Patch changes the statement itself, and adds none beside it
}

// NearestMiss looks for the statement to mend when the decision is
// ImplicitDeny; otherwise there is none. The patch is proved: with it the same
// request is no longer denied.
func (e *Evaluation) NearestMiss() (Miss, bool) {
	if e.Decision != ImplicitDeny {
		return Miss{}, false
	}
	best, bestScore, bestPrefix := -1, 0, 0
	for i := range e.Statements {
		t := &e.Statements[i]
		if t.Effect != Allow {
			continue
		}
		score, prefix := t.distance()
		if best < 0 || score < bestScore || score == bestScore && prefix > bestPrefix {
			best, bestScore, bestPrefix = i, score, prefix
		}
	}
	if best < 0 {
		return Miss{Statement: -1, Patch: e.addition()}, true
	}
	t := &e.Statements[best]
	miss := Miss{Statement: best, Sid: t.Sid}
	for i := range t.Checks {
		switch c := &t.Checks[i]; {
		case c.Result != False:
		case miss.Check == nil:
			miss.Check = c
		default:
			miss.Others = append(miss.Others, c)
		}
	}
	if d, ok := miss.Check.Difference(); ok {
		miss.Difference = &d
	}
	miss.Patch, miss.InPlace = e.mend(t)
	return miss, true
}

// Blocker is the first Deny statement that applies, when the decision is
// ExplicitDeny. There is no patch for it: somebody meant it.
func (e *Evaluation) Blocker() (*Trace, bool) {
	for i := range e.Statements {
		if t := &e.Statements[i]; t.Effect == Deny && t.Result == True {
			return t, true
		}
	}
	return nil, false
}

// distance says how far a statement is from applying, a strange principal
// weighing most, and how many bytes its first difference is in.
func (t *Trace) distance() (score, prefix int) {
	for i := range t.Checks {
		c := &t.Checks[i]
		if c.Result != False {
			continue
		}
		if d, ok := c.Difference(); ok && score == 0 {
			prefix = d.ActualByte
		}
		switch {
		case c.Kind == PrincipalCheck && c.sameIssuer():
			score += 2
		case c.Kind == PrincipalCheck:
			score += 4
		case c.Kind == ActionCheck:
			score += 2
		default:
			score++
		}
	}
	return score, prefix
}

// sameIssuer reports whether a principal check failed at a provider with the
// request's issuer: in another account or partition, or spelled with https://.
func (c *Check) sameIssuer() bool {
	v, _, ok := c.closest()
	return ok && sameIssuer(ConditionPrefix(v.Text), c.request.prefix)
}

func sameIssuer(a, b string) bool { return a != "" && b != "" && bareIssuer(a) == bareIssuer(b) }

// bareIssuer is an issuer without what people put around it by mistake.
func bareIssuer(s string) string {
	s = strings.ToLower(s)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	return strings.TrimRight(s, "/")
}

// mend tries to change the statement, then to add one.
func (e *Evaluation) mend(t *Trace) (patch Patch, inPlace bool) {
	st := &e.policy.Statements[t.Index]
	var edits []Edit
	for i := range t.Checks {
		c := &t.Checks[i]
		if c.Result != False {
			continue
		}
		more := e.fix(st, c)
		if len(more) == 0 {
			return e.addition(), false
		}
		edits = append(edits, more...)
	}
	if patch := e.policy.patch("let this statement trust the request", edits...); e.helps(patch) {
		return patch, true
	}
	return e.addition(), false
}

// fix makes the edits for one check that does not match; none when only a
// person can tell what was meant.
func (e *Evaluation) fix(st *Statement, c *Check) []Edit {
	p := e.policy
	switch c.Kind {
	case PrincipalCheck:
		if v, _, ok := c.closest(); ok && !st.Principal.Not && (c.sameIssuer() || st.askedOf(e.request.prefix)) {
			return []Edit{p.edit(v.Span, quote(e.request.principal))}
		}
		return nil
	case ActionCheck:
		if st.NotAction {
			return nil
		}
		for i := range st.Actions {
			if strings.EqualFold(st.Actions[i].Text, "sts:AssumeRole") && e.request.action == ActionWebIdentity {
				return []Edit{p.edit(st.Actions[i].Span, quote(e.request.action))}
			}
		}
		return []Edit{p.addValue(st.Actions, st.action, st.actions, e.request.action)}
	}
	return e.fixKey(st, c)
}

// askedOf reports whether the one federated principal of a statement is not the
// issuer that its condition keys are of, and prefix is: then it is the
// principal that was mistaken.
func (st *Statement) askedOf(prefix string) bool {
	if prefix == "" || len(st.Principal.Groups) != 1 || st.Principal.Groups[0].Type != "Federated" || len(st.Principal.Groups[0].Values) != 1 {
		return false
	}
	asked := false
	for i := range st.Conditions {
		for j := range st.Conditions[i].Keys {
			own, claim := claimOf(st.Conditions[i].Keys[j].Key)
			if claim != "aud" && claim != "sub" {
				continue
			}
			if !strings.EqualFold(own, prefix) {
				return false
			}
			asked = true
		}
	}
	return asked
}

func (e *Evaluation) fixKey(st *Statement, c *Check) []Edit {
	p, op, k := e.policy, c.condition.Operator, c.key
	_, claim := claimOf(k.Key)
	claim = MeantClaim(claim)
	if f := op.family; op.negated || f != stringEquals && f != stringLike && f != stringFold || claim != "aud" && claim != "sub" {
		return nil
	}
	own := e.request.prefix + ":" + claim
	actual, state := e.request.lookup(own)
	if e.request.prefix == "" || state != Present || len(actual) != 1 || strings.Contains(actual[0], "${") {
		return nil
	}
	var edits []Edit
	if !strings.EqualFold(k.Key, own) {
		edits = append(edits, p.edit(k.name, quote(own)))
		for i := range k.Values {
			if matches(op.family, k.Values[i].Text, actual[0]) == True {
				return edits
			}
		}
	}
	if op.family == stringEquals && claim == "sub" && len(edits) == 0 {
		for i := range k.Values {
			if hasWildcard(k.Values[i].Text) && like(k.Values[i].Text, actual[0]) {
				return p.moveKey(st, c.condition, k, op.like())
			}
		}
	}
	if claim == "aud" {
		for i := range k.Values {
			if audienceTypo(k.Values[i].Text, actual[0]) {
				return append(edits, p.edit(k.Values[i].Span, quote(actual[0])))
			}
		}
	}
	return append(edits, p.addValue(k.Values, k.value, k.list, actual[0]))
}

// audienceTypo reports whether got is want with a scheme, a slash, other case,
// or the wrong one of AWS's two domains.
func audienceTypo(got, want string) bool {
	plain := func(s string) string {
		return strings.Replace(bareIssuer(s), "amazonaws.com", "amazon.com", 1)
	}
	return got != want && plain(got) == plain(want)
}

// addition is the patch that adds a statement for the request.
func (e *Evaluation) addition() Patch {
	one := func(claim string) string {
		values, _ := e.request.lookup(e.request.prefix + ":" + claim)
		if len(values) != 1 {
			return ""
		}
		return values[0]
	}
	if e.request.prefix == "" || e.request.action != ActionWebIdentity {
		return Patch{}
	}
	t := Trust{Provider: e.request.principal, Audience: one("aud"), Subject: one("sub")}
	if hasWildcard(t.Subject) {
		return Patch{}
	}
	if patch, err := Add(e.policy, t); err == nil && e.helps(patch) {
		return patch
	}
	return Patch{}
}

// helps proves a patch: the request must no longer be denied.
func (e *Evaluation) helps(patch Patch) bool {
	if patch.Empty() {
		return false
	}
	doc, err := patch.Apply(e.policy.Source())
	if err != nil {
		return false
	}
	p, err := Parse(doc)
	if err != nil {
		return false
	}
	return !evaluate(p, e.request).Decision.Denied()
}
