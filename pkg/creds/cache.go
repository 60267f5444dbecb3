package creds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/irsa"
)

// Key is all that decides which credentials an exchange gives. Two keys that
// differ anywhere never share an entry.
type Key struct {
	Server         string        `json:"server"`    // the API server's URL
	Authority      string        `json:"authority"` // a digest of the certificate authority that it is known by
	User           string        `json:"user"`      // who asks: the kubeconfig user, how it signs in and whom it impersonates
	Context        string        `json:"context"`
	Namespace      string        `json:"namespace"`
	ServiceAccount string        `json:"serviceAccount"`
	RoleARN        string        `json:"roleArn"`
	Audience       string        `json:"audience"`
	Issuer         string        `json:"issuer"` // the expected one, "" for any
	Duration       time.Duration `json:"duration"`
	SessionName    string        `json:"sessionName"`
	Region         string        `json:"region"`
	STSEndpoint    string        `json:"stsEndpoint"`
	Policy         string        `json:"policy,omitempty"` // PolicyDigest of the session policies
}

// PolicyDigest stands for session policies in a Key; "" where there are none.
func PolicyDigest(policy string, arns []string) string {
	if policy == "" && len(arns) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(policy + "\x00" + strings.Join(arns, "\x00")))
	return hex.EncodeToString(sum[:])
}

func (k Key) name() string {
	text, err := json.Marshal(k)
	if err != nil {
		panic(err) // strings and a number
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Cache keeps credentials in files of one folder, mode 0600 in a folder of
// mode 0700. A zero Cache keeps nothing.
type Cache struct {
	Dir  string
	Now  func() time.Time
	Warn func(error) // told where a folder or file cannot be written; the credentials are served all the same
}

// entry is what a file holds: the key is there to be compared, so that a file
// of another meaning is never served.
type entry struct {
	Key         Key         `json:"key"`
	Credentials Credentials `json:"credentials"`
}

const (
	entrySuffix = ".json"
	lockSuffix  = ".lock"
)

// lockPoll is how often a caller that waits for another's exchange looks again.
const lockPoll = 20 * time.Millisecond

// Get gives credentials of key: kept ones that are good enough (Credentials.Fresh
// or Credentials.Lasting), or what exchange answers, which is then kept. However
// many callers ask at once, in however many processes, one of them exchanges and
// the others wait for it and for its refusal: that is told to all who were waiting,
// and to nobody who came later. Entries that cannot be read, belong to another key
// or are not good enough are replaced.
func (c Cache) Get(ctx context.Context, key Key, good func(Credentials, time.Time) bool,
	exchange func(context.Context) (Credentials, error)) (Credentials, error) {
	if c.Dir == "" {
		return exchange(ctx)
	}
	if err := c.open(); err != nil {
		c.Warn(fmt.Errorf("going on without a cache: %w", err))
		return exchange(ctx)
	}
	came := c.Now()
	if kept, ok := c.read(key, good); ok {
		return kept, nil
	}
	lock := flock.New(filepath.Join(c.Dir, key.name()+lockSuffix), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPoll); ctx.Err() != nil {
		return Credentials{}, fmt.Errorf("waiting for another process that fetches the same credentials: %w", err)
	} else if err != nil {
		c.Warn(fmt.Errorf("going on without a cache: %w", err))
		return exchange(ctx)
	}
	defer func() { _ = lock.Close() }()
	if kept, ok := c.read(key, good); ok {
		return kept, nil
	}
	if err := c.refusedSince(key, came); err != nil {
		return Credentials{}, err
	}
	fresh, err := exchange(ctx)
	if err != nil {
		if ctx.Err() == nil { // one who goes away is no refusal
			c.keepRefusal(key, err)
		}
		return Credentials{}, err
	}
	if err := c.write(key, fresh); err != nil {
		c.Warn(fmt.Errorf("the credentials are not kept: %w", err))
	}
	return fresh, nil
}

// Put keeps credentials that were fetched for key.
func (c Cache) Put(key Key, fresh Credentials) error {
	if c.Dir == "" {
		return nil
	}
	if err := c.open(); err != nil {
		return fmt.Errorf("making the cache folder: %w", err)
	}
	return c.write(key, fresh)
}

// open makes the folder, and closes one to others that is open to them: who may
// write there decides which credentials are served. One that belongs to somebody
// else cannot be closed, and is not used.
func (c Cache) open() error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	folder, err := os.Stat(c.Dir)
	if err != nil || folder.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(c.Dir, 0o700) //nolint:gosec // a folder needs x
}

func (c Cache) read(key Key, good func(Credentials, time.Time) bool) (Credentials, bool) {
	kept, ok := readEntry(filepath.Join(c.Dir, key.name()+entrySuffix))
	if !ok || kept.Key != key || kept.Credentials.AccessKeyID == "" || !good(kept.Credentials, c.Now()) {
		return Credentials{}, false
	}
	return kept.Credentials, true
}

func readEntry(path string) (entry, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return entry{}, false
	}
	var kept entry
	if json.Unmarshal(text, &kept) != nil {
		return entry{}, false
	}
	return kept, true
}

func (c Cache) write(key Key, fresh Credentials) (err error) {
	text, err := json.Marshal(entry{Key: key, Credentials: fresh})
	if err != nil {
		return fmt.Errorf("keeping the credentials: %w", err)
	}
	if err := c.Sweep(); err != nil {
		c.Warn(fmt.Errorf("sessions that ended are still in the cache: %w", err))
	}
	return WritePrivate(filepath.Join(c.Dir, key.name()+entrySuffix), text)
}

// WritePrivate replaces the file at path with text, at once and readable by
// its owner only.
func WritePrivate(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return awsconfig.Rename(f.Name(), path)
}

// Kept is an entry of the cache without its secrets.
type Kept struct {
	Key        Key
	Expiration time.Time
	Session    string // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
}

// Of reports whether it is a session of this role. The ARN of a session leaves
// the role's path out: a name is that of one role in an account.
func (k Kept) Of(role irsa.RoleARN) bool {
	return k.Key.RoleARN == role.String() ||
		strings.HasPrefix(k.Session, "arn:"+role.Partition+":sts::"+role.Account+":assumed-role/"+role.Name+"/")
}

func (e entry) kept() Kept {
	return Kept{Key: e.Key, Expiration: e.Credentials.Expiration, Session: e.Credentials.RoleSessionARN}
}

// List is what the cache holds, expired or not; files that are none of its
// entries are passed over.
func (c Cache) List() ([]Kept, error) {
	var all []Kept
	err := c.each(func(_ string, e entry) error {
		all = append(all, e.kept())
		return nil
	})
	return all, err
}

// Remove drops the entries whose keys match.
func (c Cache) Remove(match func(Key) bool) error {
	return c.Forget(func(k Kept) bool { return match(k.Key) })
}

// Forget drops the entries that match. Their locks stay: a process that waits
// on one must not meet a second that made it anew.
func (c Cache) Forget(match func(Kept) bool) error {
	return c.each(func(path string, e entry) error {
		if !match(e.kept()) {
			return nil
		}
		if err := awsconfig.Remove(path); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil // another process was faster
	})
}

func (c Cache) each(visit func(path string, e entry) error) error {
	if c.Dir == "" {
		return nil
	}
	files, err := os.ReadDir(c.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the cache: %w", err)
	}
	for _, file := range files {
		path := filepath.Join(c.Dir, file.Name())
		if !strings.HasSuffix(path, entrySuffix) {
			continue
		}
		if e, ok := readEntry(path); ok {
			if err := visit(path, e); err != nil {
				return err
			}
		}
	}
	return nil
}
