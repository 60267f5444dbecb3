//go:build unix

package awsconfig

import "syscall"

const mountError = syscall.EBUSY
