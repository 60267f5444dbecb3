//go:build unix

package cli

import "errors"

// shortPath is for Windows: files have one name here.
func shortPath(string) (string, error) { return "", errors.ErrUnsupported }
