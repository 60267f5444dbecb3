package login

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

// Book is where profiles and what belongs to them are kept.
type Book struct {
	ConfigPath string
	GOOS       string
	Cache      creds.Cache
	TokenDir   string
	CacheDir   func(flag string) string // the cache's folder for a value of --cache-dir
}

// cacheOf is where the credentials of a profile are kept: in the folder that its
// login was given, where it was given one.
func (b Book) cacheOf(p Pinned) creds.Cache {
	cache := b.Cache
	for _, flag := range p.Extra {
		if dir, is := strings.CutPrefix(flag, "--cache-dir="); is {
			cache.Dir = b.CacheDir(dir)
		}
	}
	return cache
}

// List is every profile of ours, in the order of the file. A process profile's
// expiry is that of its cached credentials, zero where none are kept.
func (b Book) List() ([]Owned, error) {
	file, err := awsconfig.Read(b.ConfigPath)
	if err != nil {
		return nil, err
	}
	kept := map[string][]creds.Kept{} // by folder
	var all []Owned
	for _, profile := range file.Profiles() {
		o, ours := Recognise(b.GOOS, profile)
		if !ours {
			continue
		}
		if o.Mode == Process {
			cache := b.cacheOf(o.Pinned)
			if _, read := kept[cache.Dir]; !read {
				if kept[cache.Dir], err = cache.List(); err != nil {
					return nil, err
				}
			}
			o.Expiration = latest(kept[cache.Dir], o.Pinned)
		}
		all = append(all, o)
	}
	return all, nil
}

func latest(kept []creds.Kept, p Pinned) (at time.Time) {
	for _, k := range kept {
		if p.keeps(k.Key) && k.Expiration.After(at) {
			at = k.Expiration
		}
	}
	return at
}

// CheckOwned refuses a profile that is there and is none of ours.
func (b Book) CheckOwned(name string) error {
	file, err := awsconfig.Read(b.ConfigPath)
	if err != nil {
		return err
	}
	profile, exists := file.Profile(name)
	if _, ours := Recognise(b.GOOS, profile); exists && !ours {
		return fmt.Errorf("profile %q of %s was not written by kubectl irsa, and stays", name, b.ConfigPath)
	}
	return nil
}

// Remove takes away the profiles of ours that match, with their token files and
// cached credentials, and gives them.
func (b Book) Remove(ctx context.Context, match func(Owned) bool) ([]Owned, error) {
	var removed []Owned
	err := awsconfig.Edit(ctx, b.ConfigPath, func(file *awsconfig.File) ([]awsconfig.Change, error) {
		removed = nil
		var changes []awsconfig.Change
		for _, profile := range file.Profiles() {
			if o, ours := Recognise(b.GOOS, profile); ours && match(o) {
				removed = append(removed, o)
				changes = append(changes, awsconfig.Change{Profile: profile.Name, Remove: true})
			}
		}
		return changes, nil
	})
	if err != nil {
		return nil, err
	}
	for _, o := range removed {
		if err := b.forget(o); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (b Book) forget(o Owned) error {
	if o.TokenFile != "" {
		if err := b.dropToken(o.TokenFile); err != nil {
			return fmt.Errorf("removing the token of profile %q: %w", o.Name, err)
		}
	}
	for _, cache := range []creds.Cache{b.Cache, b.cacheOf(o.Pinned)} {
		if err := errors.Join(cache.Remove(o.Pinned.matches), cache.Sweep()); err != nil {
			return err
		}
	}
	return nil
}

// Forget drops the cached sessions that match, but for those of a profile that is
// still there, and gives their number. What killed runs left half written goes, too.
func (b Book) Forget(match func(creds.Key) bool) (sessions int, err error) {
	file, err := awsconfig.Read(b.ConfigPath)
	if err != nil {
		return 0, err
	}
	var staying []Pinned
	for _, profile := range file.Profiles() {
		if o, ours := Recognise(b.GOOS, profile); ours && o.Mode == Process {
			staying = append(staying, o.Pinned)
		}
	}
	err = b.Cache.Remove(func(k creds.Key) bool {
		if !match(k) || slices.ContainsFunc(staying, func(p Pinned) bool { return p.keeps(k) }) {
			return false
		}
		sessions++
		return true
	})
	return sessions, errors.Join(err, creds.SweepTemps(b.Cache.Dir, b.Cache.Now()), creds.SweepTemps(b.TokenDir, b.Cache.Now()))
}

// dropToken removes a token file unless a profile still names it: [default] may
// share another's. A file that was put into the profile by somebody else stays.
func (b Book) dropToken(path string) error {
	if !isTokenName(filepath.Base(path)) {
		return nil
	}
	file, err := awsconfig.Read(b.ConfigPath)
	if err != nil {
		return err
	}
	for _, profile := range file.Profiles() {
		if named, _ := profile.Get(keyTokenFile); named == path {
			return nil
		}
	}
	if err := awsconfig.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
