package cli

import (
	"context"
	"net/url"
	"strings"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// stsFor makes the client of a region's STS, or of the one at endpointURL, which
// stsEndpoint gave.
func (f *Factory) stsFor(endpointURL, profile string) func(context.Context, string) (*awsapi.STS, error) {
	return func(ctx context.Context, region string) (*awsapi.STS, error) {
		return awsapi.NewSTS(ctx, awsapi.STSOptions{
			Region: region, EndpointURL: endpointURL, Profile: f.existing(profile), Files: f.awsFiles(),
			Application: f.application(),
		})
	}
}

// stsEndpoint is the URL of the STS that gets the tokens, "" for the region's
// own: what the flag says, else the environment, else the first of these
// profiles that says anything. It decides alone, for the client and for the key
// that credentials are kept under.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (f *Factory) stsEndpoint(flag string, profiles ...string) string {
	if flag != "" {
		return flag
	}
	ignore := f.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	if strings.EqualFold(ignore, "true") {
		return ""
	}
	for _, variable := range []string{"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"} {
		if endpoint := f.Getenv(variable); endpoint != "" {
			return endpoint
		}
	}
	file := f.awsConfig()
	for _, name := range profiles {
		profile, _ := file.Profile(name)
		ignored, _ := profile.Get("ignore_configured_endpoint_urls")
		if strings.EqualFold(ignored, "true") && ignore == "" {
			continue
		}
		if endpoint := endpointOf(file, profile); endpoint != "" {
			return endpoint
		}
	}
	return ""
}

// endpointOf is the STS that the settings of a profile name.
func endpointOf(file *awsconfig.File, profile awsconfig.Profile) string {
	if name, ok := profile.Get("services"); ok {
		services, _ := file.Section("services", name)
		for _, setting := range services.Nested("sts") {
			if setting.Key == "endpoint_url" && setting.Value != "" {
				return setting.Value
			}
		}
	}
	endpoint, _ := profile.Get("endpoint_url")
	return endpoint
}

// customSTS reports whether tokens go to a server that is not AWS's.
func (f *Factory) customSTS(flag string) bool {
	return isCustom(f.stsEndpoint(flag, f.settingsProfile()))
}

func isCustom(endpoint string) bool {
	if endpoint == "" {
		return false
	}
	u, err := url.Parse(endpoint)
	return err != nil || !strings.HasSuffix(u.Hostname(), ".amazonaws.com")
}

// noteEndpoint says what becomes of an STS that is not AWS's own. A process
// profile keeps to it. The SDKs that exchange a token file themselves know of it
// by the environment only, or by the settings of that very profile.
func (o *loginCommand) noteEndpoint(endpoint string) {
	switch {
	case endpoint == "" || o.login.Mode == login.Static:
	case o.login.Mode == login.Process && o.stsEndpointURL == "":
		o.factory.note("note: your AWS settings name %s as STS, and the profile keeps to it", endpoint)
	case o.login.Mode == login.TokenFile && !o.settingsSay(endpoint):
		o.factory.note("note: the profile cannot name another STS than AWS's; where it is used, set AWS_ENDPOINT_URL_STS=%s", endpoint)
	}
}

// settingsSay reports whether the settings of the profile that is written name
// this very STS.
func (o *loginCommand) settingsSay(endpoint string) bool {
	file := o.factory.awsConfig()
	profile, _ := file.Profile(o.profile)
	return endpointOf(file, profile) == endpoint
}
