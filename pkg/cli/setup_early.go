package cli

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// begin sends, while the cluster is asked, what does not depend on its answers.
// The error that the channel gives is that there are no credentials.
func (o *setupCommand) begin(ctx context.Context) <-chan error {
	o.whose = callerOnce(o.admin.STS)
	o.early = &earlyIAM{Client: o.admin.IAM, list: sync.OnceValues(func() (*iam.ListOpenIDConnectProvidersOutput, error) {
		return o.admin.IAM.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	})}
	credentials := make(chan error, 1)
	go func() {
		err := o.admin.HasCredentials(ctx)
		credentials <- err
		if err != nil {
			return
		}
		if o.runs(phasePreflight) || o.runs(phasePublish) {
			go o.whose.ask(ctx) //nolint:errcheck // it asks once: whoever needs the answer gets the error
		}
		if o.runs(phaseProvider) || o.runs(phaseRole) {
			go o.early.list() //nolint:errcheck // likewise
		}
	}()
	return credentials
}

// earlyIAM is IAM whose list of providers was asked for beforehand. That list is
// good for the first look; whoever asks again wants to know what is there now.
type earlyIAM struct {
	*iam.Client
	list  func() (*iam.ListOpenIDConnectProvidersOutput, error)
	given atomic.Bool
}

// ListOpenIDConnectProviders gives the list that was asked for beforehand, once.
func (e *earlyIAM) ListOpenIDConnectProviders(ctx context.Context, in *iam.ListOpenIDConnectProvidersInput, options ...func(*iam.Options)) (*iam.ListOpenIDConnectProvidersOutput, error) {
	if e.given.Swap(true) {
		return e.Client.ListOpenIDConnectProviders(ctx, in, options...)
	}
	return e.list()
}

// onceSTS asks whose credentials these are once, whoever wants to know.
type onceSTS struct {
	ask func(context.Context) (*sts.GetCallerIdentityOutput, error)
}

func callerOnce(client *sts.Client) onceSTS {
	var (
		once sync.Once
		out  *sts.GetCallerIdentityOutput
		err  error
	)
	return onceSTS{func(ctx context.Context) (*sts.GetCallerIdentityOutput, error) {
		once.Do(func() { out, err = client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}) })
		return out, err
	}}
}

// GetCallerIdentity is that of the SDK's client.
func (s onceSTS) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return s.ask(ctx)
}
