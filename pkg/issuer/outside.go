package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// Outside is what anybody reads at an issuer's URL.
type Outside struct {
	Published
	// DiscoveryErr and KeysErr say why a document could not be had.
	DiscoveryErr, KeysErr error

	discovery, keys []byte
}

// Look fetches an issuer's documents as a stranger would. The key set is looked
// for where the discovery document says.
func Look(ctx context.Context, client *http.Client, issuer string) Outside {
	var o Outside
	doc, err := oidc.Fetch(ctx, client, oidc.DiscoveryURL(issuer), oidc.Limits{})
	if err != nil {
		o.DiscoveryErr = err
		return o
	}
	o.discovery = doc.Body
	d, err := oidc.ParseDiscovery(doc.Body)
	if err != nil {
		o.DiscoveryErr = err
		return o
	}
	o.Discovery = &d
	if doc, err = oidc.Fetch(ctx, client, d.JWKSURI, oidc.Limits{}); err != nil {
		o.KeysErr = err
		return o
	}
	o.keys = doc.Body
	keys, err := oidc.ParseKeySet(doc.Body)
	if err != nil {
		o.KeysErr = err
		return o
	}
	o.Keys = &keys
	return o
}

// Err is why a document could not be had, nil where both could.
func (o Outside) Err() error { return errors.Join(o.DiscoveryErr, o.KeysErr) }

// unseen reports whether an error of a look leaves open what is public: nobody
// answered, or somebody on the way did. A refusal and a name that does not exist are
// answers, and AWS gets the same.
func unseen(err error) bool {
	var (
		status      *oidc.StatusError
		name        *oidc.DNSError
		tls         *oidc.TLSError
		timeout     *oidc.TimeoutError
		unreachable *oidc.UnreachableError
	)
	switch {
	case errors.As(err, &status):
		return status.Status >= http.StatusInternalServerError || status.Status == http.StatusTooManyRequests
	case errors.As(err, &name):
		return !name.NotFound
	}
	return errors.As(err, &tls) || errors.As(err, &timeout) || errors.As(err, &unreachable) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// lacks says what of docs cannot be read yet, or which doomed key still can, ""
// where all is as it should be. The bytes must be ours, unless somebody else
// added keys meanwhile.
func (o Outside) lacks(docs Documents, doomed *oidc.KeySet) (string, error) {
	discovery, keys, err := docs.Bytes()
	switch {
	case err != nil:
		return "", err
	case o.Err() != nil:
		return o.Err().Error(), nil
	case bytes.Equal(o.discovery, discovery) && bytes.Equal(o.keys, keys):
		return "", nil
	}
	if missing := docs.Keys.Without(*o.Keys).Keys; len(missing) > 0 {
		return fmt.Sprintf("key %q is not in the key set that %s shows", missing[0].ID, docs.Discovery.JWKSURI), nil
	}
	if doomed != nil {
		if left := doomed.Without(doomed.Without(*o.Keys)).Keys; len(left) > 0 {
			return fmt.Sprintf("key %q is still in the key set that %s shows", left[0].ID, docs.Discovery.JWKSURI), nil
		}
	}
	more := docs.Discovery
	more.SigningAlgorithms = o.Keys.Algorithms()
	if d := differences(*o.Discovery, docs.Discovery); d != "" && differences(*o.Discovery, more) != "" {
		return "the discovery document differs\n" + d, nil
	}
	return "", nil
}

func (p *Publisher) lookReachable(context.Context) (plan.State, string, error) {
	if p.pending || len(p.docs.Keys.Keys) == 0 {
		return plan.Needed, "", nil
	}
	missing, err := p.outside().lacks(p.docs, p.merge.Doomed)
	switch {
	case err != nil:
		return plan.Unknown, "", err
	case missing != "":
		return plan.Needed, "not yet: " + missing, nil
	}
	return plan.Done, "they are what is published", nil
}

func (p *Publisher) applyReachable(ctx context.Context) error {
	var o Outside
	look := func() (missing string, err error) {
		o = Look(ctx, p.Stranger, p.Live.Discovery.Issuer)
		return o.lacks(p.docs, p.merge.Doomed)
	}
	missing, err := look()
	for wait := range plan.Waits(patience) {
		if err != nil || missing == "" {
			return err
		}
		plan.Note(ctx, "waiting until anybody can read it: %s", missing)
		if err := p.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("waiting until anybody can read it: %w", err)
		}
		missing, err = look()
	}
	if err != nil || missing == "" {
		return err
	}
	return p.unreachable(o, missing)
}

// unreachable says why the documents could not be read in the end.
func (p *Publisher) unreachable(o Outside, missing string) error {
	err := fmt.Errorf("it is written, but cannot be read from outside after %s: %s", patience, missing)
	_, direct := LocationOf(p.Live.Discovery.Issuer)
	var moved *oidc.Redirect
	var denied *oidc.StatusError
	var name *oidc.DNSError
	var tls *oidc.TLSError
	switch {
	case !direct:
		return hint.Wrap(err, "what serves the issuer's URL must serve "+p.Target.String()+", and may hold an old copy",
			"kubectl irsa issuer show")
	case errors.As(o.Err(), &moved):
		return hint.Wrap(err, "the URL names no region, or another than the bucket's: S3 redirects, which AWS does not follow;",
			fmt.Sprintf("let the issuer name it: %s", BucketURL(p.bucket.name, p.bucket.region)))
	case errors.As(o.Err(), &denied) && denied.Status == http.StatusForbidden:
		return hint.Wrap(err, "Block Public Access of the account, a policy of the organization, or a Deny in the bucket policy keeps everybody out",
			"aws s3control get-public-access-block --account-id "+p.account)
	case errors.As(o.Err(), &name), errors.As(o.Err(), &tls):
		return hint.Wrap(err, "this machine's way to the internet is not AWS's: look from elsewhere", "kubectl irsa issuer show")
	}
	return hint.Wrap(err, "kubectl irsa issuer show")
}
