package issuer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// A Publisher makes one issuer's documents public. Its exported fields are what
// it is told; it is used for one plan.
type Publisher struct {
	Live   Live
	Target Target // from TargetFor

	S3     S3     // of a target in S3
	STS    STS    // of a target in S3
	Region string // of a new bucket where the issuer's URL names none
	// Stranger fetches as anybody would: without credentials.
	Stranger *http.Client

	CreateBucket bool // make the bucket where it is missing
	Expected     bool // the documents are likely to be public: fetch them while the bucket is looked for
	Prune        bool // remove public keys that the cluster does not show
	Ahead        bool // the issuer is to sign later: tokens name another one still

	// Token gives a token that the cluster signed a moment ago, whose signature
	// has to fit the keys; nil where none may be asked for. An error means that
	// there is none and is only told.
	Token func(context.Context) (oidc.Token, error)
	// Now is the time. Without it no bucket that is there is taken for one that an
	// interrupted run left behind.
	Now func() time.Time
	// Sleep waits, or ends with ctx.
	Sleep func(context.Context, time.Duration) error

	account  string // whose credentials these are
	bucket   bucket
	exists   bool
	stored   func() (stored, error)
	outside  func() Outside
	merge    Merge
	docs     Documents // as they will be, or are
	keyList  []KeyReport
	relaxed  bool  // this run relaxed Block Public Access a moment ago
	pending  bool  // a document is to be written
	unproven error // why no token was checked
}

// stored are the two objects as they are in the bucket or directory.
type stored struct {
	discovery, keys object
	parsed          Published
	elsewhere       oidc.KeySet // public keys that are not in the target's key set
	unseen          error       // why there may be others
	keysURI         string      // where the key set is, or goes
	outside         bool        // seen at the issuer's URL: the objects themselves were not read
}

// The IDs of the steps, in their order.
const (
	StepBucket    = "bucket"
	StepTags      = "bucket-tags"
	StepBlock     = "public-access-block"
	StepPolicy    = "bucket-policy"
	StepKeys      = "keys"
	StepDiscovery = "discovery"
	StepReachable = "reachable"
)

// Steps are the changes that publishing takes, for plan.Run. The key set is
// written before the document that leads to it.
func (p *Publisher) Steps(ctx context.Context) ([]plan.Step, error) {
	if p.Target.Kind != ToDir {
		if err := irsa.CheckIssuer(p.Live.Discovery.Issuer); err != nil {
			return nil, hint.Wrap(err, "give the API server an issuer that can be public:", "kubectl irsa issuer plan --new-bucket")
		}
	}
	if p.Sleep == nil {
		p.Sleep = plan.Pause
	}
	p.merge = Merge{Live: p.Live.Keys, Prune: p.Prune}
	p.outside = sync.OnceValue(func() Outside { return Look(ctx, p.Stranger, p.Live.Discovery.Issuer) })
	if p.Expected {
		go p.outside()
	}
	switch p.Target.Kind {
	case ToS3:
		return p.bucketSteps(ctx), nil
	case ToDir:
		return p.dirSteps(), nil
	}
	return nil, errors.New("the standard output takes no plan: use Documents")
}

// Documents are the two documents as the plan leaves them: to be read after its
// looks, or its run.
func (p *Publisher) Documents() Documents { return p.docs }

// Keys are the keys of the plan and what becomes of each.
func (p *Publisher) Keys() []KeyReport { return p.keyList }

// Unproven says why no fresh token's signature was checked, nil where one was.
func (p *Publisher) Unproven() error { return p.unproven }

// Before are the documents as the looks found them, nil where there were none.
func (p *Publisher) Before() Published {
	s, err := p.stored()
	if err != nil {
		return Published{}
	}
	return s.parsed
}

// Public merges the cluster's documents with what anybody can read at the
// issuer's URL, and gives the outcome without writing it: for standard output.
func (p *Publisher) Public(ctx context.Context) (Documents, []KeyReport, error) {
	p.merge = Merge{Live: p.Live.Keys, Prune: p.Prune}
	p.outside = sync.OnceValue(func() Outside { return Look(ctx, p.Stranger, p.Live.Discovery.Issuer) })
	was := stored{parsed: Published{Discovery: p.outside().Discovery}}
	was.keysURI = p.keysURI(was.parsed.Discovery)
	err := p.decide(ctx, p.withElsewhere(was))
	if unread, ok := errors.AsType[*UnseenError](err); ok {
		return Documents{}, nil, hint.Wrap(unread, "run it where the issuer can be read: AWS_CA_BUNDLE and HTTPS_PROXY count", "kubectl irsa issuer show")
	}
	if err != nil {
		return Documents{}, nil, err
	}
	return p.docs, p.keyList, nil
}

// decide works out the documents from what is stored, and proves them.
func (p *Publisher) decide(ctx context.Context, was stored) error {
	docs, keys, err := p.compose(was)
	if err != nil {
		return err
	}
	p.docs, p.keyList = docs, keys
	return p.prove(ctx, docs)
}

// compose are the documents to write where these are stored.
func (p *Publisher) compose(was stored) (Documents, []KeyReport, error) {
	if was.unseen != nil {
		return Documents{}, nil, was.unseen
	}
	keys, reports, err := p.merge.Keys(was.public())
	if err != nil {
		return Documents{}, nil, err
	}
	d := Discovery(p.Live.Discovery, was.parsed.Discovery, was.keysURI, keys)
	return Documents{Discovery: d, Keys: keys}, reports, nil
}

// public are the keys that nobody may lose.
func (s stored) public() oidc.KeySet {
	if s.parsed.Keys == nil {
		return s.elsewhere
	}
	return s.parsed.Keys.Union(s.elsewhere)
}

// holds reports whether the key set that was merged is what is stored, where anybody
// can read it.
func (p *Publisher) holds(was stored) bool {
	return p.sealed(was.keys) == "" && was.parsed.Keys != nil && !Changed(p.keyList) && len(p.docs.Keys.Without(*was.parsed.Keys).Keys) == 0
}

func (p *Publisher) keysURI(published *oidc.Discovery) string {
	return jwksURI(p.Live.Discovery.Issuer, p.Live.Discovery.JWKSURI, published)
}

// An UnverifiedError is a token of the cluster that the keys do not verify, or
// that another issuer signed.
type UnverifiedError struct{ Reason error }

func (e *UnverifiedError) Error() string {
	return fmt.Sprintf("a token that the cluster signed a moment ago would not verify: %v", e.Reason)
}

// Unwrap gives the reason.
func (e *UnverifiedError) Unwrap() error { return e.Reason }

// An UnseenError is a key set that is or may be public and could not be read.
type UnseenError struct{ Reason error }

func (e *UnseenError) Error() string {
	return fmt.Sprintf("the keys that are public already could not be read, and publishing would lose them: %v", e.Reason)
}

// Unwrap gives the reason.
func (e *UnseenError) Unwrap() error { return e.Reason }

// prove checks a fresh token against the documents. That none can be had is no
// error.
func (p *Publisher) prove(ctx context.Context, docs Documents) error {
	if p.Token == nil {
		p.unproven = errors.New("no token was asked for")
		return nil
	}
	token, err := p.Token(ctx)
	if err != nil {
		p.unproven = err
		return nil //nolint:nilerr // what is not proved is published with a note
	}
	if token.Claims.Issuer != docs.Discovery.Issuer && !p.Ahead {
		return &UnverifiedError{fmt.Errorf("its issuer is %s, and the documents say %s", token.Claims.Issuer, docs.Discovery.Issuer)}
	}
	if _, err := oidc.Verify(token, docs.Keys); err != nil {
		return &UnverifiedError{err}
	}
	return nil
}

// conflict tells what is in the way from what could not be looked at.
func conflict(err error) (plan.State, string, error) {
	var (
		collision *CollisionError
		strangers *StrangersError
		crowd     *CrowdError
		unproven  *UnverifiedError
		unseen    *UnseenError
	)
	switch {
	case errors.As(err, &collision):
		return plan.Conflict, err.Error() + "\n--prune replaces it", nil
	case errors.As(err, &strangers):
		return plan.Conflict, err.Error() + "\npublish without --prune first; prune once no token of theirs is in use", nil
	case errors.As(err, &unseen):
		return plan.Conflict, err.Error() + "\n--prune publishes the cluster's own keys alone", nil
	case errors.As(err, &crowd):
		return plan.Conflict, err.Error() + "\n--prune removes those that are not this cluster's", nil
	case errors.As(err, &unproven), errors.Is(err, ErrNoKeys):
		return plan.Conflict, err.Error(), nil
	}
	return plan.Unknown, "", err
}
