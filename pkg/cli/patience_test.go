package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
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

// TestAMuteAPIServerIsGivenUp asks one that never answers, through what a
// kubeconfig and the flags make of a client, and a plugin that takes its time.
func TestAMuteAPIServerIsGivenUp(t *testing.T) {
	const plain, plugin = "{token: hush}", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: get, interactiveMode: Never}}"
	const patience = 24 * time.Hour // of whoever asks
	for name, tc := range map[string]struct {
		user   string
		args   []string
		thinks time.Duration // the plugin
		want   time.Duration
	}{
		"without a plugin":                           {user: plain, want: 15 * time.Second},
		"with one that is quick":                     {user: plugin, want: 15 * time.Second},
		"with one that waits for a person":           {user: plugin, thinks: 2 * time.Minute, want: 2*time.Minute + 15*time.Second},
		"with one that waits for ever":               {user: plugin, thinks: patience, want: 5 * time.Minute},
		"after as long as the user says":             {user: plain, args: []string{"--request-timeout=40s"}, want: 40 * time.Second},
		"after as long as the user says, plugin too": {user: plugin, args: []string{"--request-timeout=40s"}, thinks: 30 * time.Second, want: 40 * time.Second},
		"never, where the user says so":              {user: plain, args: []string{"--request-timeout=0"}, want: patience},
		"never, where the user of a plugin says so":  {user: plugin, args: []string{"--request-timeout=0"}, want: patience},
	} {
		t.Run(name, func(t *testing.T) {
			config := clusterOf(t, tc.user, tc.args...).config
			synctest.Test(t, func(t *testing.T) {
				transport := http.RoundTripper(mute{})
				if config.WrapTransport != nil {
					transport = config.WrapTransport(transport)
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://127.0.0.1:1", nil)
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				response, err := (&http.Client{Transport: thinking{transport, tc.thinks}, Timeout: config.Timeout}).Do(r)
				if err == nil {
					_ = response.Body.Close()
				}
				if took := time.Since(begun); took != tc.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("it took %s, not %s: %v", took, tc.want, err)
				}
			})
		})
	}
}

// mute is a server that never answers.
type mute struct{}

func (mute) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// thinking is where client-go asks a plugin for credentials.
type thinking struct {
	next http.RoundTripper
	time time.Duration
}

func (p thinking) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(p.time):
		return p.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
