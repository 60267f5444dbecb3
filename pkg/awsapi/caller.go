package awsapi

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Caller is who the clients' credentials are, as STS says, and until when.
type Caller struct {
	Account string
	ARN     string
	Expires time.Time // zero where the source of the credentials does not say
}

// Caller asks STS whose credentials these are.
func (a *Admin) Caller(ctx context.Context) (Caller, error) {
	used, err := a.credentials.Retrieve(ctx)
	if err != nil {
		return Caller{}, missing(err)
	}
	var who Caller
	if used.CanExpire {
		who.Expires = used.Expires
	}
	out, err := a.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return who, fmt.Errorf("asking STS who has these credentials: %w", Brief(err))
	}
	who.Account, who.ARN = aws.ToString(out.Account), aws.ToString(out.Arn)
	return who, nil
}
