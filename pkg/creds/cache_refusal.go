package creds

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

const refusalSuffix = ".refused"

// refusal is why an exchange failed, for those who waited for it meanwhile.
type refusal struct {
	Key   Key       `json:"key"`
	At    time.Time `json:"at"`
	Error string    `json:"error"`
	Hints []string  `json:"hints,omitempty"`
	Short string    `json:"short,omitempty"`
}

// keepRefusal is for whoever has the key's lock. Where it cannot write, those who
// wait ask for themselves.
func (c Cache) keepRefusal(key Key, err error) {
	text, jsonErr := json.Marshal(refusal{Key: key, At: c.Now(), Error: err.Error(), Hints: hint.Lines(err), Short: Short(err)})
	if jsonErr == nil {
		_ = WritePrivate(filepath.Join(c.Dir, key.name()+refusalSuffix), text)
	}
}

// refusedSince is the refusal that an exchange met after came, nil where there was
// none. An older one is of no use to anybody any more.
func (c Cache) refusedSince(key Key, came time.Time) error {
	path := filepath.Join(c.Dir, key.name()+refusalSuffix)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // nobody was refused
	}
	var r refusal
	if json.Unmarshal(text, &r) == nil && r.Key == key && r.At.After(came) && !r.At.After(c.Now()) {
		return shorten(hint.Wrap(errors.New(r.Error), r.Hints...), r.Short)
	}
	_ = os.Remove(path)
	return nil
}
