package issuer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/oidc"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/plan"
)

// dirSteps write the documents to a directory that a web server serves at the
// issuer's URL.
func (p *Publisher) dirSteps() []plan.Step {
	p.stored = sync.OnceValues(p.readDir)
	return []plan.Step{
		{ID: StepKeys, Title: "write the keys", Look: p.lookKeys, Apply: p.writeKeys},
		{ID: StepDiscovery, Title: "write the discovery document", After: []string{StepKeys}, Look: p.lookDiscovery, Apply: p.writeDiscovery},
	}
}

// path is the file of a URL below the issuer.
func (p *Publisher) path(rawURL string) string {
	rest := strings.TrimPrefix(rawURL, strings.TrimSuffix(p.Live.Discovery.Issuer, "/"))
	if unescaped, err := url.PathUnescape(rest); err == nil {
		rest = unescaped
	}
	return filepath.Join(p.Target.Dir, filepath.FromSlash(filepath.Join("/", rest)))
}

func (p *Publisher) discoveryPath() string {
	return p.path(oidc.DiscoveryURL(p.Live.Discovery.Issuer))
}

func (p *Publisher) readDir() (stored, error) {
	var s stored
	text, err := readFile(p.discoveryPath())
	if err != nil {
		return s, err
	}
	if text != nil {
		d, err := oidc.ParseDiscovery(text)
		if err != nil {
			return s, fmt.Errorf("%s is in the way: %w", p.discoveryPath(), err)
		}
		s.parsed.Discovery = &d
	}
	s.keysURI = p.keysURI(s.parsed.Discovery)
	if text, err = readFile(p.path(s.keysURI)); err != nil {
		return s, err
	}
	if text != nil {
		keys, err := oidc.ParseKeySet(text)
		if err != nil {
			return s, fmt.Errorf("%s is in the way: %w", p.path(s.keysURI), err)
		}
		s.parsed.Keys = &keys
	}
	return p.withElsewhere(s), nil
}

func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func (p *Publisher) writeKeys(ctx context.Context) error {
	return p.locked(ctx, func(was stored) (string, []byte, error) {
		_, text, err := p.docs.Bytes()
		return p.path(was.keysURI), text, err
	})
}

func (p *Publisher) writeDiscovery(ctx context.Context) error {
	return p.locked(ctx, func(stored) (string, []byte, error) {
		text, _, err := p.docs.Bytes()
		return p.discoveryPath(), text, err
	})
}

// locked merges with what the directory holds now and replaces one file, while no
// other publisher does. A reader sees the old file or the new one, whole.
func (p *Publisher) locked(ctx context.Context, file func(stored) (path string, text []byte, err error)) error {
	if err := os.MkdirAll(p.Target.Dir, 0o755); err != nil { //nolint:gosec // a web server reads it
		return err
	}
	unlock, err := lockDir(ctx, p.Target.Dir)
	if err != nil {
		return fmt.Errorf("locking %s: %w", p.Target.Dir, err)
	}
	defer unlock()
	was, err := p.readDir()
	if err != nil {
		return err
	}
	if p.docs, p.keyList, err = p.compose(was); err != nil {
		return err
	}
	path, text, err := file(was)
	if err != nil {
		return err
	}
	return replace(path, text)
}

func replace(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a web server reads it
		return err
	}
	f, err := os.CreateTemp(dir, ".kubectl-irsa-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
