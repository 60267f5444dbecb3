//go:build unix

package issuer

import (
	"context"
	"errors"
	"testing"
)

func TestWhoWaitsForAnotherPublisherEndsWhenTold(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	told := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(told)
	if _, err := lockDir(ctx, dir); !errors.Is(err, told) {
		t.Errorf("got %v", err)
	}
	unlock()
	unlock, err = lockDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
