package abreast_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/abreast"
)

func TestEachCallsEveryNumberOnceAndNoMoreAtATimeThanIsAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		n, atOnce int
		took      time.Duration // in calls of one second
		most      int32
	}{
		"fewer than may run":       {n: 3, atOnce: 8, took: time.Second, most: 3},
		"more than may run":        {n: 20, atOnce: 8, took: 3 * time.Second, most: 8},
		"one after another":        {n: 4, atOnce: 1, took: 4 * time.Second, most: 1},
		"nothing to do":            {n: 0, atOnce: 8},
		"as many as may run again": {n: 16, atOnce: 8, took: 2 * time.Second, most: 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running, most atomic.Int32
				calls := make([]int, tc.n)
				begun := time.Now()
				abreast.Each(tc.n, tc.atOnce, func(i int) {
					if now := running.Add(1); now > most.Load() {
						most.Store(now)
					}
					calls[i]++
					time.Sleep(time.Second)
					running.Add(-1)
				})
				for i, count := range calls {
					if count != 1 {
						t.Errorf("number %d was called %d times", i, count)
					}
				}
				if diff := cmp.Diff([]any{tc.took, tc.most}, []any{time.Since(begun), most.Load()}); diff != "" {
					t.Errorf("time and the most at once (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestACallOfEachMayWaitForOneOfASmallerNumber(t *testing.T) {
	ended := make([]chan struct{}, 50)
	for i := range ended {
		ended[i] = make(chan struct{})
	}
	abreast.Each(len(ended), 3, func(i int) {
		defer close(ended[i])
		if i > 0 {
			<-ended[i-1]
		}
	})
}

func TestLeadReturnsOnceTheConnectionIsUpAndNotWhenTheAnswerCame(t *testing.T) {
	answer := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answer }))
	defer server.Close()
	reached, wait := abreast.Lead(t.Context(), func(ctx context.Context) error { return get(ctx, server) })
	if !reached {
		t.Error("a request that has a connection is said to have none")
	}
	close(answer) // before this line nobody was answered, and Lead has returned
	if err := wait(); err != nil {
		t.Error(err)
	}
}

func TestLeadTellsARequestThatEndedWithoutAConnection(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	nothing := errors.New("refused before anybody was asked")
	for name, tc := range map[string]struct {
		request func(context.Context) error
		reached bool
		fails   bool
	}{
		"nobody listens":                      {func(ctx context.Context) error { return get(ctx, gone) }, false, true},
		"an error before anything was sent":   {func(context.Context) error { return nothing }, false, true},
		"an answer that needed no connection": {func(context.Context) error { return nil }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			reached, wait := abreast.Lead(t.Context(), tc.request)
			if err := wait(); reached != tc.reached || (err != nil) != tc.fails {
				t.Errorf("reached %v with %v, want %v", reached, err, tc.reached)
			}
		})
	}
}

func get(ctx context.Context, server *httptest.Server) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		return err
	}
	response, err := server.Client().Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
