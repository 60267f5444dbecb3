// Package abreast makes calls side by side: no more at a time than their server
// should bear, and on the connection that the first of them has opened. It knows
// nothing of what is asked.
package abreast

import (
	"context"
	"net/http/httptrace"
	"sync"
)

// Each calls do with every number from 0 to n-1, at most atOnce calls at a time,
// and returns when all have. A call begins only after those of smaller numbers have
// begun, so that it may wait for one of them.
func Each(n, atOnce int, do func(int)) {
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	all.Wait()
}

// Lead starts a request and returns as soon as it has a connection, which the
// requests that begin after that can share: net/http opens two for two that begin
// at once. The request uses the context that it is given. wait returns when the
// request has ended, with its error. reached is false where it has ended in that
// error without a connection: whoever asks the same server waits for nothing.
func Lead(ctx context.Context, request func(context.Context) error) (reached bool, wait func() error) {
	var (
		settled = make(chan bool, 1)
		once    sync.Once
		settle  = func(reached bool) { once.Do(func() { settled <- reached }) }
		ended   = make(chan struct{})
		err     error
	)
	go func() {
		defer close(ended)
		err = request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { settle(true) },
		}))
		settle(err == nil)
	}()
	return <-settled, func() error {
		<-ended
		return err
	}
}
