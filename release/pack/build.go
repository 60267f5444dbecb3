package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// commit is what a release is made of.
type commit struct {
	hash string
	time time.Time
}

// date is the commit's time, as the program's version tells it.
func (c commit) date() string { return c.time.UTC().Format(time.RFC3339) }

// Flags are those of go build, but for the linker's. Both SDKs wait for the network:
// without inlining they are three megabytes smaller and no slower.
var Flags = []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-gcflags=github.com/aws/...=-l", "-gcflags=k8s.io/...=-l"}

// LinkerFlags stamp a program: the version with its v, the whole hash of the
// commit, and its time as RFC 3339 has it, in UTC.
func LinkerFlags(version, commit, date string) string {
	return fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s -X main.date=%s", version, commit, date)
}

// commit is the one that is checked out. It fails where the work tree has
// something else in it, unless AllowDirty.
func (p Pack) commit(ctx context.Context) (commit, error) {
	head, err := p.git(ctx, "show", "--no-patch", "--format=%H %ct", "HEAD")
	if err != nil {
		return commit{}, err
	}
	hash, seconds, _ := strings.Cut(strings.TrimSpace(head), " ")
	since1970, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return commit{}, fmt.Errorf("reading the time of commit %s: %w", hash, err)
	}
	changed, err := p.git(ctx, "status", "--porcelain", "--untracked-files=normal")
	if err != nil {
		return commit{}, err
	}
	if changed != "" && !p.AllowDirty {
		first, _, more := strings.Cut(strings.TrimRight(changed, "\n"), "\n")
		if more {
			first += " and others"
		}
		return commit{}, fmt.Errorf("the work tree differs from its commit (%s): commit the changes, or pack them with --allow-dirty", strings.TrimSpace(first))
	}
	return commit{hash, time.Unix(since1970, 0).UTC()}, nil
}

func (p Pack) git(ctx context.Context, args ...string) (string, error) {
	out, err := p.run(ctx, nil, "git", args...)
	if err != nil {
		return "", fmt.Errorf("asking git about the commit: %w", err)
	}
	return out, nil
}

// build makes the program of a platform, into the file program. Settings of the
// machine that would change it are overruled.
func (p Pack) build(ctx context.Context, platform Platform, c commit, program string) error {
	fmt.Fprintf(p.Log, "building for %s\n", platform)
	fixed := []string{
		"GOOS=" + platform.OS, "GOARCH=" + platform.Arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GODEBUG=",
	}
	args := append([]string{"build"}, Flags...)
	args = append(args, "-ldflags", LinkerFlags(p.Version, c.hash, c.date()), "-o", program, "./cmd/"+project)
	if _, err := p.run(ctx, fixed, "go", args...); err != nil {
		return fmt.Errorf("building for %s: %w", platform, err)
	}
	return nil
}

// run gives what a program prints; where it fails, the error ends in what it
// said.
func (p Pack) run(ctx context.Context, extra []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.Source
	cmd.Env = append(append([]string(nil), p.Environ...), extra...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if text := strings.TrimSpace(said.String()); err != nil && text != "" {
		err = errors.New(text)
	}
	return out.String(), err
}
