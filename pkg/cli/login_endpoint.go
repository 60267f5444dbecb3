package cli

import (
	"context"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// pinEndpoint takes an STS endpoint that a profile's settings chose for this
// login into the command that renews it: credential-process is not told whose
// profile runs it, and would ask AWS's own STS. The SDKs that exchange a token
// file themselves are told by the environment only.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (o *loginCommand) pinEndpoint(ctx context.Context) error {
	endpoint := o.factory.endpointKey(o.stsEndpointURL)
	if endpoint == "" {
		var err error
		if endpoint, err = o.profileEndpoint(ctx); err != nil || endpoint == "" {
			return err
		}
		o.login.Pinned.STSEndpointURL, o.login.Key.STSEndpoint = endpoint, endpoint
		if o.factory.existing(o.profile) == o.profile {
			return nil // the SDKs read its settings too
		}
	}
	if o.login.Mode == login.TokenFile {
		o.factory.note("note: the profile cannot name another STS than AWS's; where it is used, set AWS_ENDPOINT_URL_STS=%s", endpoint)
	}
	return nil
}

// profileEndpoint is the STS endpoint of the settings endpoint_url and services
// of the profile whose settings apply, "" where it has neither.
func (o *loginCommand) profileEndpoint(ctx context.Context) (string, error) {
	f := o.factory
	file, err := awsconfig.Read(o.login.ConfigPath)
	if err != nil {
		return "", nil // Run says what is wrong with the file
	}
	name := f.existing(o.profile)
	profile, _ := file.Profile(name)
	_, endpoint := profile.Get("endpoint_url")
	_, services := profile.Get("services")
	if !endpoint && !services {
		return "", nil
	}
	region := o.login.Request.Region
	if region == "" {
		region = "us-east-1"
	}
	chosen, err := f.stsFor("", o.profile)(ctx, region)
	if err != nil {
		return "", err
	}
	defer chosen.Close()
	usual, err := awsapi.NewSTS(ctx, awsapi.STSOptions{Region: region, Application: "kubectl-irsa/" + f.build.number()})
	if err != nil {
		return "", err
	}
	defer usual.Close()
	if chosen.Endpoint.String() == usual.Endpoint.String() {
		return "", nil
	}
	return chosen.Endpoint.String(), nil
}
