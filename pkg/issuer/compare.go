package issuer

import (
	"errors"
	"slices"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// A Comparison is what the cluster says beside what is public.
type Comparison struct {
	Issuer  string `json:"issuer"`
	Private string `json:"private,omitempty"` // why it can never be public
	Service string `json:"service,omitempty"` // EKS, GKE or AKS, which publish it themselves
	Bucket  string `json:"bucket,omitempty"`  // where the URL leads, as --to takes it
	// InStep is true where AWS could verify every token that the cluster signs.
	InStep      bool         `json:"inStep"`
	Documents   []Comparable `json:"documents"`
	Keys        []KeyState   `json:"keys"`
	Differences []string     `json:"differences"`
	Unreachable []string     `json:"unreachable,omitempty"` // why a document could not be fetched

	NoBucket bool `json:"-"` // the issuer's bucket does not exist
}

// A Comparable is one member of the discovery document, on both sides.
type Comparable struct {
	Member  string `json:"member"`
	Cluster string `json:"cluster"`
	Public  string `json:"public"`
}

// KeyState says where a key is shown.
type KeyState struct {
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Cluster   bool   `json:"cluster"`
	Public    bool   `json:"public"`
}

// Compare sets what the cluster says beside what anybody reads.
func Compare(live Live, o Outside) Comparison {
	issuer := live.Discovery.Issuer
	c := Comparison{
		Issuer: issuer, Service: Managed(issuer),
		Documents: []Comparable{}, Keys: []KeyState{}, Differences: []string{},
	}
	if at, ok := LocationOf(issuer); ok {
		c.Bucket = at.String()
	}
	if err := irsa.CheckIssuer(issuer); err != nil {
		c.Private = err.Error()
	}
	for _, err := range []error{o.DiscoveryErr, o.KeysErr} {
		if err != nil {
			c.Unreachable = append(c.Unreachable, err.Error())
			status, answered := errors.AsType[*oidc.StatusError](err)
			c.NoBucket = c.NoBucket || answered && status.Code == "NoSuchBucket"
		}
	}
	c.documents(live, o)
	c.keys(live, o)
	c.InStep = c.Private == "" && c.Unreachable == nil && len(c.Differences) == 0
	return c
}

func (c *Comparison) documents(live Live, o Outside) {
	d := live.Discovery
	rows := []Comparable{
		{Member: "issuer", Cluster: d.Issuer}, {Member: "jwks_uri", Cluster: d.JWKSURI},
		{Member: "algorithms", Cluster: list(d.SigningAlgorithms)},
	}
	if o.Discovery != nil {
		rows[0].Public, rows[1].Public, rows[2].Public = o.Discovery.Issuer, o.Discovery.JWKSURI, list(o.Discovery.SigningAlgorithms)
		if rows[0].Public != d.Issuer {
			c.Differences = append(c.Differences, "the public document names another issuer, and AWS compares byte for byte\n"+caret(d.Issuer, rows[0].Public))
		}
		// The API server names itself as jwks_uri, which is no difference that matters.
		for _, alg := range live.Keys.Algorithms() {
			if !slices.Contains(o.Discovery.SigningAlgorithms, alg) {
				c.Differences = append(c.Differences, "the public document does not name "+alg+", with which the cluster signs")
			}
		}
	}
	c.Documents = rows
}

func (c *Comparison) keys(live Live, o Outside) {
	usable := live.Keys
	usable.Keys = live.Keys.Usable()
	seen := map[string]bool{}
	for _, k := range usable.Keys {
		if seen[k.ID] {
			continue
		}
		seen[k.ID] = true
		public := o.Keys != nil && slices.ContainsFunc(o.Keys.Find(k.ID), k.Equal)
		c.Keys = append(c.Keys, KeyState{ID: k.ID, Algorithm: k.Algorithm, Cluster: true, Public: public})
		switch {
		case o.Keys == nil || public:
		case len(o.Keys.Find(k.ID)) > 0:
			c.Differences = append(c.Differences, "under kid "+k.ID+" another key is public than the cluster's")
		default:
			c.Differences = append(c.Differences, "key "+k.ID+" of the cluster is not public: AWS refuses tokens that it signed")
		}
	}
	if o.Keys == nil {
		return
	}
	for _, k := range o.Keys.Without(usable).Keys {
		c.Keys = append(c.Keys, KeyState{ID: k.ID, Algorithm: k.Algorithm, Public: true})
	}
}

// caret shows two strings, one below the other, and where they begin to differ.
func caret(cluster, public string) string {
	a, b := []rune(cluster), []rune(public)
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	return "  cluster  " + cluster + "\n  public   " + public + "\n           " + strings.Repeat(" ", at) + "^"
}
