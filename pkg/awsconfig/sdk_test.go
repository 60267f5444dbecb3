package awsconfig

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
)

// The SDK itself, not our reading of it, finds the profile in every file.
func TestTheGoSDKFindsTheProfile(t *testing.T) {
	line, err := CommandLine("linux", []string{"/home/John Doe/bin/kubectl-irsa", "credential-process", "--context", "a #b;c", "-n", "it's"})
	if err != nil {
		t.Fatal(err)
	}
	for name, profiles := range readGolden(t).Files {
		if profiles == nil || name == "corners/DEFAULT-bad-nested-alone.ini" {
			continue // refused; see the test of the whole corpus
		}
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			writeFile(t, path, readFile(t, filepath.Join("testdata", name)))
			err := Edit(t.Context(), path, setProfile("shop.cart", Setting{"credential_process", line}, Setting{"region", "eu-central-1"}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := config.LoadSharedConfigProfile(t.Context(), "shop.cart", func(o *config.LoadSharedConfigOptions) {
				o.ConfigFiles, o.CredentialsFiles = []string{path}, []string{}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.CredentialProcess != line || got.Region != "eu-central-1" {
				t.Errorf("the SDK reads %q and %q, want %q and eu-central-1", got.CredentialProcess, got.Region, line)
			}
		})
	}
}
