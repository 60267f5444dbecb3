package issuer

import (
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// fetchStored reads both objects, and sees which keys are public elsewhere.
func (p *Publisher) fetchStored(ctx context.Context) (stored, error) {
	s, err := p.inBucket(ctx)
	if err != nil {
		return s, err
	}
	return p.withElsewhere(s), nil
}

// inBucket reads both objects; the key set from where the stored document, or
// the cluster, says that it is.
func (p *Publisher) inBucket(ctx context.Context) (stored, error) {
	var s stored
	var err error
	at := p.at()
	if s.discovery, err = p.bucket.get(ctx, at.DiscoveryKey()); err != nil {
		return s, err
	}
	if s.discovery.etag != "" {
		d, err := oidc.ParseDiscovery(s.discovery.body)
		if err != nil {
			return s, fmt.Errorf("s3://%s/%s is in the way: %w", at.Bucket, at.DiscoveryKey(), err)
		}
		s.parsed.Discovery = &d
	}
	s.keysURI = p.keysURI(s.parsed.Discovery)
	if s.keys, err = p.bucket.get(ctx, p.keysKey(s)); err != nil {
		return s, err
	}
	if s.keys.etag != "" {
		keys, err := oidc.ParseKeySet(s.keys.body)
		if err != nil {
			return s, fmt.Errorf("s3://%s/%s is in the way: %w", at.Bucket, p.keysKey(s), err)
		}
		s.parsed.Keys = &keys
	}
	return s, nil
}

// withElsewhere adds the keys that are public where the target does not hold them:
// under another jwks_uri than the one they go to, or served from another place
// altogether. A target that holds the key set where it belongs is the truth; what
// is seen outside may be a cache's old copy.
func (p *Publisher) withElsewhere(s stored) stored {
	moved := s.parsed.Discovery != nil && s.parsed.Discovery.JWKSURI != s.keysURI
	if s.parsed.Keys != nil && !moved {
		return s
	}
	o := p.outside()
	switch {
	case o.Discovery != nil && o.Discovery.Issuer != p.Live.Discovery.Issuer:
	case o.Keys != nil:
		s.elsewhere = *o.Keys
	case o.Discovery != nil && irsa.CheckIssuer(o.Discovery.JWKSURI) != nil: // AWS does not get there either
	case unseen(o.Err()) && !p.Prune:
		s.unseen = &UnseenError{o.Err()}
	}
	return s
}

// seenOutside is what the bucket holds where anybody can read it: an issuer's URL
// that leads straight to the bucket shows the objects themselves. Their ETags are
// not known; see exact.
func (p *Publisher) seenOutside() (stored, bool) {
	o := p.outside()
	if _, direct := LocationOf(p.Live.Discovery.Issuer); !direct || !p.open() || o.Err() != nil {
		return stored{}, false
	}
	return stored{parsed: o.Published, keysURI: p.keysURI(o.Discovery), outside: true}, true
}

// open reports whether anybody can read both documents where they belong, whatever
// they say.
func (p *Publisher) open() bool {
	o := p.outside()
	return o.discovery != nil && o.keys != nil && o.Discovery != nil && o.Discovery.JWKSURI == p.keysURI(o.Discovery)
}

// exact is stored with the ETags that a conditional write takes. Both documents
// are written after one look: the second must not take the first for another's.
func (p *Publisher) exact(ctx context.Context) (stored, error) {
	was, err := p.stored()
	if err != nil || !was.outside {
		return was, err
	}
	if was, err = p.remerge(ctx); err == nil {
		p.stored = func() (stored, error) { return was, nil }
	}
	return was, err
}

// keysKey is the object key of the key set.
func (p *Publisher) keysKey(was stored) string {
	issuer := strings.TrimSuffix(p.Live.Discovery.Issuer, "/")
	return p.Target.Location.key(strings.TrimPrefix(was.keysURI, issuer))
}
