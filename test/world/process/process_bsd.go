//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// bind cannot tie cmd's life to this program's here: whoever starts it kills it.
func bind(cmd *exec.Cmd, ownGroup bool) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = ownGroup
}
