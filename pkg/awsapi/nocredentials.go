package awsapi

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// noCredentials says that there is nothing to sign a call of AWS with.
type noCredentials struct {
	profiles []string // those that may hold some
	err      error    // the SDK's own
}

// nowhere is what the SDK says at the end of its search; every other error is of
// a source that somebody chose.
const nowhere = "no EC2 IMDS role found"

func (n *noCredentials) Error() string {
	why := strings.TrimPrefix(n.err.Error(), "failed to refresh cached credentials, ")
	if strings.HasPrefix(why, nowhere) {
		return "there are no AWS credentials"
	}
	return "there are no AWS credentials: " + why
}

func (n *noCredentials) Unwrap() error { return n.err }

// mostNamed is how many profiles a hint names.
const mostNamed = 5

// advised is the error with what to do about it.
func (n *noCredentials) advised() error {
	line := "choose some with --aws-profile, or set AWS_PROFILE"
	if len(n.profiles) > 0 {
		line = "choose some with --aws-profile: you have " + strings.Join(n.profiles[:min(len(n.profiles), mostNamed)], ", ")
	}
	if len(n.profiles) > mostNamed {
		line += " and others"
	}
	return hint.Wrap(n, line)
}

// explained are credentials whose absence is a noCredentials. What another
// service refused on the way to them is that service's own error.
type explained struct {
	aws.CredentialsProvider
	profiles func() []string // nil knows none
}

func (e explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := e.CredentialsProvider.Retrieve(ctx)
	if err == nil || Code(err) != "" || ctx.Err() != nil {
		return found, err
	}
	none := &noCredentials{err: err}
	if e.profiles != nil {
		none.profiles = e.profiles()
	}
	return found, none
}
