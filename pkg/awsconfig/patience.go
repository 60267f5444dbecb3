package awsconfig

import (
	"os"
	"time"
)

// How often, and how long apart, a busy file is tried again: whoever reads one of
// ours has it open for milliseconds.
const (
	busyTries = 50
	busyPause = 20 * time.Millisecond
)

// Rename puts the file from in the place of to, at once for whoever looks.
// Windows refuses that while another program has to open, and so it waits for up
// to a second:
// https://learn.microsoft.com/windows/win32/fileio/creating-and-opening-files.
func Rename(from, to string) error {
	return patiently(func() error { return os.Rename(from, to) }, isBusy, time.Sleep)
}

// Remove removes a file, as patiently as [Rename].
func Remove(path string) error {
	return patiently(func() error { return os.Remove(path) }, isBusy, time.Sleep)
}

func patiently(do func() error, busy func(error) bool, sleep func(time.Duration)) error {
	err := do()
	for try := 1; try < busyTries && err != nil && busy(err); try++ {
		sleep(busyPause)
		err = do()
	}
	return err
}
