package doctor

import (
	"context"
	"errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/check"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
)

// published fetches the issuer's two documents as AWS does: anonymously, the
// key set from where the discovery document says. Where that document cannot
// be had, the key set is looked for at the usual place.
func (w World) published(ctx context.Context, f *Facts) {
	if f.Issuer == "" {
		f.Discovery.Err, f.Keys.Err = ErrNeedsToken, ErrNeedsToken
		return
	}
	if f.RoleAlone {
		f.Discovery.Err, f.Keys.Err = ErrNotAsked, ErrNotAsked
		return
	}
	w.say("fetching the public documents of " + f.Issuer)
	f.Discovery = fetch(ctx, w, "issuer", oidc.DiscoveryURL(f.Issuer), oidc.ParseDiscovery)
	at := f.Discovery.Value.Parsed.JWKSURI
	if f.Discovery.Err != nil || at == "" {
		f.Keys.Err = errors.New("the discovery document does not say where the key set is")
		return
	}
	f.Keys = fetch(ctx, w, "key set", at, oidc.ParseKeySet)
}

func fetch[T any](ctx context.Context, w World, whose, url string, parse func([]byte) (T, error)) Known[Published[T]] {
	p := Published[T]{URL: url}
	document, err := oidc.Fetch(ctx, w.Public, url, oidc.Limits{})
	if fault, ok := errors.AsType[*oidc.TLSError](err); ok && fault.Fault == oidc.TLSUnknownAuthority && w.Bundled != nil {
		// Whoever answers in between, for STS as for the issuer, may have signed it.
		document, err = oidc.Fetch(ctx, w.Bundled, url, oidc.Limits{})
		p.Bundled = document != nil
	}
	p.Document = document
	if document != nil {
		w.Clocks.add(Reading{Whose: whose, Theirs: document.Date, Ours: w.Now()})
	}
	if err != nil {
		return Known[Published[T]]{Value: p, Err: err}
	}
	p.Parsed, err = parse(document.Body)
	return check.Know(p, err)
}
