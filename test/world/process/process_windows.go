package process

import (
	"errors"
	"os"
	"os/exec"
)

func bind(*exec.Cmd, bool) {}

func pause(*os.Process) error  { return errors.New("pausing a process: not possible on Windows") }
func resume(*os.Process) error { return errors.New("resuming a process: not possible on Windows") }

func signalNumber(*os.ProcessState) int { return 0 }
