package login

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/creds"
)

// write gives the token files that the profiles named before.
func (l *Login) write(ctx context.Context, session creds.Session) (former []string, err error) {
	err = awsconfig.Edit(ctx, l.ConfigPath, func(file *awsconfig.File) ([]awsconfig.Change, error) {
		former = nil
		for _, name := range l.names() {
			if profile, exists := file.Profile(name); exists {
				if o, ours := Recognise(l.GOOS, profile); ours && o.TokenFile != "" {
					former = append(former, o.TokenFile)
				}
			}
		}
		return l.changes(file, session)
	})
	return former, err
}

// dropTokens removes the token files of a former login that no profile names
// any more.
func (l *Login) dropTokens(former []string, current string) error {
	for _, path := range former {
		if path == current {
			continue
		}
		if err := (Book{ConfigPath: l.ConfigPath, GOOS: l.GOOS}).dropToken(path); err != nil {
			return fmt.Errorf("removing the token of the former login: %w", err)
		}
	}
	return nil
}

// changes are what becomes of the profiles of a file, once each of them is free.
func (l *Login) changes(file *awsconfig.File, session creds.Session) ([]awsconfig.Change, error) {
	set, err := l.settings(session)
	if err != nil {
		return nil, err
	}
	var changes []awsconfig.Change
	for _, name := range l.names() {
		if err := l.free(file, name); err != nil {
			return nil, err
		}
		profile, _ := file.Profile(name)
		change := changeTo(set)
		// botocore refuses to look for STS without a region, so token-file mode has one always.
		if _, has := profile.Get(keyRegion); l.WriteRegion || l.Mode == TokenFile && !has {
			change.Set = append(change.Set, awsconfig.Setting{Key: keyRegion, Value: session.Region})
		}
		change.Profile = name
		changes = append(changes, change)
	}
	return changes, nil
}

// settings are the lines of the profile, but for the region.
func (l *Login) settings(s creds.Session) ([]awsconfig.Setting, error) {
	if l.Mode == Process {
		line, err := l.Pinned.processCommand(l.GOOS, l.Binary)
		return []awsconfig.Setting{{Key: keyProcess, Value: line}}, err
	}
	marks, err := l.Pinned.marks()
	if err != nil {
		return nil, err
	}
	set, expires := []awsconfig.Setting{
		{Key: keyAccessKey, Value: s.Credentials.AccessKeyID},
		{Key: keySecretKey, Value: s.Credentials.SecretAccessKey},
		{Key: keySession, Value: s.Credentials.SessionToken},
	}, s.Credentials.Expiration
	if l.Mode == TokenFile {
		set, expires = []awsconfig.Setting{
			{Key: keyRole, Value: s.RoleARN.String()},
			{Key: keyTokenFile, Value: l.tokenPath()},
			{Key: keySessionName, Value: l.Request.SessionName},
		}, s.Token.Expires
	}
	return append(append(set, marks...), awsconfig.Setting{Key: keyExpiration, Value: expires.UTC().Format(time.RFC3339)}), nil
}

// tokenPath is where the token of a token-file profile is kept.
func (l *Login) tokenPath() string {
	sum := sha256.Sum256([]byte(l.Profile + "\x00" + l.Pinned.marker()))
	return filepath.Join(l.TokenDir, hex.EncodeToString(sum[:8])+tokenSuffix)
}

const tokenSuffix = ".token"

// isTokenName reports whether a file's name is one that tokenPath gives.
func isTokenName(name string) bool {
	digest, is := strings.CutSuffix(name, tokenSuffix)
	return is && len(digest) == 16 && strings.Trim(digest, "0123456789abcdef") == ""
}

// keepToken writes the token where only its owner reads it.
func (l *Login) keepToken(s creds.Session) (string, error) {
	if err := os.MkdirAll(l.TokenDir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder for the token: %w", err)
	}
	path := l.tokenPath()
	if err := creds.WritePrivate(path, []byte(s.Token.Raw())); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	return path, nil
}
