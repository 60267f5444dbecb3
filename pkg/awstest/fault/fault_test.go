package fault_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awstest/fault"
)

func TestQueueStrikesInTurn(t *testing.T) {
	var q fault.Queue[string]
	q.Add("get", 1, 2)
	q.Add("put", 0, 0)
	var struck []string
	for _, request := range []string{"get", "get", "put", "get", "get", "put", "list"} {
		got, _ := q.Strike(func(f string) bool { return f == request })
		struck = append(struck, got)
	}
	if diff := cmp.Diff([]string{"", "get", "put", "get", "", "put", ""}, struck); diff != "" {
		t.Errorf("one get passes, two are struck, and every put (-want +got):\n%s", diff)
	}
	q.Clear()
	if got, hit := q.Strike(func(string) bool { return true }); hit {
		t.Errorf("%q struck after Clear", got)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if fault.Wait(ctx, time.Hour) {
		t.Error("it waited for an hour")
	}
	if !fault.Wait(ctx, 0) {
		t.Error("nothing to wait for is no wait")
	}
}
