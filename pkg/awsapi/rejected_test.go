package awsapi

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// The token of an exchange is no credential, and S3 of one region does not speak for
// all of AWS.
func TestCredentialsThatAWSDoesNotTakeComeWithAdvice(t *testing.T) {
	type said struct {
		Text     string
		Rejected bool
		Advice   []string
	}
	for code, want := range map[string]said{
		"InvalidClientTokenId":  {"InvalidClientTokenId: no", true, []string{"AWS does not know these credentials: choose others with --aws-profile, or log in again"}},
		"SignatureDoesNotMatch": {"SignatureDoesNotMatch: no", true, []string{"the secret access key is not that of the access key ID, or this machine's clock is wrong"}},
		"ExpiredToken":          {"ExpiredToken: no", true, []string{"these credentials have expired: log in again, or choose others with --aws-profile"}},
		"ExpiredTokenException": {"ExpiredTokenException: no", false, nil},
		"InvalidAccessKeyId":    {"InvalidAccessKeyId: no", false, nil},
		"AccessDenied":          {"AccessDenied: no", false, nil},
	} {
		t.Run(code, func(t *testing.T) {
			err := fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: code, Message: "no"})
			for _, got := range []error{Brief(err), Brief(Brief(err))} {
				_, rejected := errors.AsType[*Rejected](got)
				if diff := cmp.Diff(want, said{got.Error(), rejected, hint.Lines(got)}); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			if !errors.Is(Brief(err), err) {
				t.Error("the cause is lost")
			}
		})
	}
}
