package cli

import (
	"context"
	"os/exec"
)

// browse hands a link to the user's browser, past cmd, to which its ampersands
// would mean something.
func browse(ctx context.Context, link string) error {
	return exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", link).Run()
}
