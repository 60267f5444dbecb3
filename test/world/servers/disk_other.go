//go:build !linux && !darwin

package servers

// enough does not know how to ask for free disk here.
func enough(...string) error { return nil }
