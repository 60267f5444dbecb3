package creds

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

func TestARefusalIsToldOnlyToWhomItWasMeantFor(t *testing.T) {
	came := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := came.Add(time.Minute)
	key := Key{Server: "https://blue.example", ServiceAccount: "cart"}
	theirs := key
	theirs.Server = "https://green.example"
	for name, tc := range map[string]struct {
		key  Key
		at   time.Time
		text string // in place of a refusal
		told bool
	}{
		"refused while this one waited":       {key: key, at: came.Add(time.Second), told: true},
		"refused at this moment":              {key: key, at: now, told: true},
		"refused before this one came":        {key: key, at: came.Add(-time.Second)},
		"refused at the moment that it came":  {key: key, at: came},
		"the file says another key":           {key: theirs, at: came.Add(time.Second)},
		"the clock was set back meanwhile":    {key: key, at: now.Add(time.Second)},
		"the file is no refusal":              {text: "refused"},
		"the file is a refusal half written":  {text: `{"key": {"server": "https://blue.example"`},
		"the file is one of a former version": {text: `{"error": "refused"}`},
	} {
		t.Run(name, func(t *testing.T) {
			cache := Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
			text := []byte(tc.text)
			if tc.text == "" {
				var err error
				if text, err = json.Marshal(refusal{Key: tc.key, At: tc.at, Error: "refused", Hints: []string{"ask", "somebody"}, Short: "no"}); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(cache.Dir, key.name()+refusalSuffix)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			err := cache.refusedSince(key, came)
			_, gone := os.Stat(path)
			if !tc.told {
				if err != nil || !errors.Is(gone, fs.ErrNotExist) {
					t.Errorf("told %v; the file: %v", err, gone)
				}
				return
			}
			if err == nil || gone != nil {
				t.Fatalf("told %v; the file: %v", err, gone)
			}
			if diff := cmp.Diff([]any{"refused", []string{"ask", "somebody"}, "no"}, []any{err.Error(), hint.Lines(err), Short(err)}); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// What is kept says whose it is, and is read back as it was.
func TestARefusalIsKeptUnderItsKey(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cache := Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
	key := Key{ServiceAccount: "cart"}
	cache.keepRefusal(key, shorten(hint.Wrap(errors.New("refused"), "ask"), "no"))
	for told, other := range map[bool]Key{true: key, false: {ServiceAccount: "web"}} {
		if err := cache.refusedSince(other, now.Add(-time.Second)); (err != nil) != told {
			t.Errorf("%s was told %v", other.ServiceAccount, err)
		}
	}
}
