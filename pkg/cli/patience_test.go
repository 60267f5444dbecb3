package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestARequestBelowAPluginHasItsOwnTime(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		if r.URL.Path != "/quick" {
			<-done
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	client := &http.Client{Transport: impatient{http.DefaultTransport, 100 * time.Millisecond}}
	read := func(path string) (string, error) {
		response, err := client.Get(server.URL + path)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		return string(text), err
	}
	if text, err := read("/quick"); text != "begun" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := read("/slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestWhatHeedsNoContextIsGivenUp(t *testing.T) {
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	if _, err := within(ctx, func(context.Context) (int, error) { <-stuck; return 1, nil }); !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	told := errors.New("told")
	if _, err := within(ctx, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, told }); !errors.Is(err, told) {
		t.Errorf("error %v", err)
	}
	if got, err := within(t.Context(), func(context.Context) (int, error) { return 1, nil }); got != 1 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
}
