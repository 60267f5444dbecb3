package awsconfig

import "golang.org/x/sys/windows"

const mountError = windows.ERROR_NOT_SAME_DEVICE
