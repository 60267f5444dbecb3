package cli

import "github.com/kubectl-irsa/kubectl-irsa/pkg/login"

// noteEndpoint says what becomes of an STS that is not AWS's own. A process
// profile keeps to it. The SDKs that exchange a token file themselves know of it
// by the environment only, or by the settings of that very profile, which are
// there where ownSettings is true.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (o *loginCommand) noteEndpoint(endpoint string, ownSettings bool) {
	fromProfile := o.factory.endpointKey(o.stsEndpointURL) == ""
	switch {
	case endpoint == "" || o.login.Mode == login.Static:
	case o.login.Mode == login.Process && o.stsEndpointURL == "":
		o.factory.note("note: your AWS settings name %s as STS, and the profile keeps to it", endpoint)
	case o.login.Mode == login.TokenFile && !(fromProfile && ownSettings):
		o.factory.note("note: the profile cannot name another STS than AWS's; where it is used, set AWS_ENDPOINT_URL_STS=%s", endpoint)
	}
}
