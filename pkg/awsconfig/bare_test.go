package awsconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBareAreTheProfilesOfACredentialsFile(t *testing.T) {
	file, err := Parse([]byte("[DEFAULT]\nregion = x\n[default]\naws_access_key_id = a\n[ops]\n[profile odd]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"default", "ops", "profile odd"}, file.Bare()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
