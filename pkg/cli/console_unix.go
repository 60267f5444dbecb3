//go:build unix

package cli

import (
	"context"
	"os/exec"
	"runtime"
	"time"
)

// browserPatience is how long an opener may take to fail: one that is still
// there has become the browser.
const browserPatience = 3 * time.Second

// browse hands a link to the desktop's opener. xdg-open asks BROWSER and the
// desktop for the user's browser.
func browse(ctx context.Context, link string) error {
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	child := exec.CommandContext(context.WithoutCancel(ctx), opener, link)
	if err := child.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(browserPatience):
		return nil
	}
}
