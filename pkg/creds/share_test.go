package creds_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

func TestARefusalIsToldToWhoeverWaitedForIt(t *testing.T) {
	cache := creds.Cache{Dir: t.TempDir(), Now: time.Now, Warn: func(err error) { t.Error(err) }}
	key := creds.Key{ServiceAccount: "cart"}
	refused := hint.Wrap(errors.New("refused"), "ask", "somebody")
	var asked atomic.Int32
	begun, goOn := make(chan struct{}), make(chan struct{})
	exchange := func(context.Context) (creds.Credentials, error) {
		if asked.Add(1) == 1 {
			close(begun)
			<-goOn
		}
		return creds.Credentials{}, refused
	}
	get := func() error {
		_, err := cache.Get(t.Context(), key, creds.Credentials.Fresh, exchange)
		return err
	}
	told := make([]error, 20)
	var wait, came sync.WaitGroup
	wait.Go(func() { told[0] = get() })
	<-begun
	came.Add(len(told) - 1)
	for i := range told[1:] {
		wait.Go(func() { came.Done(); told[i+1] = get() })
	}
	came.Wait()
	time.Sleep(50 * time.Millisecond) // all of them have looked at the clock
	close(goOn)
	wait.Wait()
	for _, err := range told {
		if err == nil || err.Error() != "refused" || !cmp.Equal(hint.Lines(err), []string{"ask", "somebody"}) {
			t.Errorf("told %v, %q", err, hint.Lines(err))
		}
	}
	if got := asked.Load(); got != 1 {
		t.Errorf("%d exchanges", got)
	}
	if err := get(); err == nil || asked.Load() != 2 {
		t.Errorf("a later caller was told %v after %d exchanges", err, asked.Load())
	}
}

func TestOneWhoGoesAwayRefusesNobody(t *testing.T) {
	cache := creds.Cache{Dir: t.TempDir(), Now: time.Now, Warn: func(err error) { t.Error(err) }}
	key := creds.Key{ServiceAccount: "cart"}
	now := time.Now()
	good := creds.Credentials{AccessKeyID: "ASIA", Issued: now, Expiration: now.Add(time.Hour)}
	begun, away := make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		defer close(away)
		_, _ = cache.Get(ctx, key, creds.Credentials.Fresh, func(ctx context.Context) (creds.Credentials, error) {
			close(begun)
			<-ctx.Done()
			return creds.Credentials{}, ctx.Err()
		})
	}()
	<-begun
	time.AfterFunc(50*time.Millisecond, leave)
	got, err := cache.Get(t.Context(), key, creds.Credentials.Fresh, func(context.Context) (creds.Credentials, error) { return good, nil })
	if <-away; err != nil || got.AccessKeyID != good.AccessKeyID {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHowMuchOfASessionMustBeLeft(t *testing.T) {
	begun := time.Now()
	for name, tc := range map[string]struct {
		life, left     time.Duration
		fresh, lasting bool
	}{
		"a new hour":               {time.Hour, time.Hour, true, true},
		"half of an hour":          {time.Hour, 30 * time.Minute, true, true},
		"less than half":           {time.Hour, 29 * time.Minute, true, false},
		"sixteen minutes":          {time.Hour, 16 * time.Minute, true, false},
		"a quarter of an hour":     {time.Hour, 15 * time.Minute, false, false},
		"half of twelve hours":     {12 * time.Hour, 6 * time.Hour, true, true},
		"hours of twelve":          {12 * time.Hour, 5 * time.Hour, true, false},
		"half of the shortest":     {15 * time.Minute, 8 * time.Minute, true, true},
		"a third of the shortest":  {15 * time.Minute, 5 * time.Minute, false, false},
		"a third of half an hour":  {30 * time.Minute, 10 * time.Minute, false, false},
		"more than that":           {30 * time.Minute, 11 * time.Minute, true, false},
		"a session that has ended": {time.Hour, -time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := creds.Credentials{Issued: begun, Expiration: begun.Add(tc.life)}
			now := c.Expiration.Add(-tc.left)
			if got := []bool{c.Fresh(now), c.Lasting(now)}; !cmp.Equal(got, []bool{tc.fresh, tc.lasting}) {
				t.Errorf("fresh and lasting: %v", got)
			}
		})
	}
}
