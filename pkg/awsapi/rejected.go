package awsapi

import (
	"errors"

	"github.com/kubectl-irsa/kubectl-irsa/pkg/hint"
)

// Rejected says that AWS does not take the credentials that a call was signed with,
// whatever it was about. Its text is [Brief]'s.
type Rejected struct{ brief }

// rejections are what can be done about credentials, by the code that refuses them:
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html. S3's codes are
// not among them: one region of it may not know what all of AWS does.
var rejections = map[string]string{
	"InvalidClientTokenId":        "AWS does not know these credentials: choose others with --aws-profile, or log in again",
	"UnrecognizedClientException": "AWS does not know these credentials: choose others with --aws-profile, or log in again",
	"SignatureDoesNotMatch":       "the secret access key is not that of the access key ID, or this machine's clock is wrong",
	"ExpiredToken":                "these credentials have expired: log in again, or choose others with --aws-profile",
}

// rejected is the error of credentials that were not taken, nil where err says
// something else.
func rejected(err error) error {
	advice, known := rejections[Code(err)]
	if !known {
		return nil
	}
	already, ok := errors.AsType[*Rejected](err)
	if !ok {
		already = &Rejected{brief{err}}
	}
	return hint.Wrap(already, advice)
}
