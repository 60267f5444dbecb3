package awsconfig

import (
	"context"
	"errors"
)

// Change is what should become of one profile.
type Change struct {
	Profile string    // CheckName accepts it
	Set     []Setting // CheckValue accepts them; keys that are not there are added
	Drop    []string  // keys to remove; one that is not there is no error
	Remove  bool      // removes the whole profile; Set and Drop must be empty
}

// Edit changes the configuration file at path. It waits for the lock until ctx
// is done, reads the file, asks change what to do, and replaces the file as a
// whole once every reader has understood the result. No Change, or one that
// changes nothing, writes nothing. An error leaves the file as it was, byte for
// byte; it is a [*SyntaxError] when the AWS CLI cannot read the file, and
// whatever change returns when it fails.
func Edit(ctx context.Context, path string, change func(*File) ([]Change, error)) error {
	return errors.New("not yet")
}
