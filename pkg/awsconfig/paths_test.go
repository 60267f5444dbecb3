package awsconfig

import (
	"path/filepath"
	"testing"
)

func TestConfigPathExpandsAsBotocoreDoes(t *testing.T) {
	tests := map[string]struct {
		goos string
		env  map[string]string
		want string
		err  string
	}{
		"the home directory": {
			env: map[string]string{"HOME": "/home/me"}, want: "/home/me/.aws/config",
		},
		"no home directory": {
			err: "finding ~/.aws/config: HOME is not set; set it, or set AWS_CONFIG_FILE to the file's path",
		},
		"the variable wins and needs no home directory": {
			env: map[string]string{"AWS_CONFIG_FILE": "/etc/aws"}, want: "/etc/aws",
		},
		"an empty variable counts as unset": {
			env: map[string]string{"HOME": "/home/me", "AWS_CONFIG_FILE": ""}, want: "/home/me/.aws/config",
		},
		"a tilde": {
			env: map[string]string{"HOME": "/home/me", "AWS_CONFIG_FILE": "~/x/config"}, want: "/home/me/x/config",
		},
		"a tilde alone": {
			env: map[string]string{"HOME": "/home/me", "AWS_CONFIG_FILE": "~"}, want: "/home/me",
		},
		"a tilde without a home directory": {
			env: map[string]string{"AWS_CONFIG_FILE": "~/x"}, err: "expanding ~ in AWS_CONFIG_FILE: HOME is not set",
		},
		"the home directory of somebody else": {
			env: map[string]string{"HOME": "/home/me", "AWS_CONFIG_FILE": "~root/x"},
			err: "reading AWS_CONFIG_FILE: another user's home directory (~root/x) is not expanded; write the path in full",
		},
		"variables, and what is none": {
			env:  map[string]string{"X": "/x", "Y_1": "y", "AWS_CONFIG_FILE": "$X/${Y_1}/$Y_1.d/$NONE/${NONE}/$/%X%/${"},
			want: "/x/y/y.d/$NONE/${NONE}/$/%X%/${",
		},
		"a variable that holds a tilde": {
			env: map[string]string{"HOME": "/home/me", "X": "~", "AWS_CONFIG_FILE": "$X/config"}, want: "/home/me/config",
		},
		"Windows": {
			goos: "windows", env: map[string]string{"USERPROFILE": "/users/me", "HOME": "/msys", "AWS_CONFIG_FILE": "~/%X%/$X/%NONE%", "X": "x"},
			want: "/users/me/x/x/%NONE%",
		},
		"Windows without a home directory": {
			goos: "windows", env: map[string]string{"HOME": "/msys"},
			err: "finding ~/.aws/config: USERPROFILE is not set; set it, or set AWS_CONFIG_FILE to the file's path",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if tc.goos == "" {
				tc.goos = "linux"
			}
			got, err := sharedPath(tc.goos, func(name string) string { return tc.env[name] }, "AWS_CONFIG_FILE", "config")
			if (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if filepath.ToSlash(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	env := func(name string) string { return map[string]string{"HOME": "/h", "USERPROFILE": "/h"}[name] }
	config, _ := ConfigPath(env)
	credentials, _ := CredentialsPath(env)
	if filepath.ToSlash(config) != "/h/.aws/config" || filepath.ToSlash(credentials) != "/h/.aws/credentials" {
		t.Errorf("got %s and %s", config, credentials)
	}
}
