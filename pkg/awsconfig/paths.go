package awsconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// ConfigPath returns the file that the AWS CLI reads profiles from:
// AWS_CONFIG_FILE with ~ and variables expanded, else .aws/config in the home
// directory (HOME; USERPROFILE on Windows). An empty variable counts as unset.
// It is an error when the home directory is needed and not known.
func ConfigPath(getenv func(string) string) (string, error) {
	return sharedPath(runtime.GOOS, getenv, "AWS_CONFIG_FILE", "config")
}

// CredentialsPath is [ConfigPath] for AWS_SHARED_CREDENTIALS_FILE and
// .aws/credentials.
func CredentialsPath(getenv func(string) string) (string, error) {
	return sharedPath(runtime.GOOS, getenv, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

func sharedPath(goos string, getenv func(string) string, variable, base string) (string, error) {
	homeVariable := "HOME"
	if goos == "windows" {
		homeVariable = "USERPROFILE"
	}
	home := getenv(homeVariable)
	path := getenv(variable)
	if path == "" {
		if home == "" {
			return "", fmt.Errorf("finding ~/.aws/%s: %s is not set; set it, or set %s to the file's path", base, homeVariable, variable)
		}
		return filepath.Join(home, ".aws", base), nil
	}
	// botocore expands variables first and ~ second; the SDKs expand neither.
	path = expandVariables(goos, path, getenv)
	if !strings.HasPrefix(path, "~") {
		return path, nil
	}
	rest := path[1:]
	if rest != "" && !os.IsPathSeparator(rest[0]) {
		return "", fmt.Errorf("reading %s: another user's home directory (%s) is not expanded; write the path in full", variable, path)
	}
	if home == "" {
		return "", fmt.Errorf("expanding ~ in %s: %s is not set", variable, homeVariable)
	}
	return filepath.Join(home, rest), nil
}

// expandVariables replaces $NAME and ${NAME}, and %NAME% on Windows, and leaves
// a variable that is not set as it stands, as Python's os.path.expandvars does.
func expandVariables(goos, path string, getenv func(string) string) string {
	var out strings.Builder
	for i := 0; i < len(path); {
		name, length := variableAt(goos, path[i:])
		if length == 0 {
			out.WriteByte(path[i])
			i++
			continue
		}
		if value := getenv(name); value != "" {
			out.WriteString(value)
		} else {
			out.WriteString(path[i : i+length])
		}
		i += length
	}
	return out.String()
}

// variableAt returns the variable that s begins with and the length of its
// spelling, or 0.
func variableAt(goos, s string) (name string, length int) {
	if s[0] == '%' && goos == "windows" {
		if end := strings.IndexByte(s[1:], '%'); end > 0 {
			return s[1 : 1+end], end + 2
		}
		return "", 0
	}
	if s[0] != '$' {
		return "", 0
	}
	if strings.HasPrefix(s, "${") {
		if end := strings.IndexByte(s, '}'); end > 2 {
			return s[2:end], end + 1
		}
		return "", 0
	}
	end := 1
	for end < len(s) && isNameByte(s[end]) {
		end++
	}
	if end == 1 {
		return "", 0
	}
	return s[1:end], end
}

func isNameByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
