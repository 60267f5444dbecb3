package awsapi

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithy "github.com/aws/smithy-go/middleware"
)

// userAgent adds NAME/VERSION to what CloudTrail shows of a call.
func userAgent(application string) []func(*smithy.Stack) error {
	if application == "" {
		return nil
	}
	name, version, _ := strings.Cut(application, "/")
	return []func(*smithy.Stack) error{middleware.AddUserAgentKeyValue(name, version)}
}
