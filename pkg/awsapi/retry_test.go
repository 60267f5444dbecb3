package awsapi

import (
	"testing"

	"github.com/aws/smithy-go"
)

func TestWhatIsAskedAgain(t *testing.T) {
	for code, want := range map[string]bool{
		"Throttling": true, "SlowDown": true, "RequestTimeout": true,
		"ConcurrentModification": true, // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
		"AccessDenied":           false, "NoSuchEntity": false, "EntityAlreadyExists": false, "DeleteConflict": false, "LimitExceeded": false,
	} {
		if got := newRetryer().IsErrorRetryable(&smithy.GenericAPIError{Code: code}); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
}
