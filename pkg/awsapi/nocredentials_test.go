package awsapi

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

func TestWithoutCredentialsEveryCommandSaysTheSame(t *testing.T) {
	type said struct {
		Text  string
		Hints []string
	}
	const end = "failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, access disabled"
	for name, tc := range map[string]struct {
		sdk      string
		profiles []string
		want     said
	}{
		"nothing anywhere":            {end, nil, said{"there are no AWS credentials", []string{"choose some with --aws-profile, or set AWS_PROFILE"}}},
		"profiles that may hold some": {end, []string{"a", "b"}, said{"there are no AWS credentials", []string{"choose some with --aws-profile: you have a, b"}}},
		"too many to name": {end, []string{"a", "b", "c", "d", "e", "f"},
			said{"there are no AWS credentials", []string{"choose some with --aws-profile: you have a, b, c, d, e and others"}}},
		"a source that failed": {"failed to refresh cached credentials, the SSO session has expired", nil,
			said{"there are no AWS credentials: the SSO session has expired", []string{"choose some with --aws-profile, or set AWS_PROFILE"}}},
	} {
		t.Run(name, func(t *testing.T) {
			provider := explained{
				aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New(tc.sdk) }),
				func() []string { return tc.profiles },
			}
			admin := &Admin{credentials: provider}
			_, callErr := iam.New(iam.Options{Region: "us-east-1", Credentials: provider}).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("cart")})
			_, callerErr := admin.Caller(t.Context())
			for asked, err := range map[string]error{"beforehand": admin.HasCredentials(t.Context()), "by a call": Brief(callErr), "for the caller": callerErr} {
				if diff := cmp.Diff(tc.want, said{err.Error(), hint.Lines(err)}); diff != "" {
					t.Errorf("%s (-want +got):\n%s", asked, diff)
				}
			}
		})
	}
}
