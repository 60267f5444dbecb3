//go:build e2e

package faults

// row is one way in which a world can be broken.
type row struct {
	name  string
	broke func(*world)
	run   string   // default inspect sa cart
	env   []string // of the command
	want  string   // "check CAUSE" with credentials
	blind string   // without; "" is the same, "-" is nothing failed
	fix   string   // the line to paste, whole; "" asks for none in particular
	paste bool     // the printed fix makes the next run green
	slow  bool     // restarts the API server: left out unless FULL=1
}

// Where objects of the API are made.
const (
	deployments     = "/apis/apps/v1/namespaces/shop/deployments"
	events          = "/api/v1/namespaces/shop/events"
	networkPolicies = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
)

// refused is all that can be known without credentials where IAM is wrong.
const refused = "sts-exchange"

func (r row) on(run string) row {
	r.run = run
	r.paste = false
	return r
}

func (r row) policy(document func(*world) string) row {
	r.broke = func(w *world) { w.policyOf(document(w)) }
	return r
}

// fixedBy is the line that is printed to mend it.
func (r row) fixedBy(line string) row {
	r.fix = line
	return r
}

// mended is the line that is printed to mend it, and does.
func (r row) mended(line string) row { return r.fixedBy(line).pasted() }

// with breaks one thing more.
func (r row) with(more func(*world)) row {
	first := r.broke
	r.broke = func(w *world) { first(w); more(w) }
	return r
}

func (r row) wants(want string) row {
	r.want = want
	return r
}

// blindly is what is said without credentials.
func (r row) blindly(want string) row {
	r.blind = want
	return r
}

func (r row) pasted() row {
	r.paste = true
	return r
}
