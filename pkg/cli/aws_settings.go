package cli

import (
	"cmp"
	"runtime"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsconfig"
	"github.com/kubectl-irsa/kubectl-irsa/pkg/login"
)

// awsConfig is the user's AWS configuration, an empty one where it cannot be read:
// then no setting of it applies.
func (f *Factory) awsConfig() *awsconfig.File {
	path, err := awsconfig.ConfigPath(f.Getenv)
	if err != nil {
		return &awsconfig.File{}
	}
	file, err := awsconfig.Read(path)
	if err != nil {
		return &awsconfig.File{}
	}
	return file
}

// awsFiles are the AWS CLI's files for the SDK, which expands no ~ in their
// variables. Without a home there is none to name.
func (f *Factory) awsFiles() (files awsapi.Files) {
	if path, err := awsconfig.ConfigPath(f.Getenv); err == nil {
		files.Config = path
	}
	if path, err := awsconfig.CredentialsPath(f.Getenv); err == nil {
		files.Credentials = path
	}
	return files
}

// region is what the user chose by a flag, a variable or a profile, "" where nobody
// did.
func (f *Factory) region(flag, profile string) string {
	if chosen := cmp.Or(flag, f.Getenv("AWS_REGION"), f.Getenv("AWS_DEFAULT_REGION")); chosen != "" {
		return chosen
	}
	p, _ := f.awsConfig().Profile(profile)
	region, _ := p.Get("region")
	return region
}

// checkRegion refuses what cannot be a part of a host's name: the region becomes
// one, and a slash or a dot in it would lead to somebody else's.
func checkRegion(region string) error {
	if region != "" && !awsapi.ValidRegion(region) {
		return usagef("region %q: a region is lower-case letters, digits and dashes, such as eu-west-1", region)
	}
	return nil
}

// ownsProfile reports whether a profile of ~/.aws/config is one of ours.
func (f *Factory) ownsProfile(name string) bool {
	p, _ := f.awsConfig().Profile(name)
	_, ours := login.Recognise(runtime.GOOS, p)
	return ours
}

// settingsProfile is the profile with the user's own settings: AWS_PROFILE's,
// unless that is one of ours, which is no place for settings of this shell.
func (f *Factory) settingsProfile() string {
	for _, variable := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if name := f.Getenv(variable); name != "" && !f.ownsProfile(name) {
			return name
		}
	}
	return "default"
}

// existing is the profile whose settings of the transport apply: this one where
// it is there already, else the user's AWS_PROFILE, else none.
func (f *Factory) existing(profile string) string {
	file := f.awsConfig()
	for _, name := range []string{profile, f.Getenv("AWS_PROFILE"), "default"} {
		if _, ok := file.Profile(name); ok && name != "" {
			return name
		}
	}
	return ""
}

// adminProfile is an AWS profile that may hold credentials for IAM, "" where none
// is known or the environment has chosen already.
func (f *Factory) adminProfile() string {
	if name := f.Getenv("AWS_PROFILE"); name != "" && !f.ownsProfile(name) || f.Getenv("AWS_ACCESS_KEY_ID") != "" {
		return ""
	}
	if others := f.otherAWSProfiles(""); len(others) > 0 {
		return others[0]
	}
	return ""
}

// adminOptions choose the credentials of whoever looks into IAM and S3.
func (f *Factory) adminOptions(profile, region string) awsapi.AdminOptions {
	return awsapi.AdminOptions{
		Profile: profile, Region: region, Files: f.awsFiles(), Application: f.application(),
		Profiles: func() []string { return f.otherAWSProfiles(profile) },
	}
}
