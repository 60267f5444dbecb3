package role

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/awsapi"
)

// settling makes a call until IAM has taken in the change before it, a quarter of a
// minute at most: what was changed is not seen everywhere at once.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
func settling(passes func(error) bool) func(*iam.Options) {
	return func(o *iam.Options) { o.Retryer = retry.AddWithMaxAttempts(patient{o.Retryer, passes}, 8) }
}

type patient struct {
	aws.Retryer
	passes func(error) bool
}

// IsErrorRetryable reports whether a call is made again after an error.
func (p patient) IsErrorRetryable(err error) bool {
	return p.passes(err) || p.Retryer.IsErrorRetryable(err)
}

// notSeen is the answer about a role that was just made. What else may be missing, as
// a policy, is named otherwise.
func notSeen(err error) bool {
	return awsapi.Code(err) == "NoSuchEntity" && strings.Contains(awsapi.Message(err), "role with name")
}

// stillThere is the answer about a role whose policies were just taken away.
func stillThere(err error) bool {
	return awsapi.Code(err) == "DeleteConflict" && strings.Contains(awsapi.Message(err), "policies first")
}
