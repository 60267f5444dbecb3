package process

import (
	"os/exec"
	"syscall"
)

// bind has the kernel end cmd when this program ends.
func bind(cmd *exec.Cmd, ownGroup bool) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = ownGroup
}
