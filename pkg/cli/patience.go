package cli

import (
	"context"
	"io"
	"net/http"
	"time"
)

// impatient gives each request a time within which its answer must have been read.
type impatient struct {
	next  http.RoundTripper
	limit time.Duration
}

// RoundTrip sends r.
func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), i.limit)
	response, err := i.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = bounded{response.Body, cancel}
	return response, nil
}

// WrappedRoundTripper lets client-go find the transport below.
func (i impatient) WrappedRoundTripper() http.RoundTripper { return i.next }

type bounded struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b bounded) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// lastWords is what work gets to say why it failed when its time is over.
const lastWords = 100 * time.Millisecond

// within does work and gives it up when ctx ends, also where work waits for
// something that heeds no context, as an exec plugin of the kubeconfig.
func within[T any](ctx context.Context, work func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(lastWords):
		var none T
		return none, context.Cause(ctx)
	}
}
