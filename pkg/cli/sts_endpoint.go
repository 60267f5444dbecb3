package cli

import (
	"net/url"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// settings is the profile whose endpoint settings apply: this one where it is
// there already, else the user's AWS_PROFILE, else [default]. It is empty where
// there is none of them.
func (f *Factory) settings(profile string) (*awsconfig.File, awsconfig.Profile) {
	path, err := awsconfig.ConfigPath(f.Getenv)
	if err != nil {
		return &awsconfig.File{}, awsconfig.Profile{}
	}
	file, err := awsconfig.Read(path)
	if err != nil {
		return &awsconfig.File{}, awsconfig.Profile{}
	}
	for _, name := range []string{profile, f.Getenv("AWS_PROFILE"), "default"} {
		if found, ok := file.Profile(name); ok && name != "" {
			return file, found
		}
	}
	return file, awsconfig.Profile{}
}

// existing is the name of the profile whose settings apply.
func (f *Factory) existing(profile string) string {
	_, found := f.settings(profile)
	return found.Name
}

// customSTS reports whether tokens go to a server that is not AWS's.
func (f *Factory) customSTS(endpointURL string) bool {
	endpoint := f.chosenEndpoint(endpointURL)
	if endpoint == "" {
		return false
	}
	u, err := url.Parse(endpoint)
	return err != nil || !strings.HasSuffix(u.Hostname(), ".amazonaws.com")
}

// chosenEndpoint is the STS endpoint of a flag or of the environment.
func (f *Factory) chosenEndpoint(endpointURL string) string {
	for _, endpoint := range []string{endpointURL, f.Getenv("AWS_ENDPOINT_URL_STS"), f.Getenv("AWS_ENDPOINT_URL")} {
		if endpoint != "" {
			return endpoint
		}
	}
	return ""
}

// endpointKey is the part of a cache key that says which STS is meant: what a
// flag or the environment says, else the words of the settings that apply.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (f *Factory) endpointKey(endpointURL string) string {
	if endpoint := f.chosenEndpoint(endpointURL); endpoint != "" {
		return endpoint
	}
	file, profile := f.settings("")
	forAll, _ := profile.Get("endpoint_url")
	name, _ := profile.Get("services")
	services, _ := file.Section("services", name)
	forSTS, _ := services.Get("sts")
	return strings.TrimSpace(forSTS + " " + forAll)
}

// noteEndpoint says what becomes of an STS that is not AWS's own. A process
// profile keeps to it. The SDKs that exchange a token file themselves know of it
// by the environment only, or by the settings of that very profile, which are
// there where ownSettings is true.
func (o *loginCommand) noteEndpoint(endpoint string, ownSettings bool) {
	fromProfile := o.factory.chosenEndpoint(o.stsEndpointURL) == ""
	switch {
	case endpoint == "" || o.login.Mode == login.Static:
	case o.login.Mode == login.Process && o.stsEndpointURL == "":
		o.factory.note("note: your AWS settings name %s as STS, and the profile keeps to it", endpoint)
	case o.login.Mode == login.TokenFile && !(fromProfile && ownSettings):
		o.factory.note("note: the profile cannot name another STS than AWS's; where it is used, set AWS_ENDPOINT_URL_STS=%s", endpoint)
	}
}
